// Which programs, with which arguments, under which circumstances.
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Job } from './world.js';

const FOLDERS = ['/usr/bin', '/usr/sbin'];
const ARGUMENTS = ['--version', '--help'];

/** Not run, and why. Whatever else a program may do stays in its namespaces. */
export const SKIPPED: Record<string, string> = {
  killall5: 'kills whoever started it, here the runner',
};

export const VARIANTS = [
  'user-namespace',
  'chroot',
  'address-space',
  'no-new-privileges',
  'closed-streams',
  'eight-descriptors',
  'empty-environment',
  'no-sockets',
];

/** What the variants are tried with: shells, coreutils, a network client, an interpreter, threads. */
const COMMANDS = [
  ['/bin/true'],
  ['/bin/ls', '/'],
  ['/bin/sh', '-c', 'echo out; echo err >&2; ls -l /proc/self/fd 2>/dev/null | wc -l; exit 3'],
  ['/bin/sh', '-c', 'i=0; while [ $i -lt 20 ]; do /bin/echo $i; i=$((i+1)); done | sort -n | tail -1'],
  ['/bin/cat', '/nonexistent'],
  ['/usr/bin/env'],
  ['/usr/bin/id'],
  ['/usr/bin/getent', 'hosts', 'localhost'],
  ['/usr/bin/sort', '--parallel=4', '/etc/services'],
  ['/usr/bin/perl', '-e', 'socket(S, 1, 1, 0) or die; print "socket\\n"'],
  ['/usr/bin/perl', '-e', 'fork() ? wait : exit 7; print $? >> 8, "\\n"; kill 11, $$'],
  ['/bin/bash', '-c', 'exec 3<&- 4<&-; ulimit -n; echo $BASH_VERSION; type -t cd'],
];

function place(path: string): string {
  return createHash('sha256').update(path).digest('hex');
}

/** Every program once, under its own name; in an order that has nothing to do with names. */
export function allPrograms(): string[] {
  const seen = new Set<string>();
  return FOLDERS.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => {
      const status = statSync(path, { throwIfNoEntry: false });
      const key = `${status?.dev}:${status?.ino}:${basename(path)}`;
      if (!status?.isFile() || (status.mode & 0o111) === 0 || seen.has(key)) return false;
      seen.add(key);
      return SKIPPED[basename(path)] === undefined;
    })
    .sort((one, other) => place(one).localeCompare(place(other)));
}

export function programJobs(programs: readonly string[]): Job[] {
  return programs.flatMap((program) =>
    ARGUMENTS.map((argument) => ({ variant: 'plain', command: [program, argument] })),
  );
}

export function variantJobs(programs: readonly string[]): Job[] {
  const commands = [...COMMANDS, ...programs.map((program) => [program, '--version'])];
  return VARIANTS.flatMap((variant) => commands.map((command) => ({ variant, command })));
}
