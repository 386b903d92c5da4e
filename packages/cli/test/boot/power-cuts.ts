// A power cut in front of every single change of an installation: the disk as it is then is mounted as the next boot would
// mount it, undone by the recovery program that the next boot would start, and must be what it was.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from './image.js';
import { makeLayer } from './layer.js';
import { bootToEachChange } from './machine.js';
import type { Scenario } from './scenarios.js';

const recovery = join(import.meta.dirname, '../../../preload-shim/build/native/bin/vgpu-shim-recover');

// What is not ours to keep: what a running system writes all the time.
const CHANGING = [
  'var/log',
  'var/lib/systemd',
  'var/lib/dbus',
  'var/tmp',
  'tmp',
  'run',
  'root',
  'home',
  'boot-test',
  'opt',
];

// Mounting replays the file system's own journal. Without the unit nobody would undo anything, so nothing may lead to the library.
const LOOK = `
set -e
disk=$1 place=$2 recover=$3 changing=$4
mount -o loop "$disk" "$place"
cd "$place"
unit=etc/systemd/system/sysinit.target.wants/vgpu-shim-recover.service
if [ -e "$unit" ]; then
  recover=$place/$(sed -n 's/^ExecStart=\\([^ ]*\\).*/\\1/p' "$unit")
else
  for path in etc/ld.so.preload usr/lib/vgpu-shim/current etc/vgpu; do
    [ ! -e "$path" ] || { echo "$path is there, and nobody to undo it" >&2; exit 1; }
  done
fi
said=$("$recover" --root "$place" --all 2>&1) || { echo "vgpu-shim-recover: $said" >&2; exit 1; }
find . -xdev -regextype posix-extended -regex "\\./($changing)" -prune -o -type d -printf '%P %m %U %G\\n' \\
  -o -printf '%P %y %m %U %G %s %T@ %l\\n' | sort
find etc usr/lib/systemd -xdev -type f -exec sha256sum {} + | sort
cd /
umount "$place"
`;

const scenario: Scenario = { name: 'every change', installed: false, work: 'changes', found: 'no device' };

/** @returns how many changes there were, and what is wrong */
export async function cutAtEachChange(image: Image): Promise<{ changes: number; complaints: string[] }> {
  const layer = makeLayer(image, scenario);
  const place = mkdtempSync(join(tmpdir(), 'vgpu-mounted-'));
  const complaints: string[] = [];
  let first: string | undefined;
  let changes = 0;
  try {
    const report = await bootToEachChange(image, layer.path, (disk, change) => {
      changes = change;
      const now = filesAfterRecovery(disk, place);
      first ??= now;
      if (now !== first) complaints.push(`power cut in front of change ${change}: ${difference(first, now)}`);
    });
    if (!report.preload.includes('vgpu-shim')) complaints.push(`the installation has failed: ${report.work}`);
  } finally {
    layer.remove();
    rmdirSync(place);
  }
  return { changes, complaints };
}

function filesAfterRecovery(disk: string, place: string): string {
  const words = ['--mount', 'sh', '-c', LOOK, 'sh', disk, place, recovery, CHANGING.join('|')];
  return execFileSync('unshare', words, { encoding: 'utf8', maxBuffer: 2 ** 28 });
}

function difference(before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')].map((lines) => new Set(lines));
  const missing = [...(old ?? [])].filter((line) => !now?.has(line)).map((line) => `- ${line}`);
  const added = [...(now ?? [])].filter((line) => !old?.has(line)).map((line) => `+ ${line}`);
  return [...missing, ...added].slice(0, 20).join('\n');
}
