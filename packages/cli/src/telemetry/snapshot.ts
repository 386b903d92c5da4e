// What sessions did lately, out of their records.
import { formatCount } from '../output/bytes.js';
import { table } from '../output/table.js';
import { describeEntry, formatMegabytes, formatTime } from './format.js';
import type { Entry } from './reader.js';

export interface SessionLine {
  readonly session: string;
  readonly processId: number | null;
  /** Null where the file does not say which process it is. */
  readonly running: boolean | null;
  /** The last state that was recorded: closed, open or half-open; null where none was. */
  readonly breaker: string | null;
  readonly kernelRuns: number;
  readonly errors: number;
  readonly fallbacks: number;
  readonly dropped: number;
  readonly lastRecord: string;
}

export interface KernelLine {
  readonly kernel: string;
  readonly device: string | null;
  readonly runs: number;
  readonly runsPerSecond: number;
  readonly medianUs: number | null;
  readonly maximumUs: number | null;
  readonly memoryPeakMb: number | null;
  readonly errors: number;
  readonly anomalies: number;
}

export interface Snapshot {
  readonly windowSeconds: number;
  readonly sessions: readonly SessionLine[];
  readonly kernels: readonly KernelLine[];
  readonly anomalies: readonly Entry[];
}

const shownAnomalies = 5;

/** `entries` are those of the window; `breakers` holds each session's last state, however old that is. */
export function snapshotOf(
  entries: readonly Entry[],
  windowSeconds: number,
  breakers: ReadonlyMap<string, string>,
): Snapshot {
  const sessions = [...grouped(entries, ({ session }) => session)].map(([session, all]) =>
    sessionLine(session, all, breakers.get(session) ?? null),
  );
  const runs = entries.filter(({ record }) => typeof record.gpu_metrics?.kernel_name === 'string');
  const kernels = [...grouped(runs, kernelKey)].map(([, all]) => kernelLine(all, windowSeconds));
  return {
    windowSeconds,
    sessions,
    kernels: kernels.sort((one, other) => other.runs - one.runs),
    anomalies: entries.filter(({ isAnomaly }) => isAnomaly).slice(-shownAnomalies),
  };
}

/** The state in a record about a breaker. */
export function breakerIn({ record: { metadata } }: Entry): string | undefined {
  return metadata.event === 'breaker' && typeof metadata.to === 'string' ? metadata.to : undefined;
}

function sessionLine(session: string, entries: readonly Entry[], breaker: string | null): SessionLine {
  const last = entries.at(-1);
  const processId = last?.processId ?? null;
  const events = entries.map(({ record }) => record.metadata);
  return {
    session,
    processId,
    running: processId === null ? null : isRunning(processId),
    breaker,
    kernelRuns: entries.filter(({ record }) => record.gpu_metrics !== null).length,
    errors: entries.filter(({ record }) => record.level === 'error').length,
    fallbacks: events.filter(({ event }) => event === 'fallback').length,
    dropped: events.reduce(
      (sum, { event, dropped }) =>
        sum + (event === 'telemetry-dropped' && typeof dropped === 'number' ? dropped : 0),
      0,
    ),
    lastRecord: last?.record.timestamp ?? '',
  };
}

function kernelKey({ record }: Entry): string {
  return `${record.gpu_metrics?.kernel_name} ${String(record.metadata.device ?? '')}`;
}

function kernelLine(entries: readonly Entry[], windowSeconds: number): KernelLine {
  const metrics = entries.flatMap(({ record }) => record.gpu_metrics ?? []);
  const times = metrics.flatMap((each) => each.execution_time_us ?? []).sort((one, other) => one - other);
  const memory = metrics.flatMap((each) => each.memory_peak_mb ?? []);
  const device = entries[0]?.record.metadata.device;
  return {
    kernel: metrics[0]?.kernel_name ?? '',
    device: typeof device === 'string' ? device : null,
    runs: entries.length,
    runsPerSecond: entries.length / windowSeconds,
    medianUs: times[Math.floor(times.length / 2)] ?? null,
    maximumUs: times.at(-1) ?? null,
    memoryPeakMb: memory.length === 0 ? null : memory.reduce((most, each) => Math.max(most, each)),
    errors: metrics.reduce((sum, each) => sum + (each.error_count ?? 0), 0),
    anomalies: entries.filter(({ isAnomaly }) => isAnomaly).length,
  };
}

export function describeSnapshot({ windowSeconds, sessions, kernels, anomalies }: Snapshot): string {
  if (sessions.length === 0) return `nothing in the last ${windowSeconds} s`;
  const states = { true: 'running', false: 'ended', null: '' } as const;
  const sessionTable = table(
    ['SESSION', 'PROCESS', 'BREAKER', 'RUNS', 'ERRORS', 'FALLBACKS', 'DROPPED', 'LAST'],
    sessions.map((each) => [
      each.session,
      states[`${each.running}`],
      each.breaker ?? '',
      ...[each.kernelRuns, each.errors, each.fallbacks, each.dropped].map(formatCount),
      each.lastRecord,
    ]),
  );
  const time = (value: number | null) => (value === null ? '' : formatTime(value));
  const kernelTable = table(
    ['KERNEL', 'DEVICE', 'RUNS', 'RUNS/S', 'MEDIAN', 'MAXIMUM', 'MEMORY', 'ERRORS', 'ANOMALIES'],
    kernels.map((each) => [
      each.kernel,
      each.device ?? '',
      formatCount(each.runs),
      each.runsPerSecond.toFixed(1),
      time(each.medianUs),
      time(each.maximumUs),
      formatMegabytes(each.memoryPeakMb),
      formatCount(each.errors),
      formatCount(each.anomalies),
    ]),
  );
  return [
    `the last ${windowSeconds} s`,
    '',
    ...sessionTable,
    ...(kernels.length === 0 ? [] : ['', ...kernelTable]),
    ...(anomalies.length === 0 ? [] : ['', ...anomalies.map(describeEntry)]),
  ].join('\n');
}

function grouped(entries: readonly Entry[], key: (entry: Entry) => string): Map<string, Entry[]> {
  const groups = new Map<string, Entry[]>();
  for (const entry of entries) {
    const group = groups.get(key(entry));
    if (group === undefined) groups.set(key(entry), [entry]);
    else group.push(entry);
  }
  return groups;
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
