// Kills writers at any time, and looks at what they leave.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFormatError } from '@vgpu/format';
import { PersistentArray, repair } from '../../src/index.js';
import { temporaryDirectory } from '../powercut/recording.js';
import { type Random, randomFrom } from '../powercut/random.js';
import { columns, fileOf, type Mode, modes, rows, valueAt } from './messages.js';
import { Keeper, Programs, Writer } from './processes.js';

export interface StormOptions {
  readonly kills: number;
  readonly seed: number;
  readonly onKill?: (report: StormReport) => void;
}

export interface StormReport {
  kills: number;
  /** Of the kills: between begin() and the acknowledgement. */
  duringUpdate: number;
  /** Of those: after commit() was called. */
  duringCommit: number;
  /** What the array held afterwards: the acknowledged version, the next one, or an update interrupted in place. */
  acknowledged: number;
  next: number;
  interrupted: number;
  /** Left by the dead, and removed by the next to start. */
  staleFiles: number;
  commits: number;
}

/** Names that cleaning up must not touch, though some look like its own. */
const strangers = ['vgpu-notes.txt', 'vgpu-1-0123456789abcdef.tmp.bak', 'vgpu-12-xyz.tmp'];
const scratchName = /^vgpu-(\d+)-[0-9a-f]{16}\.tmp$/;

export async function killStorm({ kills, seed, onKill }: StormOptions): Promise<StormReport> {
  using programs = await Programs.build();
  const storm = new Storm(programs, seed);
  try {
    await storm.prepare();
    for (let kill = 0; kill < kills; kill++) {
      await storm.kill(modes[kill % modes.length] ?? 'atomic');
      onKill?.(storm.report);
    }
    return storm.report;
  } finally {
    await storm.end();
  }
}

class Storm {
  readonly report: StormReport = {
    ...{ kills: 0, duringUpdate: 0, duringCommit: 0, acknowledged: 0, next: 0, interrupted: 0 },
    ...{ staleFiles: 0, commits: 0 },
  };
  readonly #directory = temporaryDirectory();
  readonly #programs: Programs;
  readonly #random: Random;
  readonly #keeper: Keeper;
  readonly #versions = new Map<Mode, number>(modes.map((mode) => [mode, 1]));
  /** How long an update took lately, in milliseconds. */
  #updateTime = 5;

  constructor(programs: Programs, seed: number) {
    this.#programs = programs;
    this.#random = randomFrom(seed);
    this.#keeper = new Keeper(programs, this.#directory);
  }

  async prepare(): Promise<void> {
    await this.#keeper.ready();
    for (const name of strangers) writeFileSync(join(this.#directory, name), 'not yours');
    for (const mode of modes) await this.#make(mode, 1, false);
  }

  async #make(mode: Mode, version: number, replace: boolean): Promise<void> {
    const array = await PersistentArray.create(
      join(this.#directory, fileOf(mode)),
      { structure: 'dense', dtype: 'f64', rows, columns },
      { values: (row, column) => valueAt(version, row, column), replace },
    );
    await array.close();
  }

  async end(): Promise<void> {
    await this.#keeper.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async kill(mode: Mode): Promise<void> {
    const before = this.#scratchFiles();
    const version = this.#versions.get(mode) ?? 0;
    const writer = new Writer(this.#programs, this.#directory, mode, version);
    try {
      await this.#waitForTheMoment(writer);
    } finally {
      await writer.kill();
    }
    this.report.kills += 1;
    this.#checkCleanedUp(before, writer);
    const { acknowledged, begun } = this.#lastWords(writer, version);
    this.#versions.set(mode, await this.#check(mode, acknowledged, begun));
  }

  /** Some die while they start, some at any time, most in the middle of an update. */
  async #waitForTheMoment(writer: Writer): Promise<void> {
    const kind = this.#random(10);
    if (kind === 0) return sleep(this.#random(150));
    await writer.said(1);
    if (kind <= 2) return sleep(this.#random(80));
    const messages = 1 + this.#random(8);
    const start = performance.now();
    await writer.said(1 + messages);
    // There are two or three in an update.
    if (messages > 3) this.#updateTime = (2.5 * (performance.now() - start)) / messages;
    const wait = (this.#random(1000) / 1000) * this.#updateTime;
    if (wait > 1) await sleep(wait);
  }

  #scratchFiles(): string[] {
    return readdirSync(this.#directory).filter((name) => scratchName.test(name));
  }

  /** The files of those who died before are gone, once the writer said that it is ready; all others are there. */
  #checkCleanedUp(before: readonly string[], writer: Writer): void {
    const now = readdirSync(this.#directory);
    for (const name of [...this.#keeper.files, ...strangers, ...modes.map(fileOf)]) {
      if (!now.includes(name)) throw new Error(`${name} is gone, though it is nobody's to remove`);
    }
    const [ready] = writer.messages;
    if (ready?.kind !== 'ready') return;
    const stale = before.filter((name) => !this.#keeper.files.includes(name));
    const left = stale.filter((name) => now.includes(name));
    if (left.length > 0) throw new Error(`not cleaned up: ${left.join(', ')}`);
    this.report.staleFiles += stale.length;
    const foreign = this.#scratchFiles().filter((name) => {
      return !this.#keeper.files.includes(name) && scratchName.exec(name)?.[1] !== String(writer.pid);
    });
    if (foreign.length > 0) throw new Error(`whose files are these? ${foreign.join(', ')}`);
    for (const name of ready.scratch) {
      if (!now.includes(name)) throw new Error(`the scratch file ${name} was lost while its owner lived`);
    }
  }

  #lastWords(writer: Writer, version: number): { acknowledged: number; begun: boolean } {
    const done = writer.messages.filter(({ kind }) => kind === 'done');
    const last = writer.messages.at(-1);
    const begun = last?.kind === 'begin' || last?.kind === 'commit';
    if (begun) this.report.duringUpdate += 1;
    if (last?.kind === 'commit') this.report.duringCommit += 1;
    this.report.commits += done.length;
    return { acknowledged: done.at(-1)?.version ?? version, begun };
  }

  /** Returns the version that the file holds. */
  async #check(mode: Mode, acknowledged: number, begun: boolean): Promise<number> {
    const path = join(this.#directory, fileOf(mode));
    // Also after a kill so late that the acknowledgement was not said any more.
    const allowed = begun ? [acknowledged, acknowledged + 1] : [acknowledged];
    let found = await this.#open(path);
    if (found === undefined) {
      if (mode !== 'in-place' || !begun)
        throw new Error(`${mode}: not committed, though nothing was being changed`);
      this.report.interrupted += 1;
      await repair(path, 'accept');
      found = await this.#open(path);
      if (found === undefined) throw new Error('repair() did not make the file committed');
      this.#checkMixture(found, allowed);
      // The next writer begins with a version again.
      await this.#make(mode, acknowledged + 1, true);
      return acknowledged + 1;
    }
    const version = allowed.find((each) => isVersion(found, each));
    if (version === undefined) {
      throw new Error(`${mode}: neither version ${allowed.join(' nor ')} but ${String(found[0])}…`);
    }
    if (version === acknowledged) this.report.acknowledged += 1;
    else this.report.next += 1;
    return version;
  }

  #checkMixture(found: Float64Array, allowed: readonly number[]): void {
    for (const [index, value] of found.entries()) {
      if (!allowed.some((version) => value === elementOf(version, index))) {
        throw new Error(`element ${index} has neither its old value nor its new one: ${value}`);
      }
    }
  }

  /** A copy of the values; undefined for an update in place that was interrupted. */
  async #open(path: string): Promise<Float64Array | undefined> {
    let array: PersistentArray;
    try {
      array = await PersistentArray.open(path);
    } catch (error) {
      if (isFormatError(error) && error.code === 'ERR_VGPU_FORMAT_NOT_COMMITTED') return undefined;
      throw error;
    }
    try {
      const { error, checksum } = await array.verify();
      if (error !== undefined) throw error;
      if (checksum !== 'crc32') throw new Error('the checksum is gone');
      const values = array.values();
      if (!(values instanceof Float64Array)) throw new Error('the array has elements of another kind');
      return values.slice();
    } finally {
      await array.close();
    }
  }
}

function elementOf(version: number, index: number): number {
  return valueAt(version, Math.floor(index / columns), index % columns);
}

function isVersion(values: Float64Array, version: number): boolean {
  return (
    values.length === rows * columns && values.every((value, index) => value === elementOf(version, index))
  );
}
