// @ts-check
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * What the native build needs, and the Debian package that brings it. This runs before every build, so the
 * check must cost nothing: commands are looked up, not run, and all headers take one preprocessor call.
 */
const COMMANDS = [
  { anyOf: [process.env.CC ?? 'cc'], package: 'build-essential' },
  { anyOf: [process.env.CXX ?? 'c++'], package: 'build-essential' },
  { anyOf: ['cmake'], package: 'cmake' },
  { anyOf: ['ninja', 'make'], package: 'ninja-build' },
  { anyOf: ['pkg-config', 'pkgconf'], package: 'pkg-config' },
];

const HEADERS = [
  { file: 'zstd.h', package: 'libzstd-dev' },
  { file: 'lz4.h', package: 'liblz4-dev' },
  { file: 'doctest/doctest.h', package: 'doctest-dev' },
  // Assembles x86-64 code and exists for these processors alone.
  ...(process.arch === 'x64' ? [{ file: 'xbyak/xbyak.h', package: 'libxbyak-dev' }] : []),
];

/** Commands that only some tasks need, for `requireCommands`. */
const EXTRA_COMMANDS = new Map([
  ['clang-format', 'clang-format'],
  ['clang-tidy', 'clang-tidy'],
  ['valgrind', 'valgrind'],
  // For programs with another C library.
  ['musl-gcc', 'musl-tools'],
  // For what is published.
  ['x86_64-linux-gnu-g++', 'build-essential'],
  ['aarch64-linux-gnu-g++', 'g++-aarch64-linux-gnu'],
  ['qemu-aarch64-static', 'qemu-user-static'],
  // For Windows programs: the compiler brings dlltool.
  ['x86_64-w64-mingw32-g++-posix', 'g++-mingw-w64-x86-64-posix'],
  ['x86_64-w64-mingw32-dlltool', 'g++-mingw-w64-x86-64-posix'],
  ['wine', 'wine'],
  // For tests of completions.
  ['zsh', 'zsh'],
  ['fish', 'fish'],
  // For tests of programs that use CUDA.
  ['ffmpeg', 'ffmpeg'],
  ['hashcat', 'hashcat'],
  // For tests of pages.
  ['chromium', 'chromium'],
  // For a machine whose power can be cut.
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['mmdebstrap', 'mmdebstrap'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['mkfs.xfs', 'xfsprogs'],
]);

// The oldest CMake whose ctest writes JUnit files.
const OLDEST_CMAKE = [3, 21];

export class MissingSystemPackagesError extends Error {
  /** Building lacks programs or headers. @remedy Paste the line that the message ends with. */
  code = 'ERR_VGPU_MISSING_SYSTEM_PACKAGES';

  /** @param {string} remedy */
  constructor(remedy) {
    super(remedy);
    this.name = 'MissingSystemPackagesError';
  }
}

/** @param {string} name */
export function findCommand(name) {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Installs what the build needs and the machine lacks, or throws with the one line that would. */
export function ensureSystemPackages() {
  const missing = missingCommands();
  // Without a compiler nothing is known about headers; name them all rather than fail a second time.
  missing.push(...(findCommand(compiler()) ? missingHeaders() : HEADERS.map((header) => header.package)));
  if (missing.length === 0) {
    requireRecentCMake();
    return;
  }
  install(missing);
  const still = [...missingCommands(), ...missingHeaders()];
  if (still.length > 0) {
    throw new MissingSystemPackagesError(
      `vgpu: still not usable after installing: ${unique(still).join(', ')} (is CC, CXX or PATH set?)`,
    );
  }
  requireRecentCMake();
}

/** @param {string[]} names keys of EXTRA_COMMANDS */
export function requireCommands(names) {
  const missing = names.filter((name) => !findCommand(name));
  if (missing.length > 0) install(missing.map((name) => EXTRA_COMMANDS.get(name) ?? name));
}

function compiler() {
  return process.env.CXX ?? 'c++';
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function missingCommands() {
  return COMMANDS.filter(({ anyOf }) => !anyOf.some(findCommand)).map((command) => command.package);
}

function missingHeaders() {
  const source = HEADERS.map(
    ({ file }, index) => `#if !__has_include(<${file}>)\nmissing_${index}\n#endif\n`,
  );
  const result = spawnSync(compiler(), ['-E', '-P', '-x', 'c++', '-'], {
    input: source.join(''),
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    throw new Error(`vgpu: the C++ compiler ${compiler()} does not work: ${result.error ?? result.stderr}`);
  }
  return HEADERS.filter((_, index) => result.stdout.includes(`missing_${index}`)).map(
    (header) => header.package,
  );
}

function requireRecentCMake() {
  const output = spawnSync('cmake', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  const version = /(\d+)\.(\d+)\.\d+/.exec(output);
  const [major, minor] = [Number(version?.[1]), Number(version?.[2])];
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_CMAKE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new MissingSystemPackagesError(
    `vgpu: CMake ${OLDEST_CMAKE.join('.')} or newer is needed, found ${version?.[0] ?? 'none'}; paste: pipx install cmake`,
  );
}

/** @param {string[]} packages */
function install(packages) {
  const names = unique(packages);
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', ...names];
  const paste = `sudo apt-get update && sudo ${command.join(' ')}`;
  if (!findCommand('apt-get')) {
    throw new MissingSystemPackagesError(
      `vgpu: install what these Debian packages contain, then try again: ${names.join(' ')}`,
    );
  }
  const prefix = privilege();
  if (!prefix) throw new MissingSystemPackagesError(`vgpu: system packages are missing; paste: ${paste}`);

  process.stderr.write(`vgpu: installing system packages: ${names.join(' ')}\n`);
  // A machine that was just created has no package lists, one that was not may have stale ones.
  runQuietly([...prefix, 'apt-get', 'update']);
  const failure = runQuietly([...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command]);
  if (failure) {
    process.stderr.write(failure);
    throw new MissingSystemPackagesError(`vgpu: apt-get failed (see above); paste: ${paste}`);
  }
}

/** The words that make a command run as root without a question, or undefined. */
function privilege() {
  if (process.getuid?.() === 0) return [];
  if (findCommand('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0) {
    return ['sudo', '-n'];
  }
  return undefined;
}

/**
 * @param {string[]} words
 * @returns {string | undefined} the output of a command that failed
 */
function runQuietly([command = '', ...args]) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return undefined;
  return `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`;
}

/** @param {string[]} list */
function unique(list) {
  return [...new Set(list)];
}
