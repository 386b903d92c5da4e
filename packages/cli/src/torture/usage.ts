// How much memory this process and the page cache take, as the kernel counts it.
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export interface Usage {
  /** Resident memory of this process now, and the most it ever was. */
  readonly rss: number;
  readonly rssPeak: number;
  /** Of the whole machine: other processes move it too. */
  readonly pageCache: number;
}

export function readUsage(): Usage {
  const status = readFileSync('/proc/self/status', 'utf8');
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  return {
    rss: kibibytes(status, 'VmRSS'),
    rssPeak: kibibytes(status, 'VmHWM'),
    pageCache: kibibytes(meminfo, 'Cached'),
  };
}

function kibibytes(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  if (match === null) throw new Error(`/proc says nothing about ${name}`);
  return Number(match[1]) * 1024;
}

/** What this process may use: the machine's memory, or the control group's limit where that is lower. */
export function usableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
