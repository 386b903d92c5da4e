// Chooses, for one moment, what a power cut leaves of everything that is not flushed.
import type { FileChoice, FileModel } from './file-model.js';
import type { CrashChoice, FileSystemModel } from './file-system-model.js';
import type { Random } from './random.js';

/** One independent decision: 0 is the flushed state, `newest` the latest; between them lie intermediate ones. */
interface Unit {
  readonly newest: number;
  readonly file?: FileModel;
  /** Undefined for the size of the file, or for the names when there is no file. */
  readonly sector?: number;
}

const sectorsOfPage = 8;

export class CrashStates {
  readonly #units: Unit[];

  constructor(model: FileSystemModel) {
    this.#units = [{ newest: model.pendingNames }];
    for (const file of model.pendingFiles) {
      this.#units.push({ file, newest: file.sizes.length - 1 });
      for (const [sector, versions] of file.pending) {
        this.#units.push({ file, sector, newest: versions.length });
      }
    }
    this.#units = this.#units.filter(({ newest }) => newest > 0);
  }

  /** How many states there are; soon Infinity. */
  get count(): number {
    return this.#units.reduce((product, { newest }) => product * (newest + 1), 1);
  }

  /** The files as the program saw them. */
  everything(): CrashChoice {
    return this.#choice(({ newest }) => newest);
  }

  *all(): Generator<CrashChoice> {
    for (let index = 0; index < this.count; index++) {
      let rest = index;
      yield this.#choice(({ newest }) => {
        const decision = rest % (newest + 1);
        rest = Math.floor(rest / (newest + 1));
        return decision;
      });
    }
  }

  /** Those that catch most mistakes. */
  *typical(): Generator<CrashChoice> {
    const last = this.#units.length - 1;
    const keep: ((unit: Unit, index: number) => boolean)[] = [
      () => true,
      () => false,
      (_, index) => index === last,
      (_, index) => index === 0,
      (_, index) => index !== last,
      (_, index) => index !== 0,
      (_, index) => index % 2 === 0,
      (_, index) => index % 2 === 1,
      // The data without size and names, and the other way round.
      ({ sector }) => sector !== undefined,
      ({ sector }) => sector === undefined,
      ({ file }) => file === undefined,
    ];
    for (const kept of keep) yield this.#choice((unit, index) => (kept(unit, index) ? unit.newest : 0));
  }

  sample(random: Random): CrashChoice {
    const count = this.#units.length;
    const at = random(count);
    const kept: ((unit: Unit, index: number) => boolean)[] = [
      (_, index) => index === at,
      (_, index) => index !== at,
      (_, index) => index < at,
      (_, index) => index >= at,
      chance(random, 50),
      chance(random, 5),
      chance(random, 95),
      byPage(random),
    ];
    const pattern = random(kept.length + 2);
    const keep = kept[pattern];
    // What happens to the data of a file matters only when it can be found.
    const found = random(2) === 0;
    return this.#choice((unit, index) => {
      if (found && unit.sector === undefined) return unit.newest;
      // Besides lost and kept: something in between.
      if (keep === undefined) return random(unit.newest + 1);
      if (!keep(unit, index)) return 0;
      return random(8) === 0 ? 1 + random(unit.newest) : unit.newest;
    });
  }

  #choice(decide: (unit: Unit, index: number) => number): CrashChoice {
    let names = 0;
    const files = new Map<FileModel, { size: number; sectors: Map<number, number> }>();
    for (const [index, unit] of this.#units.entries()) {
      const decision = decide(unit, index);
      if (unit.file === undefined) {
        names = decision;
        continue;
      }
      const choice = files.get(unit.file) ?? { size: 0, sectors: new Map<number, number>() };
      files.set(unit.file, choice);
      if (unit.sector === undefined) choice.size = decision;
      else if (decision > 0) choice.sectors.set(unit.sector, decision);
    }
    return { names, files: files satisfies ReadonlyMap<FileModel, FileChoice> };
  }
}

function chance(random: Random, percent: number) {
  return () => random(100) < percent;
}

/** The kernel writes pages rather than sectors. */
function byPage(random: Random) {
  const pages = new Map<string, boolean>();
  const files = new Map<FileModel | undefined, number>();
  return ({ file, sector = -1 }: Unit) => {
    if (!files.has(file)) files.set(file, files.size);
    const page = `${files.get(file)}:${Math.floor(sector / sectorsOfPage)}`;
    const kept = pages.get(page) ?? random(2) === 0;
    pages.set(page, kept);
    return kept;
  };
}
