// What the built library is to the loader: this decides whether programs of all kinds can have it in their process.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { calls, cublas12Functions, cuda12Functions } from '@vgpu/protocol';
import { describe, expect, it } from 'vitest';
import { guestLibrary } from '../src/index.js';

const { library, directory } = guestLibrary();

function readelf(...options: string[]): string {
  return execFileSync('readelf', ['--wide', ...options, library], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 1 << 24,
  });
}

interface DynamicSymbol {
  readonly name: string;
  readonly version: string | undefined;
  readonly defined: boolean;
}

/** The dynamic symbol table, without the empty first entry. */
function dynamicSymbols(): DynamicSymbol[] {
  return readelf('--dyn-syms')
    .split('\n')
    .map((line) => /^\s*\d+:\s+\S+\s+\d+\s+\S+\s+\S+\s+\S+\s+(\S+)\s+(\S+)/.exec(line))
    .flatMap((match) => {
      const [, section, symbol] = match ?? [];
      if (section === undefined || symbol === undefined) return [];
      const [name, version] = symbol.split(/@+/);
      return name ? [{ name, version, defined: section !== 'UND' && section !== 'ABS' }] : [];
    });
}

function dynamicEntries(tag: string): string[] {
  return readelf('--dynamic')
    .split('\n')
    .flatMap((line) => new RegExp(`\\(${tag}\\)\\s+(?:[^[]*\\[)?([^\\]]+)`).exec(line)?.[1] ?? []);
}

const symbols = dynamicSymbols();
const defined = symbols.filter(({ defined }) => defined);
const exported = defined.filter(({ version }) => !version?.endsWith('.so.12'));
const publicCalls = calls.filter(({ api }) => api !== 'internal');

describe('the guest library', () => {
  it('exports every call of the table, and nothing else', () => {
    const table = publicCalls.map(({ prototype }) => prototype.name).sort();
    expect(table.length).toBeGreaterThan(900);
    expect(exported.map(({ name }) => name).sort()).toEqual(table);
  });

  it("gives runtime API and cuBLAS the original libraries' symbol versions, and the others none", () => {
    const api = new Map(publicCalls.map((call) => [call.prototype.name, call.api]));
    const versions = new Map([
      ['runtime', 'libcudart.so.13'],
      ['cublas', 'libcublas.so.13'],
    ]);
    const wrong = exported.filter(({ name, version }) => version !== versions.get(api.get(name) ?? ''));
    expect(wrong).toEqual([]);
  });

  it("gives programs built for CUDA 12 that version's runtime functions, under its version node", () => {
    const names = defined.filter(({ version }) => version === 'libcudart.so.12').map(({ name }) => name);
    expect(names.sort()).toEqual([...cuda12Functions(calls).keys()].sort());
    expect(names).toContain('cudaGetDeviceProperties_v2');
    expect(names).not.toContain('cudaGetDeviceProperties');
  });

  it('gives them that version of cuBLAS too', () => {
    const names = defined.filter(({ version }) => version === 'libcublas.so.12').map(({ name }) => name);
    expect(names.sort()).toEqual([...cublas12Functions(calls).keys()].sort());
    expect(names).toContain('cublasGemmEx');
  });

  it('needs libc and its loader alone', () => {
    const needed = dynamicEntries('NEEDED').filter((name) => !/^ld-linux[\w.-]*\.so\.\d+$/.test(name));
    expect(needed).toEqual(['libc.so.6']);
  });

  it('needs no symbol that glibc 2.17 lacks', () => {
    const imported = symbols.filter(({ defined, version }) => !defined && version !== undefined);
    expect(imported.length).toBeGreaterThan(10);
    const tooNew = imported.filter(({ version }) => {
      const [, minor] = /^GLIBC_2\.(\d+)/.exec(version ?? '') ?? [];
      return minor === undefined || Number(minor) > 17;
    });
    expect(tooNew).toEqual([]);
  });

  it('calls itself libcuda.so.1', () => {
    expect(dynamicEntries('SONAME')).toEqual(['libcuda.so.1']);
  });

  it('has no search path, no text relocation and no executable stack', () => {
    const dynamic = readelf('--dynamic');
    expect(dynamic).not.toMatch(/\((RPATH|RUNPATH|TEXTREL)\)/);
    const stack = readelf('--program-headers')
      .split('\n')
      .find((line) => line.includes('GNU_STACK'));
    expect(stack).toMatch(/ RW /);
  });

  it('costs a process two mappings, and no look-up of a function that it does not call', () => {
    const segments = readelf('--program-headers').split('\n');
    const mapped = segments.flatMap((line) => {
      const [, fileBytes, memoryBytes, flags] =
        /LOAD\s+\S+\s+\S+\s+\S+\s+(0x\w+)\s+(0x\w+)\s+(\w(?: ?\w)*)\s+0x/.exec(line) ?? [];
      return flags === undefined ? [] : [{ flags, zeros: Number(memoryBytes) - Number(fileBytes) }];
    });
    // Zeros that are not in the file would be a mapping more.
    expect(mapped).toEqual([
      { flags: 'R E', zeros: 0 },
      { flags: 'RW', zeros: 0 },
    ]);
    expect(segments.some((line) => line.includes('GNU_RELRO'))).toBe(true);
    expect(readelf('--dynamic')).not.toContain('NOW');
    const lookedUp = readelf('--relocs')
      .split('\n')
      .filter((line) => /GLOB_DAT|R_\w+_64\s.*@GLIBC/.test(line));
    expect(lookedUp.length).toBeLessThanOrEqual(6);
  });

  it('has one constructor', () => {
    // What it does, start.test.ts tells.
    const [bytes] = dynamicEntries('INIT_ARRAYSZ');
    expect(bytes).toMatch(/^8 \(bytes\)/);
  });

  it('is offered under the names of the libraries it replaces', () => {
    const names = readdirSync(directory).sort();
    expect(names).toEqual([
      'libcublas.so',
      'libcublas.so.12',
      'libcublas.so.13',
      'libcuda.so',
      'libcuda.so.1',
      'libcudart.so',
      'libcudart.so.12',
      'libcudart.so.13',
      'libnvidia-ml.so.1',
    ]);
    for (const name of names) {
      // Relative, so that the folder can be moved.
      expect(readlinkSync(join(directory, name))).toBe('../libvgpu_cuda.so');
      expect(realpathSync(join(directory, name))).toBe(realpathSync(library));
    }
  });
});

it('changes nothing in a process that does not use it', () => {
  const script = 'ls -l /proc/self/fd | wc -l; ls /proc/self/task | wc -l; echo out; echo err >&2; exit 3';
  const run = (extra: NodeJS.ProcessEnv) => {
    const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script], {
      encoding: 'utf8',
      env: { ...process.env, ...extra },
    });
    return { status, stdout, stderr };
  };
  const without = run({});
  expect(without).toMatchObject({ status: 3, stderr: 'err\n' });
  expect(run({ LD_PRELOAD: library, VGPU_EXECUTOR: 'unix:/nonexistent/socket' })).toEqual(without);
});
