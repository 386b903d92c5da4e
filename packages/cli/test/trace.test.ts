import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { Executor } from '@vgpu/executor';
import { guestLibrary, selfTestProgram } from '@vgpu/preload-shim';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { TraceReader } from '../src/trace/record.js';
import { type Ending, ended, Folder, start } from './vgpu.js';

const folder = new Folder();
let executor: Executor;

beforeAll(async () => {
  executor = await Executor.start({ gpu: 'software', memoryBytes: 2 ** 26 });
});
afterAll(async () => {
  await executor.stop();
  folder.remove();
});

const linked = [`-L${guestLibrary().directory}`, '-l:libcuda.so.1'];

const trace = (...args: string[]): Promise<Ending> =>
  ended(start(['trace', '--executor', executor.url, ...args], { env: { ...process.env, VGPU_LOG: '' } }));

const record = z.looseObject({
  began: z.number(),
  nanoseconds: z.number().nonnegative(),
  process: z.int(),
  thread: z.int(),
  api: z.string(),
  function: z.string(),
  arguments: z.record(z.string(), z.unknown()),
  results: z.record(z.string(), z.unknown()).optional(),
  resultName: z.string().optional(),
  kernel: z.string().optional(),
});

async function records(...program: string[]) {
  const path = folder.at('trace.jsonl');
  const ending = await trace('--format', 'jsonl', '-o', path, '--', ...program);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return { ending, records: lines.map((line) => record.parse(JSON.parse(line))) };
}

function build(name: string, source: string, compiler = 'cc', ...flags: string[]): string {
  const file = folder.at(`${name}.${compiler === 'cc' ? 'c' : 'cu'}`);
  writeFileSync(file, source);
  execFileSync(compiler, [file, '-o', folder.at(name), ...flags]);
  return folder.at(name);
}

describe('vgpu trace', { timeout: 60_000 }, () => {
  it('shows each call with arguments, results and times, and leaves stdout to the program', async () => {
    const { code, stdout, stderr } = await trace('--', selfTestProgram());
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(
      stderr
        .trim()
        .split('\n')
        .map((line) => /\] {2}(\w+)/.exec(line)?.[1]),
    ).toEqual([
      'cuInit',
      'cuDeviceGet',
      'cuDevicePrimaryCtxRetain',
      'cuCtxSetCurrent',
      'cuModuleLoadData',
      'cuModuleGetFunction',
      'cuMemAlloc_v2',
      'cuLaunchKernel',
      'cuMemcpyDtoH_v2',
    ]);
    expect(stderr).toMatch(
      /cuMemAlloc_v2\(dptr: 0x[\da-f]+, bytesize: 4\) → dptr: 0x[\da-f]+ = CUDA_SUCCESS, [\d.]+ ms/,
    );
    expect(stderr).toContain('cuLaunchKernel «store»');
  });

  it('writes lines of JSON', async () => {
    const { records: calls } = await records(selfTestProgram());
    expect(calls.find((call) => call.function === 'cuMemAlloc_v2')).toMatchObject({
      api: 'driver',
      arguments: { bytesize: 4 },
      results: { dptr: expect.stringMatching(/^0x/) },
      resultName: 'CUDA_SUCCESS',
    });
    expect(calls.map(({ began }) => began)).toEqual(calls.map(({ began }) => began).sort((a, b) => a - b));
  });

  it('writes what Chrome and Perfetto read', async () => {
    const path = folder.at('trace.json');
    await trace('--format', 'chrome', '-o', path, '--', selfTestProgram());
    const event = z.strictObject({
      name: z.string(),
      cat: z.enum(['driver', 'runtime', 'nvml', 'cublas']),
      ph: z.literal('X'),
      ts: z.number(),
      dur: z.number().nonnegative(),
      pid: z.int(),
      tid: z.int(),
      args: z.record(z.string(), z.unknown()),
    });
    const document = z.strictObject({ displayTimeUnit: z.string(), traceEvents: z.array(event) });
    const { traceEvents } = document.parse(JSON.parse(readFileSync(path, 'utf8')));
    expect(traceEvents.map(({ name }) => name)).toContain('cuLaunchKernel store');
  });

  it('names errors, and shows no result of a call that failed', async () => {
    const program = build(
      'failing',
      `int cuInit(unsigned); int cuDeviceGet(int *, int);
       int main(void) { int device = 7; cuInit(0); return cuDeviceGet(&device, 99) == 101 && device == 7 ? 5 : 1; }`,
      'cc',
      ...linked,
    );
    const { ending, records: calls } = await records(program);
    expect(ending.code).toBe(5);
    const failed = calls.find((call) => call.function === 'cuDeviceGet');
    expect(failed).toMatchObject({ arguments: { ordinal: 99 }, resultName: 'CUDA_ERROR_INVALID_DEVICE' });
    expect(failed?.results).toBeUndefined();
  });

  it('follows functions that the program looks up', async () => {
    const program = build(
      'lookup',
      `#include <dlfcn.h>
       #include <stddef.h>
       int main(void) {
         void *driver = dlopen("libcuda.so.1", RTLD_NOW);
         int (*look)(const char *, void **, int, unsigned long long, void *) = dlsym(driver, "cuGetProcAddress_v2");
         int (*init)(unsigned) = NULL, (*count)(int *) = NULL, n = 0;
         if (look("cuInit", (void **)&init, 13000, 0, NULL) || look("cuDeviceGetCount", (void **)&count, 13000, 0, NULL)) return 1;
         return init(0) || count(&n) || n != 1;
       }`,
      'cc',
      '-ldl',
    );
    const { ending, records: calls } = await records(program);
    expect(ending.code).toBe(0);
    expect(calls.map((call) => call.function)).toEqual([
      'cuGetProcAddress_v2',
      'cuGetProcAddress_v2',
      'cuInit',
      'cuDeviceGetCount',
    ]);
    expect(calls[3]?.results).toEqual({ count: 1 });
  });

  it('keeps threads, children and crashes apart', async () => {
    const program = build(
      'threads',
      `#include <pthread.h>
       #include <signal.h>
       #include <sys/wait.h>
       #include <unistd.h>
       int cuInit(unsigned); int cuDeviceGetCount(int *); int cuDriverGetVersion(int *);
       static void *count(void *unused) { int n; for (int i = 0; i < 100; i++) cuDeviceGetCount(&n); return unused; }
       int main(void) {
         cuInit(0);
         pthread_t threads[4];
         for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, count, 0);
         for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
         if (fork() == 0) { int version; cuDriverGetVersion(&version); _exit(0); }
         wait(0);
         for (int i = 3; i < 1024; i++) close(i);
         cuInit(0);
         raise(SIGSEGV);
       }`,
      'cc',
      '-pthread',
      ...linked,
    );
    const { ending, records: calls } = await records(program);
    expect(ending.signal).toBe('SIGSEGV');
    const counts = calls.filter((call) => call.function === 'cuDeviceGetCount');
    expect(counts.length).toBe(400);
    expect(new Set(counts.map(({ thread }) => thread)).size).toBe(4);
    const [parent] = calls;
    expect(calls.find((call) => call.function === 'cuDriverGetVersion')?.process).not.toBe(parent?.process);
  });

  const nvcc = findNvcc();
  it('knows the kernels of the runtime API, and functions of CUDA 12', async ({ skip }) => {
    if (!nvcc) return skip('nvcc is not installed');
    const program = build(
      'runtime',
      `#include <dlfcn.h>
       __global__ void touch(int *x) { *x = 1; }
       int main() {
         int *x; cudaMalloc(&x, 4); touch<<<1, 1>>>(x);
         typedef int (*version)(int *);
         version old = (version)dlvsym(dlopen("libcudart.so.12", RTLD_NOW), "cudaRuntimeGetVersion", "libcudart.so.12");
         int n = 0;
         return cudaDeviceSynchronize() || old(&n) || n / 1000 != 12;
       }`,
      nvcc,
      ...[
        '-cudart',
        'shared',
        '-gencode',
        'arch=compute_75,code=compute_75',
        '-Xcompiler',
        '-D_GNU_SOURCE',
        '-ldl',
      ],
    );
    const { ending, records: calls } = await records(program);
    expect(ending.code, ending.stderr).toBe(0);
    expect(calls.find(({ kernel }) => kernel !== undefined)).toMatchObject({ kernel: '_Z5touchPi' });
    expect(calls.filter((call) => call.function === 'cudaRuntimeGetVersion').length).toBe(1);
  });

  it('says before it runs anything that the trace cannot be written', async () => {
    const { code, stderr } = await trace(
      '-o',
      folder.at('no/such/folder'),
      '--',
      '/bin/sh',
      '-c',
      `touch ${folder.at('ran')}`,
    );
    expect(code).toBe(125);
    expect(stderr).toContain('ERR_VGPU_TRACE_OUTPUT');
    expect(existsSync(folder.at('ran'))).toBe(false);
  });

  it('of a program without calls is empty', async () => {
    expect(await trace('--', 'true')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });
});

it('a line that was cut off is left out', () => {
  const reader = new TraceReader();
  const line =
    '{"began":1,"nanoseconds":2,"process":3,"thread":3,"api":"nvml","function":"nvmlInit_v2","arguments":{},"result":0}';
  expect(reader.read(line)).toMatchObject({ resultName: 'NVML_SUCCESS' });
  for (let length = 0; length < line.length; length++)
    expect(reader.read(line.slice(0, length))).toBeUndefined();
});
