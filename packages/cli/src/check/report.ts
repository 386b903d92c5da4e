// What the executor writes about a checked program, and the report that is made of it.
import type { Check } from '@vgpu/executor';

export interface Place {
  kernel: string;
  function: string;
  block: [number, number, number];
  thread: [number, number, number];
  ptxLine: number;
  /** With `nvcc -lineinfo` only. */
  file?: string;
  line?: number;
  /** Of inlined code, such as CUDA's own headers: where it was called. */
  callerFile?: string;
  callerLine?: number;
}

export interface Finding {
  check: Check;
  kind: string;
  severity: 'error' | 'info';
  /** How often it happened at this place. */
  count: number;
  message: string;
  place?: Place;
  /** Of a race: where the earlier access was made. */
  other?: Place;
  access?: { operation: string; space: string; bytes: number; address: string };
  allocation?: { address: string; bytes: number; position: string; distance: number; freed?: string };
}

export interface CheckReport {
  checks: readonly Check[];
  /** Findings with severity `error`, each occurrence counted. */
  errors: number;
  /** Occurrences beyond the limit, which are only counted. */
  dropped: number;
  /** False when a process of the program ended in the middle of a kernel: counts may be too low then. */
  complete: boolean;
  findings: Finding[];
}

/** A line of the executor's file; see kernel_check.h of the executor. */
export type CheckEvent =
  | { event: 'begin'; client: number }
  | { event: 'finding'; client: number; number: number; finding: Finding }
  | { event: 'end'; client: number; counts: number[]; dropped: number };

export function makeReport(checks: readonly Check[], events: readonly CheckEvent[]): CheckReport {
  const found = new Map<string, Finding>();
  const open = new Set<number>();
  let dropped = 0;
  for (const event of events) {
    if (event.event === 'begin') {
      open.add(event.client);
    } else if (event.event === 'finding') {
      found.set(`${event.client} ${event.number}`, { ...event.finding });
    } else {
      open.delete(event.client);
      dropped += event.dropped;
      for (const [number, count] of event.counts.entries()) {
        const finding = found.get(`${event.client} ${number}`);
        if (finding) finding.count = count;
      }
    }
  }
  const findings = [...found.values()];
  const errors = findings.filter(({ severity }) => severity === 'error');
  return {
    checks,
    errors: errors.reduce((sum, { count }) => sum + count, 0),
    dropped,
    complete: open.size === 0,
    findings,
  };
}
