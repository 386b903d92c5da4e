// Each fault at each point of an operation: the right result or the right error, the right state of the breaker, one line in
// the log, nothing left on the GPU. Every operation once for one fault of each kind; with VGPU_FAULT_MATRIX=full every operation
// for each fault at each point, and what came of it is written to docs/fault-matrix.md.
import { Executor, executorStatus } from '@vgpu/executor';
import {
  cudaFaults,
  driverFault,
  type Fault,
  type FaultKind,
  isGpuError,
  Telemetry,
  type TelemetryRecord,
} from '@vgpu/resilience';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ComputeSession, createSession } from '../src/index.js';
import { FaultMatrix } from './fault-matrix.js';
import { difference, type OperationCase, operations } from './operations.js';
import type { Shape } from './support.js';

// The guest library looks there when it connects: on a busy machine that may take a while.
process.env.VGPU_CONNECT_TIMEOUT_MS = '60000';

const full = process.env.VGPU_FAULT_MATRIX === 'full';
const points = ['probe', 'alloc', 'copy-in', 'launch', 'sync', 'copy-out'] as const;
type Point = (typeof points)[number];
const document = join(import.meta.dirname, '../../../docs/fault-matrix.md');
const matrix = new FaultMatrix(points);

const shape: Shape = { count: 500, seed: 7, offset: 0, shared: false, spread: 'many', special: false };
/** What hangs never ends by itself; everything else has all the time that a busy machine takes. */
const hangAfterMs = 300;

/** What VGPU_FAULT says, and what the caller is told. */
interface FaultCase {
  readonly spec: string;
  readonly kind: FaultKind;
  readonly code: Fault['code'];
}

const byCode: FaultCase[] = cudaFaults
  .filter(({ driver }) => driver !== null)
  .map(({ code }) => ({ spec: String(code), kind: driverFault(code).kind, code }));
/** One of each kind. */
const kinds = [...new Map(byCode.map((fault) => [fault.kind, fault])).values()];
const unclassified: FaultCase = { spec: '3', kind: 'unclassified', code: 3 };
const crash: FaultCase = { spec: 'crash', kind: 'context-dead', code: 'worker-died' };
/** The driver's own answer, 999, would be a dead context. */
const offTheBus: FaultCase = { spec: 'xid79', kind: 'gone', code: 79 };
const hang: FaultCase = { spec: 'hang', kind: 'context-dead', code: 'hung' };
const faults = [...(full ? byCode : kinds), unclassified, offTheBus, crash, hang];
/** Each time another executor has to be started; the others meet an operation after the other. */
const executorCrash: FaultCase = { spec: 'executor-crash', kind: 'context-dead', code: 'worker-died' };
const noLibrary: FaultCase = { spec: 'no library', kind: 'absent', code: 'library-missing' };

/** `fill` copies nothing in. */
const touches = ({ name }: OperationCase, point: Point) => name !== 'fill' || point !== 'copy-in';
/** What meets such a fault at all: a library is missing from the start. */
const cellsOf = (fault: FaultCase, point: Point) =>
  fault === noLibrary && point !== 'probe' ? [] : operations.filter((operation) => touches(operation, point));

let cpu: ComputeSession;
let executor: Executor | undefined;
const socketPath = `/tmp/vgpu-faults-${process.pid}.sock`;

beforeAll(async () => {
  cpu = await createSession({ device: 'cpu' });
});
afterAll(async () => {
  await cpu.close();
  await executor?.stop();
  const all = [...faults, executorCrash, noLibrary];
  const cells = all.flatMap((fault) => points.flatMap((point) => cellsOf(fault, point)));
  if (full && matrix.size === cells.length) writeFileSync(document, matrix.toMarkdown());
});

/** An executor that fails as `spec` says, at the address that this process knows. */
async function startExecutor(spec: string, restart: false | undefined = undefined): Promise<void> {
  await executor?.stop();
  process.env.VGPU_FAULT = spec;
  const options = { socketPath, memoryBytes: 2 ** 28, threads: 1, restart } as const;
  executor = await Executor.start({ gpu: 'software', ...options });
  delete process.env.VGPU_FAULT;
}

function openSession(lines: string[], hangs: boolean, telemetry?: Telemetry): Promise<ComputeSession> {
  return createSession({
    ...(telemetry && { telemetry }),
    isolation: 'process',
    executor: `unix:${socketPath}`,
    ...(hangs ? { hangAfterMs } : {}),
    log: (line) => lines.push(line),
  });
}

const specName = (spec: string, kind: FaultKind) => `${spec} (${kind})`;

/** In a session of its own. */
async function check(operation: OperationCase, fault: FaultCase, point: Point): Promise<void> {
  const lines: string[] = [];
  await using session = await openSession(lines, fault === hang);
  await checkIn(session, lines, operation, fault, point);
}

/** What `faultActions` promises. `lines` are the session's. */
async function checkIn(
  session: ComputeSession,
  lines: readonly string[],
  operation: OperationCase,
  { spec, kind, code }: FaultCase,
  point: Point,
): Promise<void> {
  const type = operation.types[0] ?? 'f32';
  const expected = await operation.run(cpu, type, shape);
  const outcome = await operation.run(session, type, shape).catch((error: unknown) => error);
  const told = isGpuError(outcome) ? outcome.fault : (outcome as { reason?: unknown }).reason;
  const context = `${operation.name}, ${code}@${point}, told ${JSON.stringify(told)}`;
  const before = session.breaker?.status === 'closed' ? 'closed' : 'open';
  if (kind === 'caller') {
    expect(isGpuError(outcome) && outcome.fault, context).toMatchObject({ code });
    expect(lines, context).toEqual([]);
    expect(session.breaker?.status, context).toBe('closed');
  } else {
    // A session asks for a new worker before its first operation.
    const isAway = spec === executorCrash.spec && point === 'probe';
    const reason = { code: isAway ? 'executor-restarting' : code };
    expect(outcome, context).toMatchObject({ device: 'cpu', reason });
    const { value } = outcome as { value: unknown };
    expect(difference(operation.tolerance ?? 0, expected.value, value), context).toBeNull();
    expect(lines, context).toHaveLength(1);
    expect(lines[0], context).toMatch(/^GPU failed \(.+\)\. Falling back to CPU for .+\.$/);
    // Of five transient failures, four retries of the operation and one at its session's start, the last one opens it.
    const often = kind === 'transient' && point === 'probe';
    const opens = kind === 'context-dead' || kind === 'absent' || kind === 'gone' || often;
    const states = opens ? ['open', 'half-open'] : ['closed'];
    expect(session.breaker?.status, context).toBeOneOf(states);
    // 999 of a new worker is no worker's fault any more.
    const isGone = kind === 'absent' || kind === 'gone' || (code === 999 && point === 'probe');
    expect(session.breaker?.isPermanent, context).toBe(isGone);
    expect(lines[0], context).toContain(isGone ? 'remainder of session' : 'this operation');
  }
  expect(session.gpuMemory ?? { usedBytes: 0, failedFrees: 0 }, context).toMatchObject({
    usedBytes: 0,
    failedFrees: 0,
  });
  const seen = `${kind === 'caller' ? 'throws' : 'CPU'}, ${before}`;
  matrix.add({ fault: specName(spec, kind), point, operation: operation.name, seen });
}

/** Retries pause, and the worker stays: several sessions at once. */
const atOnce = ({ kind }: FaultCase) => (kind === 'transient' ? 12 : 1);
/** What the short form tries of each point: a share, of which each fault meets all; little of what takes its time. */
function shareOf(fault: FaultCase, point: Point, all: readonly OperationCase[]): readonly OperationCase[] {
  if (full) return all;
  const share = all.filter((_, i) => i % points.length === points.indexOf(point));
  return fault.kind === 'transient' || fault === hang ? share.slice(0, 2) : share;
}

describe.each(faults)('$spec', (fault) => {
  it.each(points)('at %s', { timeout: 600_000 }, async (point) => {
    await startExecutor(`${fault.spec}@${point}`);
    const left = [...shareOf(fault, point, cellsOf(fault, point))];
    const work = async () => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) await check(next, fault, point);
    };
    await Promise.all(Array.from({ length: atOnce(fault) }, work));
    await expect
      .poll(async () => (await executorStatus(`unix:${socketPath}`)).memoryInUseBytes, { timeout: 20_000 })
      .toBeLessThan(2 ** 20);
  });
});

/** A guest library tries less often where nobody has listened. */
const patience = { timeout: 20_000 };

describe('executor-crash', () => {
  it.each(points)('at %s', { timeout: 600_000 }, async (point) => {
    for (const operation of shareOf(executorCrash, point, cellsOf(executorCrash, point))) {
      await startExecutor(`executor-crash@${point}`, false);
      const lines: string[] = [];
      await using session = await openSession(lines, false);
      await checkIn(session, lines, operation, executorCrash, point);
      await startExecutor('');
      const running = { value: 3, device: 'software-gpu', reason: null };
      await expect.poll(() => session.sum(new Float32Array([1, 2])), patience).toMatchObject(running);
      expect(session.breaker?.status).toBe('closed');
    }
  });
});

it('no library', { timeout: 600_000 }, async () => {
  for (const operation of shareOf(noLibrary, 'probe', cellsOf(noLibrary, 'probe'))) {
    const lines: string[] = [];
    const driver = '/nowhere/libcuda.so.1';
    await using session = await createSession({ driver, log: (line) => lines.push(line) });
    await checkIn(session, lines, operation, noLibrary, 'probe');
  }
});

it('an executor that dies is away for all sessions, and comes back for all', async () => {
  await startExecutor('', false);
  const lines: string[] = [];
  await using first = await openSession(lines, false);
  await using second = await openSession(lines, false);
  const sum = (session: ComputeSession) => session.sum(new Float32Array([1, 2]));
  const running = { value: 3, device: 'software-gpu' };
  expect(await sum(first)).toMatchObject(running);
  expect(await sum(second)).toMatchObject(running);
  await executor?.stop();
  for (let i = 0; i < 3; i++) expect(await sum(first)).toMatchObject({ value: 3, device: 'cpu' });
  expect(await sum(second)).toMatchObject({ value: 3, device: 'cpu', reason: { kind: 'transient' } });
  expect(second.breaker?.isPermanent).toBe(false);
  await using third = await openSession(lines, false);
  expect(await sum(third)).toMatchObject({ value: 3, device: 'cpu', reason: { kind: 'transient' } });
  await startExecutor('');
  for (const session of [first, second, third]) {
    await expect.poll(() => sum(session), patience).toMatchObject(running);
  }
});

it.skipIf(full)('docs/fault-matrix.md is about these operations and faults', () => {
  const written = readFileSync(document, 'utf8');
  const rows = [
    ...operations.map(({ name }) => name),
    ...[...byCode, executorCrash, noLibrary].map(({ spec, kind }) => specName(spec, kind)),
  ];
  expect(rows.filter((row) => !written.includes(`\n| ${row} |`))).toEqual([]);
});

it.each([
  [31, 'closed', 'CUDA_ERROR_UNKNOWN, 999', 'this operation'],
  [79, 'open', 'Xid 79: GPU has fallen off the bus, 79', 'remainder of session'],
] as const)('Xid %i beside an unknown error', async (xid, afterwards, cause, scope) => {
  await startExecutor(`xid${xid}@launch:1`);
  const lines: string[] = [];
  await using session = await openSession(lines, false);
  const sum = () => session.sum(new Float32Array([1, 2]));
  expect(await sum()).toMatchObject({ value: 3, device: 'cpu' });
  // Of a new worker, the first launch would fail again.
  await startExecutor('');
  await expect
    .poll(sum)
    .toMatchObject({ value: 3, device: afterwards === 'closed' ? 'software-gpu' : 'cpu' });
  expect(session.breaker?.status).toBe(afterwards);
  expect(session.breaker?.isPermanent).toBe(afterwards === 'open');
  expect(lines[0]).toBe(`GPU failed (${cause}). Falling back to CPU for ${scope}.`);
});

it('the worker is killed in the middle: the CPU’s result, one line, and a new worker for the next call', async () => {
  await startExecutor('hang@launch:sort_scatter*');
  const lines: string[] = [];
  await using session = await createSession({
    device: 'gpu',
    isolation: 'process',
    executor: `unix:${socketPath}`,
    log: (line) => lines.push(line),
  });
  const workers = async () =>
    (await executorStatus(`unix:${socketPath}`)).clients
      .filter(({ processId }) => processId === process.pid)
      .map(({ workerProcessId }) => workerProcessId);
  expect((await session.sum(new Float32Array([1, 2]))).device).toBe('software-gpu');
  const [worker] = await workers();
  // The number 0 would be this test's own process group.
  if (!worker) throw new Error('the session has no worker');
  const sorting = session.sort(new Int32Array([3, 1, 2]));
  process.kill(worker, 'SIGKILL');
  const sorted = await sorting;
  expect([...sorted.value]).toEqual([1, 2, 3]);
  expect(sorted).toMatchObject({ device: 'cpu', reason: { code: 'worker-died' }, attempts: 1 });
  const next = await session.sum(new Float32Array([1, 2]));
  expect(next).toMatchObject({ value: 3, device: 'software-gpu', reason: null });
  expect(session.breaker?.status).toBe('closed');
  expect(await workers()).not.toContain(worker);
  expect(lines).toEqual([
    'GPU failed (worker of the executor died, worker-died). Falling back to CPU for this operation.',
  ]);
});

const waitingHangMs = 2000;

it('what waits behind an operation that hangs gets its result from the CPU, too', {
  timeout: 120_000,
}, async () => {
  await startExecutor('hang@launch:sort_scatter*');
  await using session = await createSession({
    device: 'gpu',
    isolation: 'process',
    executor: `unix:${socketPath}`,
    hangAfterMs: waitingHangMs,
    log: () => {},
  });
  const sorting = session.sort(new Int32Array([3, 1, 2]));
  // Not yet hung itself when the other one is given up.
  await new Promise((resolve) => setTimeout(resolve, waitingHangMs / 2));
  const [sorted, sum] = await Promise.all([sorting, session.sum(new Int32Array([1, 2]))]);
  expect([...sorted.value]).toEqual([1, 2, 3]);
  expect(sorted).toMatchObject({ device: 'cpu', reason: { code: 'hung' } });
  expect(sum).toMatchObject({ value: 3n, device: 'cpu' });
});

it('telemetry says which runs came after one that failed', async () => {
  await startExecutor('oom@alloc');
  const records: TelemetryRecord[] = [];
  const telemetry = new Telemetry();
  telemetry.subscribe((record) => records.push(record));
  await using session = await openSession([], false, telemetry);
  expect(await session.sum(new Float32Array([1, 2]))).toMatchObject({ value: 3, device: 'cpu', attempts: 2 });
  await telemetry.close();
  const runs = records.flatMap(({ gpu_metrics }) => gpu_metrics ?? []);
  expect(runs.map((run) => [run.error_count, run.recovery_attempts])).toEqual([
    [1, 0],
    [1, 1],
    [0, 1],
  ]);
});

it('a signal ends an operation that hangs, and closing the session ends its worker', {
  timeout: 120_000,
}, async () => {
  await startExecutor('hang@launch:sort_scatter*');
  const session = await createSession({
    device: 'gpu',
    isolation: 'process',
    executor: `unix:${socketPath}`,
    hangAfterMs: 5000,
    log: () => {},
  });
  const out = new Int32Array(3);
  const began = performance.now();
  const signal = AbortSignal.timeout(500);
  await expect(session.sort(new Int32Array([3, 1, 2]), { out, signal })).rejects.toThrow('timeout');
  expect(performance.now() - began).toBeLessThan(4000);
  expect([...out]).toEqual([0, 0, 0]);
  await session.close();
  expect(performance.now() - began).toBeLessThan(60_000);
});

it('what VGPU_FAULT says wrongly is an error', async () => {
  await expect(startExecutor('oom@disk')).rejects.toThrow('VGPU_FAULT');
});
