// A machine with a driver of its own: programs use it when there is no executor, and do not when there is one. The driver is
// played by a copy of the guest library that finds its own executor by a variable of another name; the loader's cache that
// names it is put over the system's in a mount namespace.
import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guestLibrary } from '../src/index.js';
import { Builder, SOURCES } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';
import { succeeded } from './program-runner.js';

const TIMEOUT_MS = 120_000;
const NOBODY = 'unix:/nonexistent/socket';
const folder = mkdtempSync(join(tmpdir(), 'vgpu-real-'));
const builder = new Builder();
let executor: Executor;

/** Of the copy's texts, others as long: it has an executor of its own, and refuses nobody that the original refuses. */
const VARIABLE = 'VGPU_STAND_IN';
const OTHER_TEXTS = [
  ['VGPU_EXECUTOR\0', `${VARIABLE}\0`],
  ['SHIM_CONFIGURATION=', 'NONE_CONFIGURATION='],
  ['\0sshd\0', '\0sshx\0'],
] as const;

/** The others are not computed with. */
const LIBRARIES = {
  'libnvidia-ml.so.1': `
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char* version, unsigned int length) {
  if (length < 9) return 7;
  __builtin_memcpy(version, "stand-in", 9);
  return 0;
}
`,
  'libcublas.so.13': `
int cublasCreate_v2(void** handle) { return *handle = (void*)4711, 0; }
int cublasGetVersion_v2(void* handle, int* version) { return *version = handle == (void*)4711 ? 99 : 0, 0; }
`,
};
const USE_CUBLAS = `
import ctypes
cublas = ctypes.CDLL("libcublas.so.13")
handle, version = ctypes.c_void_p(), ctypes.c_int()
assert cublas.cublasCreate_v2(ctypes.byref(handle)) == 0
assert cublas.cublasGetVersion_v2(handle, ctypes.byref(version)) == 0
print("ok", version.value)
`;

/** The path of a loader's cache in which the libraries of a folder come first. */
function loaderCache(libraries: string): string {
  const configuration = join(libraries, 'ld.so.conf');
  const cache = join(libraries, 'ld.so.cache');
  writeFileSync(configuration, `${libraries}\ninclude /etc/ld.so.conf\n`);
  execFileSync('/sbin/ldconfig', ['-X', '-C', cache, '-f', configuration], { stdio: 'pipe' });
  return cache;
}

function installDriver(): string {
  const libraries = join(folder, 'driver');
  mkdirSync(libraries);
  let bytes = readFileSync(guestLibrary().library, 'latin1');
  for (const [text, other] of OTHER_TEXTS) {
    if (!bytes.includes(text)) throw new Error(`the library does not contain ${JSON.stringify(text)}`);
    bytes = bytes.replaceAll(text, other);
  }
  writeFileSync(join(libraries, 'libcuda.so.1'), bytes, { encoding: 'latin1', mode: 0o755 });
  for (const [name, text] of Object.entries(LIBRARIES)) {
    const source = join(libraries, `${name}.c`);
    writeFileSync(source, text);
    const options = ['-shared', '-fPIC', `-Wl,-soname,${name}`, '-o', join(libraries, name)];
    execFileSync(process.env.CC ?? 'cc', [...options, source]);
  }
  return loaderCache(libraries);
}

const configuration = join(folder, 'shim.conf');

let driver: string;
beforeAll(async () => {
  driver = installDriver();
  executor = await Executor.start({ gpu: 'software', memoryBytes: 2 ** 28 });
}, TIMEOUT_MS);
afterAll(async () => {
  await executor.stop();
  rmSync(folder, { recursive: true });
});

const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
let runs = 0;
const PLACE_CACHE = 'mount --bind "$1" /etc/ld.so.cache && shift && exec env "$@"';

interface Result {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
  readonly log: () => string;
}

/** Runs a program where the loader has that cache. */
function run(cache: string, program: readonly string[], variables: Record<string, string>): Promise<Result> {
  const path = join(folder, `${runs++}.log`);
  const log = () => (existsSync(path) ? readFileSync(path, 'utf8') : '');
  const { LD_PRELOAD, VGPU_EXECUTOR: _, ...others } = guestEnvironment('');
  const options = { env: { ...others, VGPU_LOG: path, ...variables }, timeout: TIMEOUT_MS };
  const words = ['sh', '-c', PLACE_CACHE, 'sh', cache, `LD_PRELOAD=${LD_PRELOAD}`, ...program];
  return new Promise((resolve) => {
    execFile('unshare', ['--mount', ...asRoot, ...words], options, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr, log }),
    );
  });
}

/** One of test/programs, with the arguments that it needs; perhaps under another name. */
async function built(file: string, name?: string): Promise<string[]> {
  const program = await builder.build(file);
  const further = file === 'driver_ptx.c' ? [join(SOURCES, 'driver_kernels.ptx')] : [];
  if (name === undefined) return [program, ...further];
  const link = join(mkdtempSync(join(folder, 'named-')), name);
  symlinkSync(program, link);
  return [link, ...further];
}

describe('a machine with a driver of its own', { timeout: TIMEOUT_MS }, () => {
  const HANDED_ON = /without an executor, calls go to .*\/driver\/libcuda\.so\.1/;

  it.each(['vector_add.cu', 'driver_ptx.c'])('%s uses it when there is no executor', async (file) => {
    const result = await run(driver, await built(file), { [VARIABLE]: executor.url });
    expect(result).toMatchObject(succeeded);
    expect(result.log()).toMatch(HANDED_ON);
  });

  it('is found by a program that looks for devices, and so is its NVML', async () => {
    const variables = { [VARIABLE]: executor.url, VGPU_EXECUTOR: NOBODY };
    const { stdout, log } = await run(driver, await built('discovery.c'), variables);
    expect(JSON.parse(stdout)).toMatchObject({ cuInit: 0, nvmlInit: 0, driver: 'stand-in' });
    expect(log()).toMatch(HANDED_ON);
  });

  it('brings its cuBLAS along', async () => {
    const result = await run(driver, ['python3', '-c', USE_CUBLAS], { [VARIABLE]: executor.url });
    expect(result).toMatchObject({ code: 0, stdout: 'ok 99\n', stderr: '' });
  });

  it('is not used when there is an executor', async () => {
    const variables = { VGPU_EXECUTOR: executor.url, [VARIABLE]: NOBODY };
    const result = await run(driver, await built('vector_add.cu'), variables);
    expect(result).toMatchObject(succeeded);
    expect(result.log()).not.toContain('calls go to');
    const { stdout } = await run(driver, await built('discovery.c'), variables);
    expect(JSON.parse(stdout)).toMatchObject({ nvmlInit: 0, driver: expect.stringMatching(/^\d/) });
  });

  it('is used when the executor accepts and says nothing', async () => {
    const path = join(folder, 'silent');
    const server = createServer(() => {}).listen(path);
    try {
      const variables = {
        VGPU_EXECUTOR: `unix:${path}`,
        VGPU_CONNECT_TIMEOUT_MS: '200',
        [VARIABLE]: executor.url,
      };
      const { log } = await run(driver, await built('driver_ptx.c'), variables);
      expect(log()).toMatch(HANDED_ON);
      expect(log()).toContain('no answer in time');
    } finally {
      server.close();
    }
  });

  it.each([
    ['of a name that is refused', 'sshd'],
    ['that the configuration denies', 'backup-agent'],
  ])('is not lost by a program %s', async (_what, name) => {
    writeFileSync(configuration, 'deny = backup-agent\n');
    const result = await run(driver, await built('driver_ptx.c', name), {
      VGPU_EXECUTOR: executor.url,
      VGPU_SHIM_CONFIGURATION: configuration,
      [VARIABLE]: executor.url,
    });
    expect(result).toMatchObject(succeeded);
    expect(result.log()).toMatch(HANDED_ON);
  });
});

it('the library does not take its own names in the cache for a driver', { timeout: TIMEOUT_MS }, async () => {
  const names = join(folder, 'names');
  mkdirSync(names);
  symlinkSync(guestLibrary().library, join(names, 'libcuda.so.1'));
  const cache = loaderCache(names);
  expect(readFileSync(cache, 'latin1')).toContain(`${names}/libcuda.so.1`);
  const { stdout, log } = await run(cache, await built('discovery.c'), { VGPU_EXECUTOR: NOBODY });
  expect(JSON.parse(stdout)).toMatchObject({ cuInit: 100, nvmlInit: 9, devices: [] });
  expect(log()).not.toContain('calls go to');
});
