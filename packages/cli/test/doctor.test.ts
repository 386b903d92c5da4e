import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { guestLibrary, selfTestProgram } from '@vgpu/preload-shim';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { afterAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { checkEnvironment, checkProcessor, checkSystemPreload } from '../src/doctor/machine.js';
import { isElf, readElf } from '../src/doctor/elf.js';
import { deviceCode } from '../src/doctor/fat-binary.js';
import { checkProgram } from '../src/doctor/program.js';
import { CliError } from '../src/errors.js';
import { doctorSchema } from './schemas.js';
import { ended, Folder, start } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

async function doctor(environment: NodeJS.ProcessEnv, ...args: string[]) {
  const child = start(['doctor', '--json', ...args], { env: { ...process.env, ...environment } });
  const { stdout, ...ending } = await ended(child);
  const { checks } = doctorSchema.parse(JSON.parse(stdout));
  return { ...ending, checks: Object.fromEntries(checks.map((check) => [check.id, check])) };
}

describe('vgpu doctor', { timeout: 60_000 }, () => {
  it('finds that a kernel runs here', async () => {
    const { checks } = await doctor({});
    expect(checks['software-gpu']).toMatchObject({ status: 'ok' });
    expect(checks['guest-library']).toMatchObject({ status: 'ok' });
    expect(checks.node?.evidence).toContain(process.version);
  });

  it('finds an executor that does not answer, and ends with 3', async () => {
    const { code, checks } = await doctor({ VGPU_EXECUTOR: `unix:${folder.at('nobody.sock')}` });
    expect(code).toBe(3);
    expect(checks.executor).toMatchObject({ status: 'problem' });
    expect(checks.executor?.remedy).toBeTruthy();
  });

  it('finds an executor program that does not run', async () => {
    const { code, checks } = await doctor({ VGPU_EXECUTOR_BINARY: '/bin/false' });
    expect(code).toBe(3);
    expect(checks['software-gpu']).toMatchObject({ status: 'problem' });
  });
});

describe('the machine', () => {
  it('without vector instructions is slow', () => {
    expect(checkProcessor('flags : sse sse2\n').status).toBe('warning');
    expect(checkProcessor('flags\t\t: fpu avx2 x\n').evidence).toMatch(/avx2$/);
  });

  it('may load libraries into every process', () => {
    const path = folder.at('ld.so.preload');
    expect(checkSystemPreload(path).status).toBe('ok');
    writeFileSync(path, '/usr/lib/libeatmydata.so\n');
    expect(checkSystemPreload(path)).toMatchObject({
      status: 'ok',
      evidence: expect.stringContaining('eatmydata'),
    });
    writeFileSync(path, '/opt/vgpu/libvgpu_cuda.so');
    expect(checkSystemPreload(path).status).toBe('warning');
  });

  it('may have another CUDA in front', () => {
    expect(checkEnvironment({ LD_PRELOAD: '/opt/libcuda.so.1' }).status).toBe('warning');
    expect(checkEnvironment({ LD_PRELOAD: '/opt/libother.so' }).status).toBe('ok');
    expect(checkEnvironment({}).status).toBe('skipped');
  });
});

function build(name: string, compiler: string, source: string, ...flags: string[]): string {
  const path = folder.at(name);
  writeFileSync(folder.at(`source-of-${name}`), source);
  execFileSync(compiler, [...flags, folder.at(`source-of-${name}`), '-o', path]);
  return path;
}

const statuses = (path: string) =>
  Object.fromEntries(checkProgram(path).map(({ id, status }) => [id, status]));
const evidence = (path: string, id: string) => checkProgram(path).find((check) => check.id === id)?.evidence;

describe('a program', () => {
  it('that opens the driver while it runs is fine', () => {
    expect(statuses(selfTestProgram())).toEqual({ program: 'ok', 'program-runtime': 'skipped' });
  });

  it('that is a script is looked through by nobody', () => {
    writeFileSync(folder.at('script'), '#!/bin/sh\n', { mode: 0o755 });
    expect(statuses(folder.at('script'))).toEqual({ program: 'skipped' });
  });

  it('that is statically linked gets no library', () => {
    const path = build('static', 'cc', 'int main(void) { return 0; }', '-static', '-xc');
    expect(statuses(path).program).toBe('problem');
  });

  it('is told which functions there are', () => {
    const { library, directory } = guestLibrary();
    const source = (calls: string) =>
      `int cuInit(unsigned); int cuTexRefCreate(void **); int main(void) { ${calls} }`;
    const flags = ['-xc', `-L${directory}`, '-Wl,--no-as-needed', '-l:libcuda.so.1'];
    const good = build('good', 'cc', source('return cuInit(0);'), ...flags);
    expect(statuses(good)).toMatchObject({ 'program-runtime': 'ok', 'program-functions': 'ok' });
    expect(readElf(good, readFileSync(good)).needed).toContain('libcuda.so.1');
    expect(readElf(library, readFileSync(library)).exports).toContainEqual({
      name: 'cudaMalloc',
      version: 'libcudart.so.13',
    });
    const newer = build(
      'libcuda.so.1',
      'cc',
      'int cuFromTheFuture(void) { return 0; }',
      '-xc',
      '-shared',
      '-fPIC',
      '-Wl,-soname,libcuda.so.1',
    );
    const future = 'int cuFromTheFuture(void); int main(void) { return cuFromTheFuture(); }';
    const missing = build('missing', 'cc', future, '-Wl,--no-as-needed', newer, '-xc');
    expect(statuses(missing)['program-functions']).toBe('problem');
    expect(evidence(missing, 'program-functions')).toContain('cuFromTheFuture');
  });

  const nvcc = findNvcc();
  it('with the runtime inside is told to link it as a library', { timeout: 60_000 }, ({ skip }) => {
    if (!nvcc) return skip('nvcc is not installed');
    const source = '__global__ void k() {}\nint main() { k<<<1, 1>>>(); return cudaDeviceSynchronize(); }';
    const flags = ['-x', 'cu', '-gencode', 'arch=compute_75,code=compute_75'];
    expect(statuses(build('inside', nvcc, source, ...flags))['program-runtime']).toBe('problem');
    const shared = build('shared', nvcc, source, '-cudart', 'shared', ...flags);
    expect(statuses(shared)).toEqual({
      program: 'ok',
      'program-runtime': 'ok',
      'program-functions': 'ok',
      'program-device-code': 'ok',
    });
    expect(evidence(shared, 'program-device-code')).toBe('ptx for 75');
    const newer = build(
      'newer',
      nvcc,
      source,
      '-cudart',
      'shared',
      '-x',
      'cu',
      '-gencode',
      'arch=compute_90,code=sm_90',
    );
    expect(statuses(newer)['program-device-code']).toBe('warning');
  });

  it('that is damaged gives an error with a code, whatever the damage', () => {
    const whole = readFileSync(selfTestProgram());
    const damage = fc.record({ at: fc.nat(whole.length - 1), value: fc.nat(255), cut: fc.nat(whole.length) });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), fc.boolean(), (damages, cutting) => {
        let bytes = Buffer.from(whole);
        // Headers are where a wrong number leads somewhere else.
        for (const { at, value } of damages) bytes[at % 2 === 0 ? at : at % 64] = value;
        if (cutting) bytes = bytes.subarray(0, damages[0]?.cut);
        if (!isElf(bytes)) return;
        try {
          readElf('damaged', bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CliError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('has device code of which nothing is believed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (tail) => {
        const section = Buffer.concat([Buffer.from('50ed55ba01001000ffffffffffffff7f', 'hex'), tail]);
        expect(deviceCode(section).length).toBeLessThan(10);
      }),
    );
  });
});
