// The recorder sees everything, or says that it did not.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeOnLinux } from '../linux.js';
import { nativeFile, RecordingError, record, temporaryDirectory } from './recording.js';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const exercise = (...words: string[]) => record(directory, nativeFile('bin/exercise_files'), words);

describeOnLinux('the recorder', () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    'explains every byte of random work on files (seed %i)',
    (seed) => {
      writeFileSync(join(directory, 'file-0'), 'there before');
      // record() compares the files with what the log amounts to.
      const { operations } = exercise(String(seed), '200');
      expect(operations.length).toBeGreaterThan(100);
    },
  );

  it('logs every kind of operation', () => {
    writeFileSync(join(directory, 'file-0'), 'there before');
    const { operations } = exercise('1', '2000');
    const kinds = new Set(operations.map(({ kind }) => kind));
    expect([...kinds].sort()).toEqual(
      [
        ...['create', 'end', 'flush-data', 'flush-directory', 'flush-file', 'flush-range', 'link', 'mapped'],
        ...['open', 'punch', 'rename', 'resize', 'unlink', 'unnamed', 'write'],
      ].sort(),
    );
  });

  it.each([
    ['pwrite', /1 bytes|512 bytes.*changed without a call/],
    ['truncate', /truncate is not recorded/],
    ['fopen', /fopen is not recorded/],
    ['open', /opened by a call that is not recorded/],
    ['zero-range', /fallocate with mode 16 is not recorded/],
    ['unlink', /the log does not explain/],
    ['kill', /SIGKILL/],
  ])('fails loudly on what it does not know: %s', (way, message) => {
    expect(() => exercise('1', '50', way)).toThrow(RecordingError);
    rmSync(directory, { recursive: true });
    directory = temporaryDirectory();
    expect(() => exercise('1', '50', way)).toThrow(message);
  });
});
