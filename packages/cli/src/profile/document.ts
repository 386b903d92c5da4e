// What the executor writes about the kernels of a profiled program, and the document that is made of it.
import { parseEvents } from '../run/events.js';

/** Raised when a field of the document changes its meaning or goes; new fields do not raise it. */
const SCHEMA_VERSION = 1;

export const SECTOR_BYTES = 32;

interface Traffic {
  space: string;
  operation: 'load' | 'store' | 'atomic';
  /** What one warp instruction does at once. */
  requests: number;
  /** That the lanes asked for. */
  bytes: number;
  /** Of 32 bytes, that were moved; 0 in shared memory. */
  sectors: number;
  /** Of shared memory: passes over the banks, and how many of them conflicts added. */
  bankPasses: number;
  bankConflicts: number;
}

export interface Line {
  ptxLine: number;
  text: string;
  function: string;
  /** With `nvcc -lineinfo` only. */
  file?: string;
  line?: number;
  warpInstructions: number;
  threadInstructions: number;
  bytes: number;
  sectors: number;
  bankConflicts: number;
  divergentBranches: number;
}

/** As the executor counts it, times in nanoseconds. */
interface CountedKernel {
  name: string;
  launches: number;
  failed: number;
  totalNs: number;
  leastNs: number;
  mostNs: number;
  warpInstructions: number;
  threadInstructions: number;
  branches: number;
  divergentBranches: number;
  shapes: { grid: [number, number, number]; block: [number, number, number]; launches: number }[];
  instructions: { class: string; warpInstructions: number; threadInstructions: number }[];
  traffic: Traffic[];
  /** Those that were executed, in the order of the PTX. */
  lines: Line[];
}

export interface Kernel extends Omit<CountedKernel, 'traffic'> {
  /** Of the processes that launched kernels, in the order in which they came, from 1. */
  process: number;
  meanNs: number;
  /** Mean active lanes of a warp instruction, of 32. */
  activeLanes: number;
  /** `efficiency`: bytes asked for ÷ bytes of the sectors moved; more than 1 where lanes share bytes. */
  traffic: (Traffic & { efficiency: number | null })[];
}

export interface ProfileDocument {
  schemaVersion: typeof SCHEMA_VERSION;
  program: string;
  args: readonly string[];
  /** False when a process of the program ended before its profile was written: kernels are missing then. */
  complete: boolean;
  /** Those that took longest first. */
  kernels: Kernel[];
}

/** A line of the executor's file; see profile_report.h of the executor. */
type ProfileEvent =
  | { event: 'begin'; client: number }
  | { event: 'kernel'; client: number; kernel: CountedKernel }
  | { event: 'end'; client: number };

export function makeProfile(program: string, args: readonly string[], text: string): ProfileDocument {
  const events = parseEvents<ProfileEvent>(text);
  const launching = new Set(events.flatMap((event) => (event.event === 'kernel' ? [event.client] : [])));
  const clients: number[] = [];
  const open = new Set<number>();
  const kernels: Kernel[] = [];
  for (const event of events) {
    if (event.event === 'begin') {
      if (launching.has(event.client)) clients.push(event.client);
      open.add(event.client);
    } else if (event.event === 'kernel') {
      kernels.push(withRatios(event.kernel, clients.indexOf(event.client) + 1));
    } else {
      open.delete(event.client);
    }
  }
  kernels.sort((a, b) => b.totalNs - a.totalNs);
  return { schemaVersion: SCHEMA_VERSION, program, args, complete: open.size === 0, kernels };
}

function withRatios(kernel: CountedKernel, process: number): Kernel {
  return {
    ...kernel,
    process,
    meanNs: kernel.totalNs / kernel.launches,
    activeLanes: kernel.warpInstructions === 0 ? 0 : kernel.threadInstructions / kernel.warpInstructions,
    traffic: kernel.traffic.map((traffic) => ({ ...traffic, efficiency: efficiencyOf(traffic) })),
  };
}

/** Null where nothing was moved in sectors. */
function efficiencyOf({ bytes, sectors }: { bytes: number; sectors: number }): number | null {
  return sectors === 0 ? null : bytes / (sectors * SECTOR_BYTES);
}

/** The lines with the most executed warp instructions first; of equal ones those that cost the memory more. */
export function hottestLines(kernel: Kernel, most: number): Line[] {
  const cost = ({ sectors, bankConflicts }: Line) => sectors + bankConflicts;
  return [...kernel.lines]
    .sort((a, b) => b.warpInstructions - a.warpInstructions || cost(b) - cost(a))
    .slice(0, most);
}
