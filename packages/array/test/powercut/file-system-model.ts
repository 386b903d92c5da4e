// What a power cut can leave of a directory. README.md beside this file states the model and where it comes from.
import { type FileChoice, FileModel } from './file-model.js';
import type { Operation } from './log.js';
import type { DirectoryContent } from './recording.js';

/** What reached the disk of everything that was not flushed. */
export interface CrashChoice {
  /** So many of the pending changes of names, in their order. */
  readonly names: number;
  readonly files: ReadonlyMap<FileModel, FileChoice>;
}

interface NameChange {
  readonly apply: (names: Map<string, FileModel>) => void;
  /** Files that get a name by it. */
  readonly file?: FileModel;
}

/** One directory without subdirectories: changes of its names reach the disk in their order. */
export class FileSystemModel {
  readonly #names = new Map<string, FileModel>();
  readonly #durableNames: Map<string, FileModel>;
  #pendingNames: NameChange[] = [];
  /** By the recorder's numbers. */
  readonly #files = new Map<number, FileModel>();

  constructor(initial: DirectoryContent) {
    for (const [name, content] of initial) this.#names.set(name, new FileModel(content));
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
    const { kind, file, first, second, path, other, bytes } = operation;
    switch (kind) {
      case 'create':
        this.#files.set(file, new FileModel());
        return this.#named(path, this.#file(file));
      case 'open':
        this.#files.set(file, this.#byName(path));
        return;
      case 'unnamed':
        this.#files.set(file, new FileModel());
        return;
      case 'write':
      case 'mapped':
        return this.#file(file).write(first, bytes);
      case 'resize':
        return this.#file(file).resize(first);
      case 'punch':
        return this.#file(file).punch(first, second);
      case 'flush-range':
        return this.#file(file).flush(first, second);
      case 'flush-data':
      case 'flush-file':
        return this.#file(file).flush();
      case 'flush-directory':
        for (const change of this.#pendingNames) change.apply(this.#durableNames);
        this.#pendingNames = [];
        return;
      case 'rename':
        return this.#renamed(path, other);
      case 'link':
        return this.#named(path, this.#file(file));
      case 'unlink':
        return this.#change({ apply: (names) => void names.delete(path) });
      case 'mark':
      case 'end':
        return;
    }
  }

  #change(change: NameChange): void {
    change.apply(this.#names);
    this.#pendingNames.push(change);
  }

  #named(name: string, file: FileModel): void {
    if (name.includes('/')) throw new Error(`the model has one directory: ${name} lies in another`);
    this.#change({ file, apply: (names) => void names.set(name, file) });
  }

  #renamed(from: string, to: string): void {
    const file = this.#byName(from);
    if (to.includes('/')) throw new Error(`the model has one directory: ${to} lies in another`);
    const apply = (names: Map<string, FileModel>) => {
      names.delete(from);
      names.set(to, file);
    };
    this.#change({ file, apply });
  }

  #byName(name: string): FileModel {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`the log speaks of ${name}, which does not exist`);
    return file;
  }

  #file(id: number): FileModel {
    const file = this.#files.get(id);
    if (file === undefined) throw new Error(`the log speaks of file ${id}, which was never opened`);
    return file;
  }
}
