// What the tests share.
import { type ChildProcess, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';
import { isMmapError, type MmapError } from '../src/index.js';

/** A directory for each test of the file; `path('a')` is a name in it. */
export function useFolder(): { readonly path: (name?: string) => string } {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vgpu-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return { path: (name = '') => join(folder, name) };
}

/** The error that `work` throws. */
export function failure(work: () => unknown): MmapError {
  try {
    work();
  } catch (error) {
    if (isMmapError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The error that a promise is rejected with. */
export async function rejection(work: Promise<unknown>): Promise<MmapError> {
  try {
    await work;
  } catch (error) {
    if (isMmapError(error)) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

const built = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const packageUrl = new URL('../dist/index.js', import.meta.url).href;

interface ChildOptions {
  readonly argument?: string;
  /** A system call that fails from the start, as fail_call.cpp has it; '' to switch it on later. */
  readonly failCall?: string;
  readonly node?: string;
}

/** The script's arguments and start-up: `mmap` is the built package, `argument` the option of that name. */
export function childArguments(script: string, argument = ''): string[] {
  const start = `import * as mmap from ${JSON.stringify(packageUrl)}; const argument = process.argv[1];\n`;
  return ['--expose-gc', '--input-type=module', '-e', start + script, argument];
}

/** Runs a module in a Node of its own. */
export function runChild(script: string, options: ChildOptions = {}): SpawnSyncReturns<string> {
  const injection =
    options.failCall === undefined
      ? {}
      : { LD_PRELOAD: built('build/native/lib/libvgpu_fail_call.so'), VGPU_FAIL_CALL: options.failCall };
  return spawnSync(options.node ?? process.execPath, childArguments(script, options.argument), {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, ...injection },
  });
}

/** A Node of its own that runs a module and goes on; resolves when it has printed something. */
export async function startChild(script: string, argument: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, childArguments(script, argument), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the child ended with ${code}`);
  });
  await Promise.race([once(child.stdout, 'data'), ended]);
  // It ends one day, when nobody waits any more.
  ended.catch(() => {});
  return child;
}

/** What a script printed as JSON; fails with what it said when it did not end well. */
export function outputOf(script: string, options: ChildOptions = {}): unknown {
  const result = runChild(script, options);
  if (result.status !== 0)
    throw new Error(`the child ended with ${result.status ?? result.signal}: ${result.stderr}`);
  return JSON.parse(result.stdout);
}

/** Whether this process may mount file systems: not even root may everywhere. Prints why when it may not. */
export function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-mount-'));
  try {
    withTmpfs(join(folder, 'tmpfs'), 'size=1m', () => {});
    return true;
  } catch (error) {
    process.stdout.write(`skipped: full and read-only file systems: ${String(error)}\n`);
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A file system in memory, mounted for the duration of `work`. */
export function withTmpfs(folder: string, mountOptions: string, work: (folder: string) => void): void {
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', mountOptions, 'vgpu-test', folder], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0)
    throw new Error(`cannot mount a tmpfs: ${mounted.stderr || mounted.error?.message}`);
  try {
    work(folder);
  } finally {
    // Lazily: a test that failed may have left files open. What goes wrong shows when the folder is removed.
    spawnSync('umount', ['--lazy', folder]);
  }
}

/** This process's memory that shows parts of the file, in bytes: Rss of /proc/self/smaps. */
export function residentSetOf(path: string): number {
  let inside = false;
  let total = 0;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) inside = line.endsWith(path);
    const kibibytes = inside ? /^Rss:\s+(\d+) kB$/.exec(line)?.[1] : undefined;
    if (kibibytes !== undefined) total += Number(kibibytes) * 1024;
  }
  return total;
}

/** A value of /proc/meminfo in bytes. */
export function memoryInformation(name: string): number {
  const value = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/meminfo', 'utf8'))?.[1];
  if (value === undefined) throw new Error(`/proc/meminfo has no ${name}`);
  return Number(value) * 1024;
}
