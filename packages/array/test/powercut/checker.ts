// Opens what a power cut left with the real thing, and judges it.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanStaleFiles } from '@vgpu/mmap-native';
import { diagnose, PersistentArray, repair } from '../../src/index.js';
import { temporaryDirectory } from './recording.js';
import { type Expected, expectedVersions, noteOf, type Scenario, target } from './scenarios.js';

/** A promise broken. */
export class Violation extends Error {}

export class Checker {
  readonly #scenario: Scenario;
  readonly #versions: readonly (Expected | undefined)[];
  readonly #directory = temporaryDirectory();
  readonly #path = join(this.#directory, target);
  #states = 0;
  /** How often each answer came. */
  readonly outcomes = new Map<string, number>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#versions = expectedVersions(scenario);
  }

  /** Before the recording. */
  get firstVersion(): number {
    return this.#scenario.before.length;
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /**
   * @param allowed the acknowledged version, and the one being committed if there is one
   * @throws Violation
   */
  async check(files: ReadonlyMap<string, Uint8Array>, allowed: readonly number[]): Promise<void> {
    this.#lay(files);
    const outcome = await this.#outcome(allowed);
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
    this.#checkLeftovers();
    this.#states += 1;
    if (this.#states % 8 === 0 && outcome !== 'no file yet') await this.#checkGoesOn();
  }

  #lay(files: ReadonlyMap<string, Uint8Array>): void {
    rmSync(this.#directory, { recursive: true, force: true });
    mkdirSync(this.#directory);
    for (const [name, bytes] of files) writeFileSync(join(this.#directory, name), bytes);
  }

  async #outcome(allowed: readonly number[]): Promise<string> {
    let error: unknown;
    try {
      const version = await this.#versionFound(allowed);
      if (allowed.length === 1) return 'acknowledged version';
      return version === allowed.at(-1) ? 'new version' : 'old version';
    } catch (thrown) {
      error = thrown;
    }
    if (error instanceof Violation) throw error;
    const code = codeOf(error);
    const absent = allowed.some((version) => this.#versions[version] === undefined);
    if (code === 'ERR_VGPU_MMAP_NOT_FOUND' && absent) return 'no file yet';
    if (this.#scenario.update === 'atomic' || allowed.length === 1) {
      throw new Violation(`expected version ${allowed.join(' or ')}, but: ${code} ${String(error)}`, {
        cause: error,
      });
    }
    await this.#checkExplained(code, allowed);
    return code;
  }

  /** @throws Violation when it is none of the allowed versions, or verify() disagrees. */
  async #versionFound(allowed: readonly number[]): Promise<number> {
    const array = await PersistentArray.open(this.#path);
    try {
      const note = noteOf(array.metadata);
      const found = bytesOf(elementsOf(array));
      const version = allowed.find((each) => {
        const expected = this.#versions[each];
        return expected?.note === note && Buffer.compare(bytesOf(expected.values), found) === 0;
      });
      if (version === undefined)
        throw new Violation(`opens with neither of the versions ${allowed.join(', ')}`);
      const { checksum, error } = await array.verify();
      if (checksum !== 'crc32') throw new Violation(`the checksum is gone: ${checksum}`);
      if (error !== undefined) throw new Violation(`verify() calls a good version damaged: ${error.message}`);
      return version;
    } finally {
      await array.close();
    }
  }

  /** An interrupted in-place update: diagnose() says so, repair() makes of it what was on the disk. */
  async #checkExplained(code: string, allowed: readonly number[]): Promise<void> {
    if (code !== 'ERR_VGPU_FORMAT_NOT_COMMITTED') throw new Violation(`the error explains nothing: ${code}`);
    const { actions, error } = await diagnose(this.#path);
    if (error === undefined) throw new Violation('diagnose() finds nothing wrong');
    if (!actions.includes('accept')) {
      throw new Violation('diagnose() does not offer to accept the interrupted update');
    }
    const asItIs = await PersistentArray.open(this.#path, { allowUncommitted: true });
    if (asItIs.committed) throw new Violation('an interrupted update is called committed');
    await asItIs.close();
    await repair(this.#path, 'accept');
    const array = await PersistentArray.open(this.#path);
    try {
      const [old, next] = allowed.map((version) => this.#versions[version]?.values);
      const found = elementsOf(array);
      const strange = found.findIndex((value, index) => value !== old?.[index] && value !== next?.[index]);
      if (strange >= 0) {
        throw new Violation(
          `element ${strange} has neither its old value nor its new one: ${found[strange]}`,
        );
      }
      const report = await array.verify();
      if (report.checksum !== 'crc32' || report.error !== undefined)
        throw new Violation('after repair() verify() complains');
    } finally {
      await array.close();
    }
  }

  /** The next writer finds free space that an interrupted one has used, and its zeros are zeros all the same. */
  async #checkGoesOn(): Promise<void> {
    const array = await PersistentArray.open(this.#path, { update: 'atomic' });
    try {
      await array.begin({ copy: false });
      array.set(0, 0, 7);
      await array.commit();
      const { error } = await array.verify();
      if (error !== undefined) throw new Violation(`verify() complains of the next commit: ${error.message}`);
      const wrong = elementsOf(array).findIndex((value, index) => value !== (index === 0 ? 7 : 0));
      if (wrong >= 0) throw new Violation(`element ${wrong} of the next commit is not what was set`);
    } finally {
      await array.close();
    }
  }

  /** Whatever an interrupted writer left behind goes with the next start. */
  #checkLeftovers(): void {
    cleanStaleFiles(this.#directory);
    const stray = readdirSync(this.#directory).filter((name) => name.endsWith('.tmp'));
    if (stray.length > 0) throw new Violation(`left behind for good: ${stray.join(', ')}`);
  }
}

function elementsOf(array: PersistentArray): Float64Array {
  const values = array.values();
  if (!(values instanceof Float64Array)) throw new Violation('the array has elements of another kind');
  return values;
}

function bytesOf(values: Float64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'string' && code.startsWith('ERR_VGPU_')) return code;
  throw new Violation(`not one of our errors: ${String(error)}`, { cause: error });
}
