import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNvcc } from '@vgpu/toolchain/cuda';
import { afterAll, expect, it } from 'vitest';

const CLI = join(import.meta.dirname, '..', 'dist', 'vgpu.js');
const cache = mkdtempSync(join(tmpdir(), 'vgpu-demo-run-'));
afterAll(() => rmSync(cache, { recursive: true }));

function demo(...args: string[]) {
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      [CLI, 'demo', '--gpu', 'software', ...args],
      { env },
      (error, stdout, stderr) => resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
    );
  });
}

it.for(['cu', 'ptx'])(
  'the software GPU gives what TypeScript gives (%s)',
  { timeout: 120_000 },
  async (kind, { skip }) => {
    if (kind === 'cu' && !findNvcc()) return skip('nvcc is not installed');
    const { code, stdout, stderr } = await demo('--program', kind, '--json');
    expect(stderr).toMatch(/vgpu software GPU.* and TypeScript agree on all 41,412 points and 12 centres/);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ program: kind, points: 41_412, converged: true, matches: true });
    expect(result.clusters).toHaveLength(12);
    expect(result.steps.find((step: { step: string }) => step.step === 'assign points')).toMatchObject({
      where: result.device,
      times: result.rounds,
    });
  },
);

it('draws a plain map where there is no terminal', { timeout: 120_000 }, async () => {
  const { code, stdout } = await demo('--program', 'ptx');
  expect(code).toBe(0);
  expect(stdout).not.toContain('\x1b');
  // The north-west, the north-east, and Florida at the bottom.
  const map = stdout.split('\n\n')[0]?.split('\n') ?? [];
  expect(map.length).toBeGreaterThan(15);
  expect(map[0]?.trim()).toMatch(/^k[k ]+g/);
  expect(map.at(-1)?.trim()).toMatch(/^e+$/);
  expect(stdout).toMatch(/assign points +vgpu software GPU/);
});

it('an interrupted demo leaves nothing behind', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-demo-interrupted-'));
  const leftovers = () => readdirSync(folder).filter((name) => name.startsWith('vgpu-demo-'));
  const env = { ...process.env, XDG_CACHE_HOME: cache, TMPDIR: folder };
  const child = spawn(process.execPath, [CLI, 'demo', '--gpu', 'software', '--program', 'ptx'], {
    env,
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  await expect.poll(leftovers, { interval: 5, timeout: 20_000 }).toHaveLength(1);
  child.kill('SIGTERM');
  expect(await ended).toBe('SIGTERM');
  expect(leftovers()).toEqual([]);
  rmSync(folder, { recursive: true });
});
