// What a power cut can leave of a directory. README.md beside this file states the model and where it comes from.
import { diskSectorBytes, type FileChoice, FileModel } from './file-model.js';
import type { Operation, OperationKind } from './log.js';
import type { DirectoryContent } from './recording.js';

/** What reached the disk of everything that was not flushed. */
export interface CrashChoice {
  /** So many of the pending changes of names, in their order. */
  readonly names: number;
  readonly files: ReadonlyMap<FileModel, FileChoice>;
}

interface NameChange {
  readonly apply: (names: Map<string, FileModel>) => unknown;
  /** Files that get a name by it. */
  readonly file?: FileModel;
}

/** One directory without subdirectories: changes of its names reach the disk in their order. */
export class FileSystemModel {
  readonly #sectorBytes: number;
  readonly #names = new Map<string, FileModel>();
  readonly #durableNames: Map<string, FileModel>;
  #pendingNames: NameChange[] = [];
  /** By the recorder's numbers. */
  readonly #files = new Map<number, FileModel>();

  /** @param sectorBytes what the disk writes whole or not at all */
  constructor(initial: DirectoryContent, sectorBytes = diskSectorBytes) {
    this.#sectorBytes = sectorBytes;
    for (const [name, content] of initial) this.#names.set(name, new FileModel(content, sectorBytes));
    this.#durableNames = new Map(this.#names);
  }

  /** Files as the running program sees them. */
  current(): Map<string, Uint8Array> {
    return new Map([...this.#names].map(([name, file]) => [name, file.current()]));
  }

  get pendingNames(): number {
    return this.#pendingNames.length;
  }

  /** Files that can be there after a power cut, and of which something is not flushed. */
  get pendingFiles(): FileModel[] {
    const reachable = new Set(this.#durableNames.values());
    for (const { file } of this.#pendingNames) if (file) reachable.add(file);
    return [...reachable].filter((file) => file.pending.size > 0 || file.sizes.length > 1);
  }

  after(choice: CrashChoice): Map<string, Uint8Array> {
    const names = new Map(this.#durableNames);
    for (const change of this.#pendingNames.slice(0, choice.names)) change.apply(names);
    const flushed: FileChoice = { size: 0, sectors: new Map() };
    return new Map([...names].map(([name, file]) => [name, file.after(choice.files.get(file) ?? flushed)]));
  }

  apply(operation: Operation): void {
    effects[operation.kind](this, operation);
  }

  create(id: number, name: string): void {
    this.createUnnamed(id);
    this.link(id, name);
  }

  createUnnamed(id: number): void {
    this.#files.set(id, new FileModel(undefined, this.#sectorBytes));
  }

  /** From now on the log speaks of a file that has been there by this number. */
  open(id: number, name: string): void {
    this.#files.set(id, this.#byName(name));
  }

  link(id: number, name: string): void {
    const file = this.file(id);
    this.#change(name, { file, apply: (names) => names.set(name, file) });
  }

  unlink(name: string): void {
    this.#change(name, { apply: (names) => names.delete(name) });
  }

  rename(from: string, to: string): void {
    const file = this.#byName(from);
    this.#change(to, { file, apply: (names) => names.delete(from) && names.set(to, file) });
  }

  flushDirectory(): void {
    for (const change of this.#pendingNames) change.apply(this.#durableNames);
    this.#pendingNames = [];
  }

  file(id: number): FileModel {
    const file = this.#files.get(id);
    if (file === undefined) throw new Error(`the log speaks of file ${id}, which was never opened`);
    return file;
  }

  #change(name: string, change: NameChange): void {
    if (name.includes('/')) throw new Error(`the model has one directory: ${name} lies in another`);
    change.apply(this.#names);
    this.#pendingNames.push(change);
  }

  #byName(name: string): FileModel {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`the log speaks of ${name}, which does not exist`);
    return file;
  }
}

type Effect = (model: FileSystemModel, operation: Operation) => void;

const write: Effect = (model, { file, first, bytes }) => model.file(file).write(first, bytes);
const flushFile: Effect = (model, { file }) => model.file(file).flush();
const nothing: Effect = () => undefined;

const effects: Record<OperationKind, Effect> = {
  create: (model, { file, path }) => model.create(file, path),
  open: (model, { file, path }) => model.open(file, path),
  unnamed: (model, { file }) => model.createUnnamed(file),
  write,
  mapped: write,
  resize: (model, { file, first }) => model.file(file).resize(first),
  punch: (model, { file, first, second }) => model.file(file).punch(first, second),
  'flush-range': (model, { file, first, second }) => model.file(file).flush(first, second),
  'flush-data': flushFile,
  'flush-file': flushFile,
  'flush-directory': (model) => model.flushDirectory(),
  rename: (model, { path, other }) => model.rename(path, other),
  link: (model, { file, path }) => model.link(file, path),
  unlink: (model, { path }) => model.unlink(path),
  mark: nothing,
  end: nothing,
};
