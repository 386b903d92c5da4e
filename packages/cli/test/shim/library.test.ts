// Libraries that must not get into any process: each is refused, by name, before anything leads to it.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { guestLibrary } from '@vgpu/preload-shim';
import { headersLast } from '@vgpu/toolchain/headers-last';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capabilitiesOf, checkLibrary } from '../../src/shim/library-file.js';
import { Folder } from '../vgpu.js';
import { Machine, machineObstacle } from './machine.js';

const system = { machine: process.arch === 'x64' ? 62 : 183, glibc: 36 };
const SOURCE = 'int cuInit(unsigned flags) { return (int)flags; }\n';
const OPTIONS = ['-shared', '-fPIC', '-nostartfiles', '-Wl,-soname,libcuda.so.1', '-Wl,-z,noexecstack'];

let folder: Folder;
beforeAll(() => {
  folder = new Folder();
});
afterAll(() => folder.remove());

/** Compiles a library, as our build does. Where an option is given twice the last one counts. */
function compile(name: string, source: string, ...options: string[]): string {
  writeFileSync(folder.at(`${name}.c`), source);
  const path = folder.at(`${name}.so`);
  execFileSync(process.env.CC ?? 'cc', [...OPTIONS, ...options, '-o', path, folder.at(`${name}.c`)]);
  writeFileSync(path, headersLast(readFileSync(path)));
  return path;
}

function verdict(path: string, bytes = readFileSync(path), capabilities = system): string[] {
  return checkLibrary(path, bytes, capabilities).map(({ status, evidence }) =>
    status === 'problem' ? evidence.replace(path, 'it') : status,
  );
}

describe('checking a library', () => {
  it('finds nothing wrong with the one that was built', () => {
    expect(verdict(guestLibrary().library)).toEqual(['ok']);
    expect(verdict(compile('sound', SOURCE))).toEqual(['ok']);
  });

  it('refuses one that is cut short, anywhere', () => {
    const { library } = guestLibrary();
    const bytes = readFileSync(library);
    for (const length of [0, 1, 63, 64, 100, 4096, bytes.length >> 1, bytes.length - 1]) {
      const [complaint] = verdict(library, bytes.subarray(0, length));
      expect(complaint, `${length} bytes`).toMatch(/is not a 64-bit ELF file|is damaged/);
    }
  });

  it('refuses one that the loader would map although it has been cut short', () => {
    const path = compile('front', SOURCE);
    const bytes = readFileSync(path);
    bytes.copy(bytes, 64, Number(bytes.readBigUInt64LE(32)));
    bytes.writeBigUInt64LE(64n, 32);
    expect(verdict(path, bytes)).toEqual([expect.stringContaining('does not end with its program headers')]);
  });

  it('refuses one for another processor', () => {
    const bytes = readFileSync(guestLibrary().library);
    bytes.writeUInt16LE(8, 18);
    expect(verdict(guestLibrary().library, bytes)).toEqual([
      expect.stringContaining('is for another processor (ELF machine 8'),
    ]);
  });

  it('refuses one that needs a newer glibc than there is', () => {
    const needing = '#include <stdio.h>\nint cuInit(unsigned flags) { return puts("") + (int)flags; }\n';
    const path = compile('newer', needing);
    expect(verdict(path, undefined, { ...system, glibc: 1 })).toEqual([
      expect.stringMatching(/^it needs GLIBC_2\.\d+.*this system has glibc 2\.1$/),
    ]);
  });

  it.each([
    ['another name', SOURCE, ['-Wl,-soname,libother.so.1'], 'it is called libother.so.1, not libcuda.so.1'],
    ['more than libc', SOURCE, ['-Wl,--no-as-needed', '-lm'], 'it needs libm.so.6'],
    ['a search path', SOURCE, ['-Wl,-rpath,/opt/lib'], 'it has a search path of its own: /opt/lib'],
    [
      'text relocations',
      `${SOURCE}__asm__(".text\\n.balign 8\\n.quad cuInit\\n");\n`,
      ['-Wl,-z,notext'],
      'it has text relocations',
    ],
    ['an executable stack', SOURCE, ['-Wl,-z,execstack'], 'it asks for an executable stack'],
    [
      "a function of libc's name",
      `${SOURCE}int open(void) { return -1; }\n`,
      [],
      'it offers what is not of CUDA: open',
    ],
    [
      "curl's functions",
      `${SOURCE}int curl_easy_init(void) { return 0; }\n`,
      [],
      'it offers what is not of CUDA: curl_easy_init',
    ],
    ['nothing of CUDA', 'int cuda;\n', [], 'it has no cuInit'],
  ])('refuses one with %s', (name, source, options, complaint) => {
    expect(verdict(compile(name.replaceAll(/\W/g, '-'), source, ...options))).toContain(complaint);
  });

  it('knows no system by a file that is no glibc', () => {
    const { library } = guestLibrary();
    expect(capabilitiesOf(library, readFileSync(library))).toBeUndefined();
    expect(capabilitiesOf('/nothing', Buffer.alloc(0))).toBeUndefined();
  });
});

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

describe.skipIf(obstacle !== undefined)(
  'installing a library that is sound but does harm',
  { timeout: 120_000 },
  () => {
    let machine: Machine;
    beforeAll(async () => {
      machine = await Machine.start();
    });
    afterAll(async () => machine.stop());

    it.each([
      [
        'writes',
        'extern long write(int, const void*, unsigned long); ',
        'write(2, "!", 1);',
        'writes to stderr',
      ],
      ['ends the program', 'extern void _exit(int); ', '_exit(9);', 'ended with status 9'],
      ['crashes', '', '*(volatile int*)0 = 1;', 'was killed by SIGSEGV'],
    ])('is noticed when it %s', async (_, declarations, statement, complaint) => {
      const source = `${declarations}${SOURCE}__attribute__((constructor)) static void begin(void) { ${statement} }\n`;
      const bytes = readFileSync(compile('harmful', source)).toString('base64');
      await machine.shell(`echo ${bytes} | base64 -d > /tmp/harmful.so`);
      const { code, stdout } = await machine.vgpu(
        'install',
        '--yes',
        '--json',
        '--library',
        '/tmp/harmful.so',
      );
      expect(code).toBe(1);
      const { error } = JSON.parse(stdout);
      expect(error).toMatchObject({ code: 'ERR_VGPU_SHIM_CANARY' });
      expect(error.message).toContain(complaint);
      expect(await machine.differences()).toEqual([]);
    });
  },
);
