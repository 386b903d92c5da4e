// `vgpu torture memory`: several times the machine's memory through scratch memory, chunk by chunk. Every byte is
// read back before it is given up, and the process must stay small all the while.
import { setImmediate } from 'node:timers/promises';
import { pageSize, ScratchMemory } from '@vgpu/mmap-native';
import { formatBytes } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { Pattern, patternPageBytes } from './pattern.js';
import { makePlan, type Plan, type TortureOptions } from './plan.js';
import { tortureOutcome } from './report.js';
import { readUsage, type Usage } from './usage.js';

export type ScratchKind = 'anonymous' | 'file';
/** The part of ScratchMemory that is tortured; tests hand in one that is out of order. */
export type Scratch = Pick<
  ScratchMemory,
  'size' | 'window' | 'discardAsync' | 'releaseAsync' | 'residentBytes' | 'close'
>;
export type OpenScratch = (kind: ScratchKind, bytes: number) => Promise<Scratch>;

export interface Tally {
  readonly plan: Plan;
  readonly before: Usage;
  after: Usage;
  pageCachePeak: number;
  pagesChecked: number;
  pagesWrong: number;
  /** Bytes that were still in memory after they had been released or discarded. */
  notReturned: number;
  readonly seconds: Record<ScratchKind, number>;
}

export async function tortureMemory(options: TortureOptions, context: Context): Promise<Outcome> {
  const plan = makePlan(options, pageSize());
  const open: OpenScratch = (kind, bytes) =>
    ScratchMemory.createAsync(bytes, kind === 'file' ? { directory: plan.directory } : {});
  return tortureOutcome(await torture(plan, open, context));
}

/** Passes `plan.each` bytes through both kinds of scratch memory. */
export async function torture(
  plan: Plan,
  open: OpenScratch,
  { progress, signal }: Pick<Context, 'progress' | 'signal'>,
): Promise<Tally> {
  const before = readUsage();
  const tally: Tally = {
    plan,
    before,
    after: before,
    pageCachePeak: before.pageCache,
    pagesChecked: 0,
    pagesWrong: 0,
    notReturned: 0,
    seconds: { anonymous: 0, file: 0 },
  };
  for (const kind of ['anonymous', 'file'] as const) {
    const started = performance.now();
    await progress.during(`${kind} scratch memory`, async (detail) => {
      let done = 0;
      while (done < plan.each) {
        const bytes = Math.min(plan.span[kind], plan.each - done);
        const scratch = await open(kind, bytes);
        try {
          const run = new Run(scratch, plan.chunk, tally, (within) => {
            signal.throwIfAborted();
            detail(liveText(done + within, tally));
          });
          await (kind === 'file' ? run.writeAllThenReadBack() : run.chunkByChunk());
        } finally {
          scratch.close();
        }
        done += bytes;
      }
    });
    tally.seconds[kind] = (performance.now() - started) / 1000;
  }
  tally.after = readUsage();
  return tally;
}

function liveText(done: number, { plan, after, pageCachePeak }: Tally): string {
  return [
    `${formatBytes(done)} of ${formatBytes(plan.each)}`,
    `RSS ${formatBytes(after.rss)}, peak ${formatBytes(after.rssPeak)} (limit ${formatBytes(plan.rssLimit)})`,
    `page cache ${formatBytes(after.pageCache)}, peak ${formatBytes(pageCachePeak)}`,
  ].join(', ');
}

/** One piece of scratch memory, from its first write to its last discard. */
class Run {
  readonly #pattern = new Pattern(0x5ca7c4);

  constructor(
    readonly scratch: Scratch,
    readonly chunk: number,
    readonly tally: Tally,
    readonly report: (done: number) => void,
  ) {}

  /** Anonymous memory cannot keep its contents without being in memory. */
  async chunkByChunk(): Promise<void> {
    for (const offset of this.#chunks()) {
      this.#write(offset);
      this.#check(offset);
      await this.#discard(offset);
      await this.#pause(offset + this.chunk);
    }
  }

  /** File-backed memory holds more than fits into memory at one time: all of it is read back at the end. */
  async writeAllThenReadBack(): Promise<void> {
    for (const offset of this.#chunks()) {
      this.#write(offset);
      await this.scratch.releaseAsync(offset, this.chunk);
      this.#expectReturned(offset);
      await this.#pause((offset + this.chunk) / 2);
    }
    for (const offset of this.#chunks()) {
      this.#check(offset);
      await this.#discard(offset);
      await this.#pause((this.scratch.size + offset + this.chunk) / 2);
    }
  }

  *#chunks(): Generator<number> {
    for (let offset = 0; offset < this.scratch.size; offset += this.chunk) yield offset;
  }

  #write(offset: number): void {
    const window = this.scratch.window(offset, this.chunk);
    this.#pattern.write(window.bytes, offset / this.chunk);
    window.close();
  }

  #check(offset: number): void {
    const window = this.scratch.window(offset, this.chunk);
    this.tally.pagesWrong += this.#pattern.countWrong(window.bytes, offset / this.chunk);
    this.tally.pagesChecked += this.chunk / patternPageBytes;
    window.close();
  }

  async #discard(offset: number): Promise<void> {
    await this.scratch.discardAsync(offset, this.chunk);
    this.#expectReturned(offset);
  }

  #expectReturned(offset: number): void {
    this.tally.notReturned += this.scratch.residentBytes(offset, this.chunk);
  }

  /** Lets signals in and the progress out. */
  async #pause(done: number): Promise<void> {
    const usage = readUsage();
    this.tally.after = usage;
    this.tally.pageCachePeak = Math.max(this.tally.pageCachePeak, usage.pageCache);
    this.report(done);
    await setImmediate();
  }
}
