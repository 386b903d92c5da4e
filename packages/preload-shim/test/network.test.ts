// Programs that reach their executor over a network.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor, executorStatus } from '@vgpu/executor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Builder, SOURCES } from './build-programs.js';
import { guestEnvironment } from './guest-environment.js';

const PROGRAM = 'driver_ptx.c';
const PTX = join(SOURCES, 'driver_kernels.ptx');
const PROGRAM_TIMEOUT_MS = 20_000;
const TEST_TIMEOUT_MS = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'vgpu-network-'));
const tokenFile = join(folder, 'token');
const log: string[] = [];
const builder = new Builder();
let executor: Executor;

const listeningAt = (prefix: string): string | undefined =>
  log.map((line) => line.match(new RegExp(`listening at (${prefix}.*)$`))?.[1]).find(Boolean);

async function run(url: string, environment: Record<string, string>) {
  const path = await builder.build(PROGRAM);
  const guestLog = join(folder, 'guest.log');
  rmSync(guestLog, { force: true });
  const env = guestEnvironment(url, { VGPU_LOG: guestLog, ...environment });
  return await new Promise<{ code: unknown; stdout: string; guestLog: string }>((resolve) => {
    execFile(path, [PTX], { timeout: PROGRAM_TIMEOUT_MS, env }, (error, stdout) =>
      resolve({
        code: error ? (error.code ?? error.signal) : 0,
        stdout,
        guestLog: existsSync(guestLog) ? readFileSync(guestLog, 'utf8') : '',
      }),
    );
  });
}

beforeAll(async () => {
  writeFileSync(tokenFile, randomBytes(32).toString('hex'), { mode: 0o600 });
  executor = await Executor.start({
    gpu: 'software',
    memoryBytes: 256 * 2 ** 20,
    listen: ['tcp:127.0.0.1:0', 'tcp:[::1]:0'],
    tokenFile,
    log: (line) => log.push(line),
  });
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await executor?.stop();
  rmSync(folder, { recursive: true });
});

describe('a program', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each(['tcp:127', 'tcp:\\[::1\\]'])('runs over %s with the token', async (prefix) => {
    const url = listeningAt(prefix);
    expect(url, log.join('\n')).toBeDefined();
    const before = (await executorStatus(executor.url)).totals;
    expect(await run(url ?? '', { VGPU_TOKEN_FILE: tokenFile })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok /),
    });
    const { totals } = await executorStatus(executor.url);
    expect(totals.clients).toBe(before.clients + 1);
    expect(totals.kernels).toBeGreaterThan(before.kernels);
  });

  it('without the token gets an error that its log explains', async () => {
    const result = await run(listeningAt('tcp:127') ?? '', {});
    expect(result.code).toBe(1);
    expect(result.stdout).toMatch(/cuInit\(0\) returned 800,/);
    expect(result.guestLog).toContain('it asks for a token: set VGPU_TOKEN_FILE');
  });
});

it('runs over vsock with the token', { timeout: TEST_TIMEOUT_MS }, async ({ skip }) => {
  const messages: string[] = [];
  let local: Executor;
  try {
    local = await Executor.start({
      gpu: 'software',
      memoryBytes: 256 * 2 ** 20,
      listen: ['vsock:1:47001'],
      tokenFile,
      log: (line) => messages.push(line),
    });
  } catch (error) {
    // Only the lack of vsock itself is a reason: the module vsock_loopback is not everywhere.
    const reason = String(error).match(/cannot listen at vsock:.*(not supported|Cannot assign).*/)?.[0];
    if (reason === undefined) throw error;
    process.stderr.write(`vsock is not tested: ${reason}\n`);
    return skip(reason);
  }
  try {
    expect(await run('vsock:1:47001', { VGPU_TOKEN_FILE: tokenFile })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok /),
    });
  } finally {
    await local.stop();
  }
});
