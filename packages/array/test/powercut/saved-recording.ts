// Recordings in folders: what broke a promise is kept, to look at and to try again.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLog } from './log.js';
import { type DirectoryContent, type Recording, readDirectory } from './recording.js';

const failures = join(import.meta.dirname, '..', '..', 'build', 'powercut');

/** Keeps a recording and the files that could not be opened; returns the folder. */
export function saveFailure(name: string, recording: Recording, files: DirectoryContent): string {
  const folder = join(failures, name.replaceAll(/\W+/g, '-'));
  rmSync(folder, { recursive: true, force: true });
  for (const [part, content] of [
    ['initial', recording.initial],
    ['after-power-cut', files],
  ] as const) {
    mkdirSync(join(folder, part), { recursive: true });
    for (const [file, bytes] of content) writeFileSync(join(folder, part, file), bytes);
  }
  writeFileSync(join(folder, 'log'), recording.log);
  writeFileSync(join(folder, 'directory'), recording.directory);
  return folder;
}

export function loadRecording(folder: string): Recording {
  const log = new Uint8Array(readFileSync(join(folder, 'log')));
  const directory = readFileSync(join(folder, 'directory'), 'utf8');
  return {
    initial: readDirectory(join(folder, 'initial')),
    operations: parseLog(log, directory),
    log,
    directory,
  };
}
