// `vgpu ps`: the clients of an executor, and how much each does.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientStatus, type ExecutorStatus, executorStatus } from '@vgpu/executor';
import { CliError } from '../errors.js';
import { executorUrl } from '../executor/address.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { screenful } from '../output/style.js';
import { table } from '../output/table.js';

interface PsOptions {
  readonly executor?: string | undefined;
  /** Seconds between the two looks that make a rate. */
  readonly interval: number;
  readonly watch?: boolean | undefined;
  readonly json?: boolean | undefined;
}

interface ClientRates extends ClientStatus {
  readonly kernelsPerSecond: number;
  readonly callsPerSecond: number;
  /** Part of the time in which its kernels ran, from 0 to 1. */
  readonly busyFraction: number;
}

/** When a status was true, in milliseconds of a clock that only goes forwards. */
interface Look {
  readonly at: number;
  readonly status: ExecutorStatus;
}

export async function ps(options: PsOptions, { signal, progress }: Context): Promise<Outcome> {
  const url = executorUrl(options.executor);
  if (url === undefined) {
    throw new CliError('ERR_VGPU_NO_EXECUTOR', 'no executor runs in the background', {
      remedy: 'name one with --executor or $VGPU_EXECUTOR, or start one with `vgpu executor start`',
    });
  }
  if (options.watch) return watch(url, options, signal);
  const first = await look(url);
  await progress.during('counting', () => sleep(options.interval * 1000, undefined, { signal }));
  const second = await look(url);
  const clients = clientRates(first, second);
  return {
    document: { url, clients, memoryInUseBytes: second.status.memoryInUseBytes },
    text: describe(clients),
  };
}

async function watch(url: string, { interval, json }: PsOptions, signal: AbortSignal): Promise<never> {
  if (json) {
    throw new CliError('ERR_VGPU_USAGE', '--watch does not end, so it cannot print one JSON document', {
      remedy: 'leave out --json, or call `vgpu ps --json` again and again',
    });
  }
  let before = await look(url);
  for (;;) {
    await sleep(interval * 1000, undefined, { signal });
    const now = await look(url);
    const text = describe(clientRates(before, now));
    process.stdout.write(screenful(text, process.stdout, process.env));
    before = now;
  }
}

async function look(url: string): Promise<Look> {
  const status = await executorStatus(url);
  return { at: performance.now(), status };
}

/** Of the clients that are there at the second look; one that came in between is counted from its start. */
export function clientRates(first: Look, second: Look): ClientRates[] {
  const before = new Map(first.status.clients.map((client) => [client.workerProcessId, client]));
  const seconds = Math.max((second.at - first.at) / 1000, 1e-3);
  return second.status.clients.map((client) => {
    const earlier = before.get(client.workerProcessId);
    const same = earlier?.connectedAt.getTime() === client.connectedAt.getTime() ? earlier : undefined;
    return {
      ...client,
      kernelsPerSecond: (client.kernels - (same?.kernels ?? 0)) / seconds,
      callsPerSecond: (client.calls - (same?.calls ?? 0)) / seconds,
      busyFraction: Math.min(
        1,
        Math.max(0, (client.busyMilliseconds - (same?.busyMilliseconds ?? 0)) / 1000 / seconds),
      ),
    };
  });
}

function describe(clients: readonly ClientRates[]): string {
  if (clients.length === 0) return 'no clients';
  const rows = clients.map((client) => [
    String(client.processId),
    client.address ?? (client.userId === undefined ? '' : `uid ${client.userId}`),
    client.program,
    formatBytes(client.memoryBytes),
    `${Math.round(client.busyFraction * 100)} %`,
    formatCount(Math.round(client.kernelsPerSecond)),
    formatCount(Math.round(client.callsPerSecond)),
    client.connectedAt.toISOString(),
  ]);
  return table(['PID', 'FROM', 'PROGRAM', 'MEMORY', 'BUSY', 'KERNELS/S', 'CALLS/S', 'SINCE'], rows).join(
    '\n',
  );
}
