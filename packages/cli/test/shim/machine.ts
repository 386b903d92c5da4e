// A system to install in: a copy of this very one, with its own loader and its own /etc/ld.so.preload. What is written
// there is gone with it; this machine's files are only read.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cli, type Ending, ended } from '../vgpu.js';

const HOLD = `
set -e
mount --make-rprivate /
mount -t tmpfs vgpu-test "$1"
cd "$1"
mkdir upper work root before
mount -t overlay vgpu-test -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" root
for folder in /proc /dev; do mount --rbind "$folder" "root$folder"; done
# An overlay shows one file system; the checkout may lie in another one.
mkdir -p "root$2"
mount --bind "$2" "root$2"
mount -o remount,bind,ro "root$2"
touch "root$3"
# What some machines have, and the installer refuses.
rm -f root/etc/ld.so.preload root/lib/ld-linux.so.2 root/lib/ld-linux-armhf.so.3 root/libx32/ld-linux-x32.so.2
cp -a upper/. before/
exec chroot root sh -c 'echo ready; exec cat'
`;

// Nothing may ever run in the real system: it lacks this file.
const MARK = '/.vgpu-test-machine';
const ONLY_THERE = `[ -e ${MARK} ] || { echo "this is not the test's machine" >&2; exit 99; }; exec "$@"`;

// Whoever was copied up and is what it was is no difference; nor is the loader's own cache of directories.
const DIFFERENCES = `
cd "$1"
expected() { if [ -e "before/$1" ] || [ -L "before/$1" ]; then echo "before/$1"; else echo "/$1"; fi; }
attributes() { stat -c '%F %a %u %g' "$1" 2>/dev/null; [ -d "$1" ] && [ ! -L "$1" ] || stat -c '%s %Y %N' "$1" 2>/dev/null | sed "s| '.*/| '|"; }
{ (cd upper && find . -mindepth 1 -printf '%P\\n'); (cd before && find . -mindepth 1 -printf '%P\\n'); } | sort -u |
  grep -v -e '^\\.vgpu-test-machine$' -e '^tmp\\(/\\|$\\)' -e '^var/cache/ldconfig' |
  while read -r path; do
    old=$(expected "$path")
    if [ "$(attributes "$old")" != "$(attributes "upper/$path")" ]; then echo "$path"
    elif [ -f "$old" ] && [ ! -L "$old" ] && ! cmp -s "$old" "upper/$path"; then echo "$path"
    fi
  done
`;

/** Why no such system can be made here, or undefined. */
export function machineObstacle(): string | undefined {
  if (existsSync('/proc/driver/nvidia/version'))
    return 'this machine has an NVIDIA driver, which /proc shows';
  const made = spawnSync(
    'unshare',
    [
      ...namespaces,
      'sh',
      '-ec',
      'mount -t tmpfs x /mnt; mkdir /mnt/u /mnt/w; mount -t overlay x -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt',
    ],
    {
      encoding: 'utf8',
    },
  );
  return made.status === 0 ? undefined : `no namespace with an overlay can be made: ${made.stderr}`;
}

const isRoot = process.getuid?.() === 0;
const namespaces = ['--mount', ...(isRoot ? [] : ['--user', '--map-root-user'])];

export class Machine {
  readonly #folder: string;
  readonly #holder: ChildProcessWithoutNullStreams;

  private constructor(folder: string, holder: ChildProcessWithoutNullStreams) {
    this.#folder = folder;
    this.#holder = holder;
  }

  static async start(): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), 'vgpu-machine-'));
    const checkout = join(import.meta.dirname, '../../../..');
    const holder = spawn('unshare', [...namespaces, 'sh', '-c', HOLD, 'sh', folder, checkout, MARK]);
    const complaint: string[] = [];
    holder.stderr.setEncoding('utf8').on('data', (text: string) => complaint.push(text));
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('close', () => reject(new Error(`the machine did not start: ${complaint.join('')}`)));
    });
    return new Machine(folder, holder);
  }

  /** Ends with the machine's last process. */
  async stop(): Promise<void> {
    const end = ended(this.#holder);
    this.#holder.stdin.end();
    await end;
    rmdirSync(this.#folder);
  }

  /** Runs a program there. */
  start(words: readonly string[], environment: Record<string, string> = {}): ChildProcessWithoutNullStreams {
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return this.#enter(['--root', '--wd'], ['sh', '-c', ONLY_THERE, 'sh', 'env', ...assignments, ...words]);
  }

  run(words: readonly string[], environment: Record<string, string> = {}): Promise<Ending> {
    return ended(this.start(words, environment));
  }

  shell(script: string, environment: Record<string, string> = {}): Promise<Ending> {
    return this.run(['sh', '-ec', script], environment);
  }

  vgpu(...args: string[]): Promise<Ending> {
    return this.run([process.execPath, cli, 'shim', ...args]);
  }

  /** From here on, differences() means differences from now. */
  async remember(): Promise<void> {
    await this.#outside('cd "$1" && rm -rf before && cp -a upper before');
  }

  /** Paths that are not as they were, in content, mode, owner or time of the last change. */
  async differences(): Promise<string[]> {
    return (await this.#outside(DIFFERENCES)).split('\n').filter(Boolean);
  }

  async #outside(script: string): Promise<string> {
    const { code, stdout, stderr } = await ended(this.#enter([], ['sh', '-c', script, 'sh', this.#folder]));
    if (code !== 0) throw new Error(`${script}: ${stderr}`);
    return stdout;
  }

  #enter(options: readonly string[], words: readonly string[]): ChildProcessWithoutNullStreams {
    const user = isRoot ? [] : ['--user', '--preserve-credentials'];
    return spawn('nsenter', [`--target=${this.#holder.pid}`, '--mount', ...user, ...options, ...words]);
  }
}
