// What must be so before anything is changed.
import { existsSync, lstatSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Check, guarded, ok, problem, skipped, warning } from '../doctor/check.js';
import { formatBytes } from '../output/bytes.js';
import { isElf } from '../doctor/elf.js';
import { LIBRARIES, LIBRARY, PRELOAD_FILE, STATE, UNITS } from './layout.js';
import { type Capabilities, capabilitiesOf, checkLibrary } from './library-file.js';
import { preloadEntries } from './preload-list.js';
import type { SystemRoot } from './root.js';
import type { Scope } from './scope-names.js';

const SPACE_BYTES = 100 * 2 ** 20;
const LIBRARY_FOLDERS = [
  ...['x86_64', 'aarch64'].flatMap((cpu) => [`/lib/${cpu}-linux-gnu`, `/usr/lib/${cpu}-linux-gnu`]),
  ...['/lib64', '/usr/lib64', '/lib', '/usr/lib'],
];
/** The loaders of programs into which a 64-bit library cannot be loaded. */
const LOADERS_32 = ['/lib/ld-linux.so.2', '/lib/ld-linux-armhf.so.3', '/libx32/ld-linux-x32.so.2'];

/** What else is written to, or in, where it is there. */
const PERHAPS = [
  ...['/etc/vgpu', '/etc/vgpu/shim.conf', '/etc/cdi', '/etc/cdi/vgpu.json', '/etc/ld.so.conf.d'],
  `${UNITS}/sysinit.target.wants`,
];

export interface PreflightOptions {
  readonly scope: Scope;
  readonly library: string;
  readonly overRealDriver: boolean;
}

export async function preflight(root: SystemRoot, options: PreflightOptions): Promise<Check[]> {
  const system = systemOf(root);
  const checks = [
    await guarded('root', () => checkUser()),
    await guarded('folders', () => checkFolders(root)),
    await guarded('space', () => checkSpace(root)),
    checkGlibc(system),
    ...(system ? checkLibrary(options.library, readFileSync(options.library), system) : []),
    await guarded('real-driver', () => checkRealDriver(root, options)),
  ];
  if (options.scope !== 'system') return checks;
  return [
    ...checks,
    await guarded('preload-file', () => checkPreloadFile(root)),
    await guarded('32-bit', () => check32Bit(root)),
  ];
}

function checkUser(): Check {
  if (process.geteuid?.() === 0) return ok('root', 'runs as root');
  return problem('root', 'does not run as root', 'use sudo');
}

/** An absolute symbolic link in a system mounted elsewhere would lead out of it. */
function checkFolders(root: SystemRoot): Check {
  const folders = ['/etc', dirname(LIBRARIES), dirname(STATE)];
  const perhaps = [LIBRARIES, STATE, UNITS, ...PERHAPS].filter((path) => existsSync(root.at(path)));
  const outside = [...folders, ...perhaps].filter((folder) => {
    const real = realpathSync(root.at(folder));
    return !root.isRunning && !real.startsWith(`${root.path}/`);
  });
  if (outside.length === 0) return ok('folders', `${folders.join(', ')} are there`);
  return problem(
    'folders',
    `${outside.join(', ')} lead out of ${root.path}`,
    'chroot into it, and install there',
  );
}

function checkSpace(root: SystemRoot): Check {
  const free = [dirname(LIBRARIES), dirname(STATE), '/etc'].map((folder) => {
    const { bavail, bsize } = statfsSync(root.at(folder));
    return { folder, bytes: bavail * bsize };
  });
  const short = free.find(({ bytes }) => bytes < SPACE_BYTES);
  if (!short) return ok('space', `${formatBytes(Math.min(...free.map(({ bytes }) => bytes)))} free`);
  const what = `${formatBytes(short.bytes)} free in ${short.folder}`;
  return problem(
    'space',
    what,
    `${formatBytes(SPACE_BYTES)} are needed, so that a full disk is not met halfway`,
  );
}

/** By the libc that is installed there; undefined where there is no glibc. */
export function systemOf(root: SystemRoot): Capabilities | undefined {
  for (const folder of LIBRARY_FOLDERS) {
    const path = root.at(join(folder, 'libc.so.6'));
    if (!existsSync(path)) continue;
    const system = capabilitiesOf(path, readFileSync(path));
    if (system) return system;
  }
  return undefined;
}

function checkGlibc(system: Capabilities | undefined): Check {
  if (!system) {
    return problem(
      'glibc',
      'there is no 64-bit glibc',
      'musl and 32-bit systems read no /etc/ld.so.preload of ours',
    );
  }
  return ok('glibc', `glibc 2.${system.glibc}`);
}

function checkRealDriver(root: SystemRoot, { scope, overRealDriver }: PreflightOptions): Check {
  const id = 'real-driver';
  if (scope === 'service' || scope === 'container')
    return skipped(id, `nothing else is affected by scope ${scope}`);
  const ours = root.at(LIBRARIES);
  const found = [
    ...LIBRARY_FOLDERS.map((folder) => join(folder, 'libcuda.so.1')).filter((path) => {
      const outside = root.at(path);
      return existsSync(outside) && !realpathSync(outside).startsWith(`${ours}/`);
    }),
    ...['/proc/driver/nvidia/version'].filter((path) => root.isRunning && existsSync(path)),
  ];
  if (found.length === 0) return ok(id, 'no NVIDIA driver is installed');
  const evidence = `an NVIDIA driver is installed (${found[0]}), which programs would use only where no executor answers`;
  if (overRealDriver) return warning(id, evidence, 'vgpu shim uninstall lets programs use it at once again');
  return problem(id, evidence, 'use `vgpu run` for the programs that are meant, or say --over-real-driver');
}

/** What is in it already must be sound: its owner would blame our change. */
function checkPreloadFile(root: SystemRoot): Check {
  const id = 'preload-file';
  const status = lstatSync(root.at(PRELOAD_FILE), { throwIfNoEntry: false });
  if (!status) return ok(id, `there is no ${PRELOAD_FILE} yet`);
  if (!status.isFile()) {
    return problem(
      id,
      `${PRELOAD_FILE} is not a plain file`,
      'look who manages it, and add the library there',
    );
  }
  const others = preloadEntries(readFileSync(root.at(PRELOAD_FILE), 'utf8')).filter(
    (entry) => entry !== LIBRARY,
  );
  const broken = others.filter((entry) => isBroken(root, entry));
  if (broken.length > 0) {
    return problem(
      id,
      `${PRELOAD_FILE} names what cannot be loaded: ${broken.join(', ')}`,
      'mend or remove that entry first; every program complains about it',
    );
  }
  return ok(id, others.length === 0 ? `${PRELOAD_FILE} is empty` : `keeps ${others.join(', ')}`);
}

function isBroken(root: SystemRoot, entry: string): boolean {
  // $LIB and names without a slash mean something else in each process.
  if (!entry.startsWith('/') || entry.includes('$')) return false;
  const path = root.at(entry);
  return !existsSync(path) || !isElf(readFileSync(path));
}

function check32Bit(root: SystemRoot): Check {
  const loader = LOADERS_32.find((path) => existsSync(root.at(path)));
  if (!loader) return ok('32-bit', 'there are no 32-bit programs');
  return problem(
    '32-bit',
    `there is a loader for 32-bit programs (${loader}); each of them would print a warning`,
    'use --scope service or --scope program',
  );
}
