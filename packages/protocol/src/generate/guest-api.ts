// guest_api.h: prototypes of everything the guest defines. guest_refused.c, guest_directory.c, guest_exports.map: what
// is refused, what cuGetProcAddress finds, what the linker exports.

import { cublasStatuses } from '../abi/blas-constants.js';
import { driverConstants } from '../abi/driver-constants.js';
import { errorMessages } from '../abi/error-messages.js';
import { nvmlReturns } from '../abi/nvml-constants.js';
import { runtimeConstants } from '../abi/runtime-constants.js';
import type { CallEntry } from '../schema.js';
import {
  calls,
  forwardedCalls,
  localCalls,
  perThreadEntries,
  refusedCallEntries,
  remoteCalls,
} from '../table/table.js';
import { banner, prototypeText, wrap } from './c-text.js';
import { exportMacro } from './guest-entries.js';

export function guestApiHeader(): string {
  const declarations = [...remoteCalls, ...localCalls, ...forwardedCalls, ...perThreadEntries].map(
    (call) => `${exportMacro(call)}${prototypeText(call.prototype)};`,
  );
  return `${banner('Every CUDA function that the guest defines, and the internal calls beneath them.')}
#ifndef VGPU_GUEST_API_H
#define VGPU_GUEST_API_H

#include <stdbool.h>

#include "cuda_abi.h"

// Everything else in the guest library is hidden.
#define VGPU_EXPORT __attribute__((visibility("default")))
// Of functions that programs enter through guest_entries.c. Where the guest defines them, guest_names.h has been before.
#ifndef VGPU_ENTRY
#define VGPU_ENTRY VGPU_EXPORT
#endif

${declarations.join('\n')}

struct vgpu_directory_entry {
  const char *name;  // without the version suffix, as programs ask for it
  int since;         // CUDA version × 1000
  void (*function)(void);
  void (*per_thread)(void);  // the form for the thread's own default stream; NULL when it makes no difference
};

// Tables of pointers would have to be relocated in every process that loads the library; code has not.

// Sorted by name, then by version; false from the end on.
bool vgpu_directory_at(size_t index, struct vgpu_directory_entry *entry);

struct vgpu_error_text {
  const char *driver_name;   // "CUDA_ERROR_…", NULL when only the runtime has the code
  const char *runtime_name;  // "cudaError…", NULL when only the driver has the code
  const char *message;
};

// False for a code that neither API knows.
bool vgpu_error_text_of(int code, struct vgpu_error_text *text);

// The text of an NVML result; NULL for an unknown one.
const char *vgpu_nvml_text(int code);

// The name of a cuBLAS status, or its text; NULL for an unknown one.
const char *vgpu_cublas_name(int code);
const char *vgpu_cublas_text(int code);

#endif
`;
}

export function guestRefused(): string {
  const functions = refusedCallEntries.map((call) => {
    const { name } = call.prototype;
    return `${exportMacro(call)}int ${name}(void);\nint ${name}(void) { return vgpu_refuse("${name}"); }`;
  });
  return `${banner('Calls that are not implemented. No parameter is looked at, so none is declared.')}
#include "guest_api.h"
#include "refuse.h"

${functions.join('\n')}
`;
}

const baseName = (name: string): string => name.replace(/_v\d+$/, '');

export function guestDirectory(): string {
  const found = calls
    .filter((call) => call.api === 'driver' && (call.kind === 'remote' || call.kind === 'local'))
    .filter((call) => !/_pt[ds][sz]$/.test(call.prototype.name))
    .map((call) => ({ base: baseName(call.prototype.name), since: call.since, name: call.prototype.name }))
    .sort((a, b) => (a.base < b.base ? -1 : a.base > b.base ? 1 : a.since - b.since));
  const perThread = new Map(
    calls
      .filter((call) => call.api === 'driver' && call.kind !== 'refused')
      .filter((call) => /_pt[ds][sz]$/.test(call.prototype.name))
      .map((call) => [call.prototype.name.replace(/_pt[ds][sz]$/, ''), call.prototype.name]),
  );
  const entries = found.map(({ base, since, name }, index) => {
    const other = perThread.get(name);
    const values = `"${base}", ${since}, (void (*)(void))${name}, ${other ? `(void (*)(void))${other}` : 'NULL'}`;
    return `    case ${index}:\n      *entry = (struct vgpu_directory_entry){${values}};\n      return true;`;
  });
  const names = new Map<number, { driver?: string; runtime?: string }>();
  for (const [name, value] of Object.entries(driverConstants.CUresult)) names.set(value, { driver: name });
  for (const [name, value] of Object.entries(runtimeConstants.cudaError)) {
    names.set(value, { ...names.get(value), runtime: name });
  }
  const quoted = (text: string | undefined): string => (text === undefined ? 'NULL' : JSON.stringify(text));
  const texts = [...names]
    .sort(([a], [b]) => a - b)
    .map(
      ([code, { driver, runtime }]) =>
        `    case ${code}:\n      *text = (struct vgpu_error_text){${quoted(driver)}, ${quoted(runtime)}, ${quoted(errorMessages[code] ?? 'unrecognized error code')}};\n      return true;`,
    );
  const nvml = Object.entries(nvmlReturns).map(
    ([name, { text }]) => `    case ${name}:\n      return "${text}";`,
  );
  const statuses = Object.entries(cublasStatuses);
  return `${banner('What cuGetProcAddress finds, and the texts of result codes.')}
#include "guest_api.h"

bool vgpu_directory_at(size_t index, struct vgpu_directory_entry *entry) {
  switch (index) {
${entries.join('\n')}
    default:
      return false;
  }
}

bool vgpu_error_text_of(int code, struct vgpu_error_text *text) {
  switch (code) {
${texts.join('\n')}
    default:
      return false;
  }
}

const char *vgpu_nvml_text(int code) {
  switch (code) {
${nvml.join('\n')}
    default:
      return NULL;
  }
}

const char *vgpu_cublas_name(int code) {
  switch (code) {
${statuses.map(([name]) => `    case ${name}:\n      return "${name}";`).join('\n')}
    default:
      return NULL;
  }
}

const char *vgpu_cublas_text(int code) {
  switch (code) {
${statuses.map(([name, { text }]) => `    case ${name}:\n      return "${text}";`).join('\n')}
    default:
      return NULL;
  }
}
`;
}

/** Runtime functions and cuBLAS carry the version node of the original; driver API and NVML have none. */
export function guestExports(): string {
  const names = (api: CallEntry['api']): string =>
    wrap(
      calls.filter((call) => call.api === api).map((call) => `${call.prototype.name};`),
      '    ',
    );
  return `# Generated by @vgpu/protocol from its table; edit packages/protocol/src instead.
libcudart.so.13 {
  global:
${names('runtime')}
};
libcublas.so.13 {
  global:
${names('cublas')}
};
# What guest_cuda12.c names.
libcudart.so.12 {
};
libcublas.so.12 {
};
`;
}
