// guest_entries.c, guest_entries.h, guest_names.h: where programs enter the driver API, NVML and cuBLAS. Each entry goes on to
// the real library's function where one has been chosen, and else to the guest's own, which has another name inside.
import { ProtocolError } from '../errors.js';
import type { CallEntry } from '../schema.js';
import { calls } from '../table/table.js';
import { banner, parameterList, prototypeText } from './c-text.js';

/** In the order of their indices. The runtime API is not among them: ours works on top of any driver. */
const libraries = ['driver', 'nvml', 'cublas'] as const;
type Library = (typeof libraries)[number];

/** What a program calls first. Before these it is decided whose functions they are. */
const deciding = new Set([
  'cuInit',
  'cuDriverGetVersion',
  'cuGetProcAddress',
  'cuGetProcAddress_v2',
  'nvmlInit_v2',
  'nvmlInitWithFlags',
  'cublasCreate_v2',
]);

const isEntry = (call: CallEntry): call is CallEntry & { api: Library } =>
  libraries.some((library) => library === call.api);

const entries = libraries.flatMap((library) => calls.filter(isEntry).filter(({ api }) => api === library));

/** How the guest declares what programs can see. */
export const exportMacro = (call: CallEntry): string =>
  call.api === 'internal' ? '' : isEntry(call) ? 'VGPU_ENTRY ' : 'VGPU_EXPORT ';

export function guestNames(): string {
  const names = entries.map(({ prototype: { name } }) => `#define ${name} vgpu_guest_${name}`);
  return `${banner("The guest's own functions behind the entries. Included first by the files that define them.")}
#ifndef VGPU_GUEST_NAMES_H
#define VGPU_GUEST_NAMES_H

#define VGPU_ENTRY

${names.join('\n')}

#endif
`;
}

export function guestEntriesHeader(): string {
  const declarations = libraries.map((library) => {
    const count = entries.filter(({ api }) => api === library).length;
    const first = entries.findIndex(({ api }) => api === library);
    const upper = library.toUpperCase();
    return `enum { VGPU_FIRST_${upper}_ENTRY = ${first}, VGPU_${upper}_ENTRIES = ${count} };`;
  });
  return `${banner('What the entries of the guest library jump to.')}
#ifndef VGPU_GUEST_ENTRIES_H
#define VGPU_GUEST_ENTRIES_H

#include <stdint.h>

// 0: the guest's own.
extern uintptr_t vgpu_real_functions[${entries.length}];

${declarations.join('\n')}

// NULL for an index that is none.
const char *vgpu_entry_name(unsigned int index);

#endif
`;
}

function decidingEntry({ prototype, api }: CallEntry, index: number): string {
  const names = prototype.parameters.map(({ name }) => name).join(', ');
  const guest = { ...prototype, name: `vgpu_guest_${prototype.name}` };
  return `${prototypeText(guest)};
${prototypeText(prototype)} {
  vgpu_real_decide(VGPU_REAL_${api.toUpperCase()});
  ${prototype.returns} (*const real)(${parameterList(prototype.parameters)}) =
      (${prototype.returns} (*)(${parameterList(prototype.parameters)}))vgpu_real_functions[${index}];
  return real != NULL ? real(${names}) : ${guest.name}(${names});
}
`;
}

export function guestEntries(): string {
  const known = new Set(entries.map(({ prototype }) => prototype.name));
  const absent = [...deciding].filter((name) => !known.has(name));
  if (absent.length > 0) {
    throw new ProtocolError('ERR_VGPU_PROTOCOL_TABLE', `no such calls: ${absent.join(', ')}`);
  }
  const names = entries.map(
    ({ prototype: { name } }, index) => `    case ${index}:\n      return "${name}";`,
  );
  const numbered = entries.map((call, index) => ({ call, index, name: call.prototype.name }));
  const jumps = numbered
    .filter(({ name }) => !deciding.has(name))
    .map(({ name, index }) => `ENTRY(${name}, ${index})`);
  const functions = numbered
    .filter(({ name }) => deciding.has(name))
    .map(({ call, index }) => decidingEntry(call, index));
  return `${banner('The entries of the guest library. A jump fits any prototype.')}
#include "guest_entries.h"

#include "guest_api.h"
#include "real/real_driver.h"

uintptr_t vgpu_real_functions[${entries.length}];

const char *vgpu_entry_name(unsigned int index) {
  switch (index) {
${names.join('\n')}
    default:
      return NULL;
  }
}

#if defined(__x86_64__)
#define GO(name, index) \\
  "endbr64\\n movq vgpu_real_functions+8*" #index "(%rip), %r11\\n testq %r11, %r11\\n" \\
  "je vgpu_guest_" #name "\\n jmp *%r11\\n"
#elif defined(__aarch64__)
#define GO(name, index) \\
  "hint #34\\n adrp x16, vgpu_real_functions+8*" #index "\\n" \\
  "ldr x16, [x16, :lo12:vgpu_real_functions+8*" #index "]\\n" \\
  "cbz x16, 1f\\n br x16\\n 1: b vgpu_guest_" #name "\\n"
#endif

#define ENTRY(name, index)                                     \\
  __asm__(".text\\n.globl " #name "\\n.type " #name ", %function\\n" \\
          #name ":\\n.cfi_startproc\\n" GO(name, index)             \\
          ".cfi_endproc\\n.size " #name ", .-" #name "\\n");

${jumps.join('\n')}

${functions.join('\n')}`;
}
