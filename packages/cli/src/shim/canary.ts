// Loads the library into programs of the system before the system loads it everywhere: each must end as it does
// without, and print the same.
import { existsSync } from 'node:fs';
import { type Check, ok, problem } from '../doctor/check.js';
import type { Answer, SystemRoot } from './root.js';

const TIMEOUT_MS = 20_000;

/** Programs without which nobody can log in and mend anything come first. What is not installed is left out. */
const programs: readonly (readonly [string, ...string[]])[] = [
  ['/bin/sh', '-c', 'echo out; echo err >&2; exit 3'],
  ['/bin/sh', '-c', 'ls / | sort | while read -r name; do echo "$name"; done'],
  ['/bin/bash', '-c', 'echo "$((6 * 7))" | cat'],
  ['/bin/true'],
  ['/bin/false'],
  ['/bin/cat', '/etc/passwd'],
  ['/bin/ls', '-ln', '/etc/passwd'],
  ['/usr/bin/id'],
  ['/usr/bin/getent', 'passwd', 'root'],
  ['/bin/su', '--version'],
  ['/usr/bin/sudo', '--version'],
  ['/usr/sbin/sshd', '-V'],
  ['/usr/bin/ssh', '-V'],
  ['/bin/login', '--version'],
  ['/sbin/agetty', '--version'],
  ['/lib/systemd/systemd', '--version'],
  ['/bin/systemctl', '--version'],
  ['/bin/journalctl', '--version'],
  ['/bin/udevadm', '--version'],
  ['/usr/bin/dbus-daemon', '--version'],
  ['/bin/mount', '--version'],
  ['/sbin/ip', '-V'],
  ['/usr/bin/dpkg', '--version'],
  ['/usr/bin/apt-get', '--version'],
  ['/usr/bin/rpm', '--version'],
  ['/usr/bin/perl', '-e', 'print "perl\\n"'],
  ['/usr/bin/python3', '-c', 'import os; print(os.getpid() > 0)'],
  ['/usr/bin/git', '--version'],
];

/** @param library as it is called in that system */
export async function canary(root: SystemRoot, library: string, signal: AbortSignal): Promise<Check> {
  let tried = 0;
  for (const [program, ...args] of programs) {
    if (!existsSync(root.at(program))) continue;
    signal.throwIfAborted();
    const without = await root.ask(program, args, { timeoutMs: TIMEOUT_MS });
    const withIt = await root.ask(program, args, { timeoutMs: TIMEOUT_MS, env: { LD_PRELOAD: library } });
    const difference = differenceOf(without, withIt);
    if (difference) {
      const command = [program, ...args].join(' ');
      return problem(
        'canary',
        `with the library \`${command}\` ${difference}`,
        'please report this; nothing is changed',
      );
    }
    tried += 1;
  }
  if (tried > 0) return ok('canary', `${tried} programs behave the same with the library`);
  return problem('canary', 'there is no program to try the library with', 'is this the root of a system?');
}

function differenceOf(without: Answer, withIt: Answer): string | undefined {
  if (withIt.ending !== without.ending) return `${withIt.ending}; without it, it ${without.ending}`;
  for (const stream of ['stdout', 'stderr'] as const) {
    if (withIt[stream] === without[stream]) continue;
    return `writes to ${stream} ${quote(withIt[stream])}; without it ${quote(without[stream])}`;
  }
  return undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
