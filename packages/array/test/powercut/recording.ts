// Runs a program under the recorder.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileSystemModel } from './file-system-model.js';
import { type Operation, parseLog } from './log.js';

/** Names and contents of a directory's files. */
export type DirectoryContent = ReadonlyMap<string, Uint8Array>;

export interface Recording {
  /** What lay in the directory, safely, when the program started. */
  readonly initial: DirectoryContent;
  readonly operations: readonly Operation[];
  /** What `operations` was read from, to keep it. */
  readonly log: Uint8Array;
  readonly directory: string;
}

const built = join(import.meta.dirname, '..', '..', 'build', 'native');

/** A file that the package's native build makes. */
export function nativeFile(name: string): string {
  const path = join(built, name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run native-build in packages/array first`);
  return path;
}

/** A new directory in memory where there is such a thing: states are written there by the thousand. */
export function temporaryDirectory(): string {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  return realpathSync(mkdtempSync(join(parent, 'vgpu-test-')));
}

export function readDirectory(directory: string): DirectoryContent {
  return new Map(
    readdirSync(directory)
      .sort()
      .map((name) => [name, new Uint8Array(readFileSync(join(directory, name)))]),
  );
}

export class RecordingError extends Error {}

/**
 * Runs a program with the recorder in it, in `directory`, which lies as the program found it.
 * @throws RecordingError when the program fails, or does anything to the directory that is not in the log.
 */
export function record(directory: string, program: string, words: readonly string[]): Recording {
  const initial = readDirectory(directory);
  const logs = temporaryDirectory();
  try {
    const log = join(logs, 'log');
    const { status, signal, stderr, error } = spawnSync(program, words, {
      cwd: directory,
      encoding: 'utf8',
      env: {
        ...process.env,
        LD_PRELOAD: nativeFile('lib/libvgpu_record.so'),
        VGPU_RECORD_DIR: directory,
        VGPU_RECORD_LOG: log,
      },
      timeout: 120_000,
    });
    if (status !== 0) {
      throw new RecordingError(`${program} ended with ${error?.message ?? signal ?? status}: ${stderr}`);
    }
    const bytes = new Uint8Array(readFileSync(log));
    const recording = { initial, operations: parseLog(bytes, directory), log: bytes, directory };
    compareWithDirectory(recording, directory);
    return recording;
  } finally {
    rmSync(logs, { recursive: true, force: true });
  }
}

/** The whole log must explain every byte that is there in the end. */
function compareWithDirectory({ initial, operations }: Recording, directory: string): void {
  const model = new FileSystemModel(initial);
  for (const operation of operations) model.apply(operation);
  const [expected, found] = [model.current(), readDirectory(directory)];
  const names = new Set([...expected.keys(), ...found.keys()]);
  for (const name of names) {
    const [a, b] = [expected.get(name), found.get(name)];
    if (a === undefined || b === undefined || !Buffer.from(a).equals(b)) {
      throw new RecordingError(`the log does not explain what is in ${join(directory, name)}`);
    }
  }
}
