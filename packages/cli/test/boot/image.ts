// The system that boots, made once by mmdebstrap and kept in build/boot.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';

const SUITE = 'bookworm';
const MIRROR = 'http://deb.debian.org/debian';
const PACKAGES = [
  ...[
    'systemd',
    'systemd-sysv',
    'dbus',
    'udev',
    'openssh-server',
    'openssh-client',
    'sudo',
    'cron',
    'login',
    'passwd',
  ],
  ...['iproute2', 'procps', 'libstdc++6', 'libzstd1', 'liblz4-1'],
  ...['linux-image-cloud-amd64', 'initramfs-tools', 'zstd'],
];
const LEFT_OUT = ['/usr/share/doc/*', '/usr/share/man/*', '/usr/share/locale/*'];
const IMAGE_BYTES = 2 ** 31;
/** A mirror that says nothing would be waited for without end. */
const BOOTSTRAP_LIMIT_SECONDS = 1_200;
const folder = join(import.meta.dirname, '../../build/boot');
const guest = join(import.meta.dirname, 'guest');

export interface Image {
  readonly disk: string;
  readonly kernel: string;
  /** The files of the disk, as a folder. */
  readonly tree: string;
}

const REPORT_UNIT = `[Unit]
DefaultDependencies=no
After=multi-user.target getty.target
[Service]
Type=oneshot
ExecStart=/boot-test/report.sh
TimeoutStartSec=infinity
`;

class BootTestError extends Error {
  override readonly name = 'BootTestError';
  /** There is no machine to boot. @remedy As root that may mount, on Debian for x86-64 that reaches a mirror. */
  readonly code = 'ERR_VGPU_BOOT_TEST';
}

/** Makes it if it is not there, or was made of other parts. */
export function prepareImage(): Image {
  if (process.getuid?.() !== 0)
    throw new BootTestError('only root can make the system that boots: sudo pnpm test:boot');
  if (process.arch !== 'x64') throw new BootTestError(`x86-64 boots, this is ${process.arch}`);
  if (spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'vgpu-boot', '/mnt']).status !== 0)
    throw new BootTestError('nothing may be mounted here, as in a container without CAP_SYS_ADMIN');
  requireCommands(['mmdebstrap', 'qemu-system-x86_64', 'mkfs.ext4']);
  const tree = join(folder, `tree-${digest(SUITE, ...PACKAGES, ...LEFT_OUT).slice(0, 8)}`);
  const sources = [import.meta.filename, join(guest, 'init.sh'), join(guest, 'report.sh')];
  const key = digest(tree, ...sources.map((path) => readFileSync(path, 'utf8')));
  const keyFile = join(folder, 'key');
  if (!existsSync(keyFile) || readFileSync(keyFile, 'utf8') !== key) {
    rmSync(keyFile, { force: true });
    if (!existsSync(tree)) bootstrap(tree);
    furnish(tree);
    makeDisk(tree);
    writeFileSync(keyFile, key);
  }
  return {
    tree,
    disk: join(folder, 'disk'),
    kernel: fileIn(join(tree, 'boot'), 'vmlinuz-'),
  };
}

function bootstrap(tree: string): void {
  process.stderr.write('making the image: a few minutes\n');
  const partial = `${tree}.partial`;
  mkdirSync(folder, { recursive: true });
  rmSync(partial, { recursive: true, force: true });
  const words = [
    '--variant=essential',
    `--include=${PACKAGES.join(',')}`,
    ...LEFT_OUT.map((path) => `--dpkgopt=path-exclude=${path}`),
    '--dpkgopt=force-unsafe-io',
    // A mirror that fails once is no reason to make no system.
    '--aptopt=Acquire::Retries "5"',
    '--quiet',
    SUITE,
    partial,
    MIRROR,
  ];
  try {
    run('timeout', String(BOOTSTRAP_LIMIT_SECONDS), 'mmdebstrap', ...words);
  } catch (cause) {
    rmSync(partial, { recursive: true, force: true });
    throw new BootTestError(`mmdebstrap has made no system (see above) of ${MIRROR}`, { cause });
  }
  renameSync(partial, tree);
}

/** An account that may log in and use sudo, and what runs first and last. May be done again. */
function furnish(tree: string): void {
  const at = (...names: string[]) => join(tree, ...names);
  mkdirSync(at('boot-test'), { recursive: true });
  for (const name of ['init.sh', 'report.sh']) {
    copyFileSync(join(guest, name), at('boot-test', name));
    chmodSync(at('boot-test', name), 0o755);
  }
  const inside = (...words: string[]) => run('chroot', tree, ...words);
  if (!readFileSync(at('etc/passwd'), 'utf8').includes('tester:')) {
    inside('useradd', '--create-home', '--shell', '/bin/sh', 'tester');
    inside('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', '/boot-test/key');
    inside('install', '-d', '-m', '700', '-o', 'tester', '/home/tester/.ssh');
    inside('install', '-m', '600', '-o', 'tester', '/boot-test/key.pub', '/home/tester/.ssh/authorized_keys');
    writeFileSync(at('etc/sudoers.d/tester'), 'tester ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 });
    writeFileSync(at('etc/hostname'), 'boot-test\n');
    appendFileSync(at('etc/hosts'), '127.0.0.1 localhost boot-test\n');
  }
  writeFileSync(at('etc/fstab'), '/dev/nvme0n1 / ext4 defaults 0 0\n');
  writeFileSync(at('etc/systemd/system/boot-test-report.service'), REPORT_UNIT);
  const wants = at('etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  rmSync(join(wants, 'boot-test-report.service'), { force: true });
  symlinkSync('../boot-test-report.service', join(wants, 'boot-test-report.service'));
}

function makeDisk(tree: string): void {
  const disk = join(folder, 'disk');
  rmSync(disk, { force: true });
  run('truncate', '--size', String(IMAGE_BYTES), disk);
  run('mkfs.ext4', '-q', '-F', '-d', tree, disk);
}

function digest(...parts: string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

function fileIn(directory: string, prefix: string): string {
  const name = readdirSync(directory).find((candidate) => candidate.startsWith(prefix));
  if (name === undefined) throw new Error(`${directory} has no ${prefix}*`);
  return join(directory, name);
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });
}
