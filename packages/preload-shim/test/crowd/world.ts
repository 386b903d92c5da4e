// A corner of the machine of its own, in which every program starts with the library loaded, or none does.
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { z } from 'zod';

const runner = join(import.meta.dirname, '../../build/native/test/crowd_runner');
const NOBODY = 65534;

const observationSchema = z.strictObject({
  ending: z.string(),
  output: z.string(),
  errors: z.string(),
  outputHash: z.string(),
  errorsHash: z.string(),
  threads: z.int(),
  children: z.int(),
  descriptors: z.int(),
});
export type Observation = z.infer<typeof observationSchema>;

export interface Job {
  readonly variant: string;
  readonly command: readonly string[];
}

export const LIMIT_MS = 10_000;

// Own mounts, processes, network: whatever a program does stays inside. The tmpfs and all mounts go with the last process.
const NAMESPACES = [
  '--mount',
  '--pid',
  '--fork',
  '--mount-proc',
  '--net',
  '--ipc',
  '--uts',
  '--propagation',
  'private',
];
const SETUP = `set -e
place=$1 library=$2 runner=$3 user=$4 preload=$5
mount -t tmpfs -o mode=755 crowd "$place"
cp -a /etc "$place/etc" 2>/dev/null || true
rm -f "$place/etc/ld.so.preload"
if [ "$preload" = yes ]; then echo "$library" > "$place/etc/ld.so.preload"; fi
mkdir -p "$place/root/usr" "$place/root/dev" "$place/root/tmp" "$place/root/etc"
chmod 1777 "$place/root/tmp"
for folder in bin sbin lib lib32 lib64 libx32; do
  if [ -L /$folder ]; then cp -P /$folder "$place/root/$folder"
  elif [ -d /$folder ]; then mkdir "$place/root/$folder"; mount --bind /$folder "$place/root/$folder"; fi
done
mount --bind /usr "$place/root/usr"
mount --rbind /dev "$place/root/dev"
mount --bind "$place/etc" "$place/root/etc"
mkdir -p "$place/root\${library%/*}"
mount --bind "\${library%/*}" "$place/root\${library%/*}"
# A /tmp of its own, with what is needed of the other one.
mkdir -m 1777 "$place/tmp"
for folder in "$place" "\${runner%/*}" "\${library%/*}"; do
  case $folder in /tmp/*) mkdir -p "$place$folder"; mount --rbind "$folder" "$place$folder" ;; esac
done
mount --rbind "$place/tmp" /tmp
# From here on only the runner, which is linked statically, is safe from the library.
mount --bind "$place/etc" /etc
export VGPU_CROWD_ROOT="$place/root"
exec "$runner" "$place/job" "$user"`;

/** Why there can be no world here, or undefined. */
export function worldObstacle(): string | undefined {
  const [command = '', ...args] = [...namespaceCommand(), 'true'];
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : (error?.message ?? stderr.trim());
}

function namespaceCommand(): string[] {
  const asRoot = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...asRoot, ...NAMESPACES];
}

export class World {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #end: Promise<void>;
  #errors = '';

  /**
   * The library is there in any case; with `preload`, every program has it loaded by way of /etc/ld.so.preload. What the world
   * is made of is seen at `folder` by those inside only, so that worlds can share one, and look alike.
   */
  constructor(folder: string, library: string, preload: boolean) {
    const user = process.getuid?.() === 0 ? NOBODY : 0;
    const [command = '', ...args] = namespaceCommand();
    this.#child = spawn(
      command,
      [...args, 'sh', '-c', SETUP, 'sh', folder, library, runner, String(user), preload ? 'yes' : 'no'],
      { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/nonexistent', LC_ALL: 'C', TERM: 'dumb' } },
    );
    this.#child.stderr.on('data', (text) => {
      this.#errors += String(text);
    });
    this.#lines = createInterface({ input: this.#child.stdout });
    this.#end = once(this.#child, 'close').then(() => {});
  }

  /** One at a time. */
  async observe({ variant, command }: Job): Promise<Observation> {
    const answer = once(this.#lines, 'line');
    this.#child.stdin.write(`${[variant, LIMIT_MS, ...command].join('\t')}\n`);
    const [line] = (await Promise.race([answer, this.#end])) ?? [];
    if (line === undefined) throw new Error(`the crowd's runner has ended: ${this.#errors}`);
    return observationSchema.parse(JSON.parse(String(line)));
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#end;
  }
}
