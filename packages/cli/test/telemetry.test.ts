// `vgpu top` and `vgpu logs`, on files that a stream of @vgpu/resilience has written.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  CircuitBreaker,
  conditionFault,
  encodeRecord,
  eventRecord,
  FallbackSession,
  type GpuMetrics,
  kernelRecord,
  type NewRecord,
  reportSession,
} from '@vgpu/resilience';
import { fileTelemetry } from '@vgpu/resilience/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ended, Folder, start, vgpu, vgpuJson } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const minute = 60_000;
/** No process has this number: the kernel's greatest is 2^22. */
const gone = 2 ** 22 + 1;

function run(
  age: number,
  kernel: string,
  microseconds: number,
  more: Partial<GpuMetrics> = {},
  fields: Partial<NewRecord> = {},
) {
  const timestamp = new Date(Date.now() - age).toISOString();
  return encodeRecord(
    kernelRecord(
      { component: 'test', message: `${kernel} ran`, timestamp, metadata: { device: 'cpu' }, ...fields },
      { kernel_name: kernel, execution_time_us: microseconds, ...more },
    ),
  );
}

const logsDocument = z.object({
  command: z.literal('logs'),
  folder: z.string(),
  brokenLines: z.number(),
  records: z.array(z.object({ message: z.string(), session: z.string(), anomaly: z.boolean() })),
});

describe('logs', () => {
  const dir = folder.at('logs');
  beforeAll(() => {
    mkdirSync(dir);
    const sorts = Array.from({ length: 30 }, (_, i) => run(5 * minute - i, 'sort', 100 + (i % 3)));
    // Put aside in this order: .2 is the oldest.
    writeFileSync(`${dir}/a-${gone}.jsonl.2`, run(180 * minute, 'sum', 5, {}, { message: 'first' }));
    writeFileSync(`${dir}/a-${gone}.jsonl.1`, run(120 * minute, 'sum', 5, {}, { message: 'second' }));
    writeFileSync(
      `${dir}/a-${gone}.jsonl`,
      `${sorts.join('')}not a record\n${run(4 * minute, 'sort', 9000, {}, { message: 'slow' })}{"cut":`,
    );
    writeFileSync(
      `${dir}/b-${process.pid}.jsonl`,
      run(3 * minute, 'sortPairs', 7, { performance_anomaly: true }, { message: 'said so' }) +
        run(150 * minute, 'sum', 5, {}, { message: 'between' }),
    );
    writeFileSync(`${dir}/notes.txt`, 'no telemetry');
  });

  it('prints what all files hold in the order of time, those put aside included', async () => {
    const { code, document } = await vgpuJson(logsDocument, 'logs', '--dir', dir, '-n', '1000');
    expect(code).toBe(0);
    const messages = document.records.map(({ message }) => message);
    expect([messages.slice(0, 3), messages.slice(-2), messages.length]).toEqual([
      ['first', 'between', 'second'],
      ['slow', 'said so'],
      35,
    ]);
    expect(document.brokenLines).toBe(1);
  });

  it.each([
    [['--since', '1h', '--kernel', 'sum'], []],
    [
      ['--since', '160m', '--kernel', 'sum'],
      ['between', 'second'],
    ],
    [['--kernel', 'sum', '-n', '1'], ['second']],
    [
      ['--kernel', 'sort*', '-n', '2'],
      ['slow', 'said so'],
    ],
    [['--anomalies'], ['slow', 'said so']],
    [['--anomalies', '--kernel', 'sort'], ['slow']],
    [['--since', new Date(Date.now() - 130 * minute).toISOString(), '--kernel', 'sum'], ['second']],
  ])('%j', async (flags, expected) => {
    const { document } = await vgpuJson(logsDocument, 'logs', '--dir', dir, ...flags);
    expect(document.records.map(({ message }) => message)).toEqual(expected);
  });

  it('says how many lines were broken, and shows a run in one line', async () => {
    const { stdout, stderr } = await vgpu('logs', '--dir', dir, '--anomalies', '--kernel', 'sort');
    expect(stderr).toBe('1 line is no record\n');
    expect(stdout).toMatch(new RegExp(`^\\S+Z info  a-${gone}  slow \\(9\\.0 ms, anomaly\\)\\n$`));
  });

  it('and top let no text of a record speak to the terminal', async () => {
    const hostile = folder.at('hostile');
    mkdirSync(hostile);
    writeFileSync(
      `${hostile}/a-${gone}.jsonl`,
      run(minute, '\x1b[2Jsort', 5, { performance_anomaly: true }, { message: 'bell\x07\nforged line' }),
    );
    const logs = await vgpu('logs', '--dir', hostile);
    expect(logs.stdout).toContain('bell\\u0007\\u000aforged line');
    const top = await vgpu('top', '--dir', hostile, '--window', '3600');
    expect(top.stdout).toContain('\\u001b[2Jsort');
    expect(logs.stdout + top.stdout).not.toMatch(/[^\P{Cc}\n]/u);
  });

  it('passes over what is no file', async () => {
    const odd = folder.at('odd');
    mkdirSync(`${odd}/folder-1.jsonl`, { recursive: true });
    execFileSync('mkfifo', [`${odd}/pipe-2.jsonl`]);
    symlinkSync('/dev/zero', `${odd}/endless-3.jsonl`);
    writeFileSync(`${odd}/a-${gone}.jsonl`, run(0, 'sum', 1, {}, { message: 'one' }));
    const { document } = await vgpuJson(logsDocument, 'logs', '--dir', odd);
    expect(document.records.map(({ message }) => message)).toEqual(['one']);
  });

  it.each([
    ['logs', '--follow'],
    ['top', '--watch', '--interval', '0.1'],
  ])('ends quietly once nobody reads on: %s %s', async (...args) => {
    const mine = folder.at(`unread-${args[0]}`);
    mkdirSync(mine);
    const path = `${mine}/a-${gone}.jsonl`;
    writeFileSync(path, run(0, 'sum', 1, {}, { message: 'one' }));
    const child = start([...args, '--dir', mine]);
    const ending = ended(child);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const growing = setInterval(() => appendFileSync(path, run(0, 'sum', 1)), 100);
    const { code, stderr } = await ending;
    clearInterval(growing);
    expect([code, stderr]).toEqual([0, '']);
  });

  it('says so where there is nothing', async () => {
    const { code, stdout, stderr } = await vgpu('logs', '--dir', folder.at('nowhere'));
    expect([code, stdout, stderr]).toEqual([0, '', `no records in ${folder.at('nowhere')}\n`]);
  });

  it.each([[['--since', '5']], [['--since', 'yesterday']], [['--follow', '--json']]])(
    'refuses %j',
    async (flags) => {
      const { code, stdout } = await vgpu('logs', '--dir', dir, ...flags, '--json');
      expect([code, JSON.parse(stdout).error.code]).toEqual([1, 'ERR_VGPU_USAGE']);
    },
  );

  it('follows files as they grow, are put aside, and begin', async () => {
    const mine = folder.at('follow');
    mkdirSync(mine);
    const path = `${mine}/a-1.jsonl`;
    writeFileSync(path, run(0, 'sum', 1, {}, { message: 'one' }));
    const child = start(['logs', '--dir', mine, '--follow']);
    let printed = '';
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
    });
    const ending = ended(child);
    const saw = (text: string) => expect.poll(() => printed, { timeout: 30_000 }).toContain(text);
    await saw('one');
    const half = run(0, 'sum', 1, {}, { message: 'two' });
    appendFileSync(path, half.slice(0, 20));
    appendFileSync(path, half.slice(20));
    await saw('two');
    appendFileSync(path, run(0, 'sum', 1, {}, { message: 'three' }));
    renameSync(path, `${path}.1`);
    writeFileSync(path, run(0, 'sum', 1, {}, { message: 'four' }));
    await saw('three');
    await saw('four');
    child.kill('SIGTERM');
    expect((await ending).code).toBe(2);
    expect(printed.trim().split('\n')).toHaveLength(4);
  });
});

describe('top', () => {
  const document = z.object({
    brokenLines: z.number(),
    windowSeconds: z.number(),
    sessions: z.array(
      z.object({
        session: z.string(),
        running: z.boolean().nullable(),
        breaker: z.string().nullable(),
        kernelRuns: z.number(),
        fallbacks: z.number(),
      }),
    ),
    kernels: z.array(
      z.object({
        kernel: z.string(),
        runs: z.number(),
        medianUs: z.number(),
        maximumUs: z.number(),
        memoryPeakMb: z.number().nullable(),
        errors: z.number(),
        anomalies: z.number(),
      }),
    ),
    anomalies: z.array(z.object({ message: z.string() })),
  });

  it('shows sessions, kernels, breakers and anomalies of the window', async () => {
    const dir = folder.at('top');
    const telemetry = await fileTelemetry('server', dir);
    const event = (metadata: NewRecord['metadata'] & object) =>
      telemetry.emit(eventRecord({ component: 'test', message: 'event', metadata }));
    event({ event: 'breaker', from: 'closed', to: 'open' });
    event({ event: 'fallback', operation: 'sort' });
    await telemetry.close();
    appendFileSync(
      `${dir}/server-${process.pid}.jsonl`,
      [1, 2, 300].map((time) => run(0, 'sort', time, { memory_peak_mb: time, error_count: 1 })).join('') +
        run(0, 'sum', 7, { performance_anomaly: true }, { message: 'odd' }) +
        run(3600_000, 'old', 1),
    );
    writeFileSync(`${dir}/dead-${gone}.jsonl`, `${run(0, 'sum', 8)}garbage\n`);
    const { code, document: found } = await vgpuJson(document, 'top', '--dir', dir, '--window', '1000');
    expect(code).toBe(0);
    expect(found).toMatchObject({
      brokenLines: 1,
      windowSeconds: 1000,
      sessions: [
        { session: `dead-${gone}`, running: false, breaker: null, kernelRuns: 1, fallbacks: 0 },
        { session: `server-${process.pid}`, running: true, breaker: 'open', kernelRuns: 4, fallbacks: 1 },
      ],
      kernels: [
        { kernel: 'sort', runs: 3, medianUs: 2, maximumUs: 300, memoryPeakMb: 300, errors: 3, anomalies: 0 },
        { kernel: 'sum', runs: 2, medianUs: 8, maximumUs: 8, memoryPeakMb: null, errors: 0, anomalies: 1 },
      ],
      anomalies: [{ message: 'odd' }],
    });
    const { stdout } = await vgpu('top', '--dir', dir, '--window', '1000');
    for (const text of ['SESSION', 'open', 'KERNEL', '300 MB', '300 µs', 'odd'])
      expect(stdout).toContain(text);
  });

  it('shows the breaker of a session where it never changes', async () => {
    const dir = folder.at('top-breakers');
    const absent = new CircuitBreaker();
    absent.failed(conditionFault('library-missing'));
    for (const [name, breaker] of [
      ['absent', absent],
      ['used', new CircuitBreaker()],
    ] as const) {
      const telemetry = await fileTelemetry(name, dir);
      reportSession(new FallbackSession({ breaker, log: () => {} }), telemetry).dispose();
      await telemetry.close();
    }
    const { document: found } = await vgpuJson(document, 'top', '--dir', dir);
    expect(found.sessions).toMatchObject([
      { session: `absent-${process.pid}`, breaker: 'open', kernelRuns: 0 },
      { session: `used-${process.pid}`, breaker: 'closed', kernelRuns: 0 },
    ]);
    const { stdout } = await vgpu('top', '--dir', dir);
    expect(stdout).toMatch(/absent-\d+ +running +open/);
    expect(stdout).toMatch(/used-\d+ +running +closed/);
  });

  it('prints a line of JSON each time with --watch', async () => {
    const child = start(['top', '--dir', folder.at('nowhere'), '--watch', '--json', '--interval', '0.05']);
    let printed = '';
    child.stdout.on('data', (text: Buffer) => {
      printed += text.toString();
    });
    const ending = ended(child);
    await expect.poll(() => printed.split('\n').length, { timeout: 30_000 }).toBeGreaterThan(3);
    child.kill('SIGINT');
    expect((await ending).code).toBe(2);
    const lines = printed.trim().split('\n').slice(0, 3);
    expect(lines.map((line) => JSON.parse(line).sessions)).toEqual([[], [], []]);
  });
});

it('a computation is seen by both', async () => {
  const dir = folder.at('telemetry');
  const environment = { ...process.env, VGPU_TELEMETRY_DIR: dir };
  const input = folder.at('x.npy');
  const { encodeNpyHeader } = await import('@vgpu/format');
  writeFileSync(input, Buffer.concat([encodeNpyHeader({ dtype: 'f64', shape: [3] }), new Uint8Array(24)]));
  const computed = await ended(start(['compute', 'sum', input, '--telemetry'], { env: environment }));
  expect(computed.code).toBe(0);
  const logs = await ended(start(['logs', '--kernel', 'sum'], { env: environment }));
  expect(logs.stdout).toContain('sum on the CPU');
  const top = await ended(start(['top', '--window', '3600'], { env: environment }));
  expect(top.stdout).toMatch(/compute-\d+ +ended +(open|closed) /);
  expect(dirname(input)).toBe(folder.path);
});
