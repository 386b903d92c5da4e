import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CircuitBreaker, ResilienceArgumentError } from '../src/index.js';
import { pessimisticProbe } from '../src/node/index.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function moduleOf(source: string): URL {
  const path = join(directory, 'probe with space.mjs');
  writeFileSync(path, source);
  return pathToFileURL(path);
}

const onWindows = process.platform === 'win32';
if (onWindows) console.warn('skipped: signals and process groups, because Windows has none');

test('a probe that ends well is ok', async () => {
  const module = moduleOf("if (process.argv[2] !== 'x') process.exit(3);");
  const result = await pessimisticProbe({ module, arguments: ['x'] });
  expect(result).toMatchObject({ outcome: 'ok', fault: null, exitCode: 0, signal: null, stderr: '' });
  expect((await pessimisticProbe({ module: join(directory, 'probe with space.mjs') })).exitCode).toBe(3);
});

test('a probe that says no is refused, with what it said', async () => {
  const module = moduleOf("process.stderr.write('x'.repeat(100_000) + 'no GPU'); process.exitCode = 1;");
  const result = await pessimisticProbe({ module });
  expect(result).toMatchObject({
    outcome: 'refused',
    exitCode: 1,
    fault: { kind: 'absent', code: 'probe-refused' },
  });
  expect(result.stderr).toHaveLength(4096);
  expect(result.stderr.endsWith('no GPU')).toBe(true);
});

test('a program that does not exist is refused', async () => {
  const result = await pessimisticProbe({ command: join(directory, 'missing') });
  expect(result).toMatchObject({ outcome: 'refused', exitCode: null, signal: null });
  expect(result.stderr).toContain('ENOENT');
});

test.skipIf(onWindows)('a probe that dies of a signal crashed', async () => {
  const result = await pessimisticProbe({ module: moduleOf("process.kill(process.pid, 'SIGSEGV');") });
  expect(result).toMatchObject({ outcome: 'crashed', signal: 'SIGSEGV', fault: { code: 'probe-crashed' } });
});

test('a probe that hangs is killed at the deadline', async () => {
  const result = await pessimisticProbe({ module: moduleOf('for (;;);'), deadlineMs: 300 });
  expect(result).toMatchObject({ outcome: 'hung', fault: { kind: 'absent', code: 'probe-hung' } });
  expect(result.durationMs).toBeLessThan(5000);
});

/** Until a process is gone, or is a zombie that only its parent has to collect. */
async function gone(pid: number): Promise<boolean> {
  for (let round = 0; round < 100; round++) {
    try {
      process.kill(pid, 0);
      if (process.platform === 'linux' && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))) return true;
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

test.skipIf(onWindows).each(['hangs', 'ends'])(
  'what a probe has started does not outlive it: it %s',
  async (how) => {
    const pidFile = join(directory, 'pid');
    // The grandchild also holds the pipe of the error output open.
    const module = moduleOf(`
    import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    const child = spawn('sleep', ['60'], { stdio: 'inherit' });
    writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
    if (${JSON.stringify(how)} === 'ends') process.exit(0);
    setInterval(() => {}, 1000);
  `);
    const result = await pessimisticProbe({ module, deadlineMs: how === 'hangs' ? 4000 : 60_000 });
    expect(result.outcome).toBe(how === 'hangs' ? 'hung' : 'ok');
    expect(await gone(Number(readFileSync(pidFile, 'utf8')))).toBe(true);
  },
);

test('the fault opens a breaker for the session', async () => {
  const { fault } = await pessimisticProbe({ command: join(directory, 'missing') });
  const breaker = new CircuitBreaker({ isolation: 'process' });
  if (fault !== null) breaker.failed(fault);
  expect(breaker.isPermanent).toBe(true);
});

test('options that make no sense are refused', async () => {
  await expect(pessimisticProbe({})).rejects.toThrow(TypeError);
  await expect(pessimisticProbe({ module: 'x', command: 'y' })).rejects.toThrow(TypeError);
  await expect(pessimisticProbe({ command: 'x', deadlineMs: 0 })).rejects.toThrow(ResilienceArgumentError);
});
