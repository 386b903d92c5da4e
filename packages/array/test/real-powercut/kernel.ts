// The guest's kernel and its shell: Debian packages, unpacked beside the build and not installed.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCommand } from './commands.js';
import { PowercutError } from './errors.js';

const kernelPackage = 'linux-image-cloud-amd64';
const shellPackage = 'busybox-static';

export interface Kernel {
  /** As in `uname -r`. */
  readonly release: string;
  readonly image: string;
  readonly shell: string;
  /** The modules to load, each after those that it needs. */
  readonly modules: readonly string[];
}

/** The kernel in `folder`, downloaded if it is not there, with `modules` and what they depend on. */
export function prepareKernel(folder: string, modules: readonly string[]): Kernel {
  if (!existsSync(folder)) download(folder);
  const image = readdirSync(join(folder, 'boot')).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw unusable('the package has no kernel', { folder });
  const release = image.slice('vmlinuz-'.length);
  return {
    release,
    image: join(folder, 'boot', image),
    shell: join(folder, 'bin/busybox'),
    modules: withDependencies(join(folder, 'lib/modules', release), modules),
  };
}

function download(folder: string): void {
  if (process.arch !== 'x64') {
    throw unusable('the guest is an x86-64 machine that runs this Node', { arch: process.arch });
  }
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  runCommand('apt-get', ['download', newestKernelPackage(), shellPackage], partial);
  for (const name of readdirSync(partial)) {
    runCommand('dpkg-deb', ['--extract', name, '.'], partial);
    rmSync(join(partial, name));
  }
  renameSync(partial, folder);
}

/** The package that the one without a version stands for. */
function newestKernelPackage(): string {
  const find = () =>
    /Depends: (linux-image-\S+)/.exec(runCommand('apt-cache', ['depends', kernelPackage]))?.[1];
  let name: string | undefined;
  try {
    name = find();
  } catch (error) {
    // A machine that was just created has no package lists.
    if (!(error instanceof PowercutError)) throw error;
  }
  if (name === undefined) {
    runCommand('apt-get', ['update']);
    name = find();
  }
  if (name === undefined) throw unusable('the package depends on no kernel', { package: kernelPackage });
  return name;
}

function withDependencies(folder: string, wanted: readonly string[]): string[] {
  const builtIn = new Set(
    readFileSync(join(folder, 'modules.builtin'), 'utf8')
      .split('\n')
      .map((path) => basename(path, '.ko')),
  );
  const paths = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ko'))
      .map((path) => [moduleName(path), join(folder, path)]),
  );
  const ordered = new Set<string>();
  const add = (name: string) => {
    if (builtIn.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw unusable('the kernel lacks a module', { module: name, folder });
    for (const needed of dependenciesOf(path)) add(needed);
    ordered.add(path);
  };
  for (const name of wanted) add(name);
  return [...ordered];
}

/** A module names what it needs in its section .modinfo. */
function dependenciesOf(path: string): string[] {
  const names = /\0depends=([^\0]*)\0/.exec(readFileSync(path, 'latin1'))?.[1];
  if (names === undefined) throw unusable('a module does not say what it depends on', { module: path });
  return names.split(',').filter((name) => name !== '');
}

/** Names use underscores, files may have hyphens. */
function moduleName(path: string): string {
  return basename(path, '.ko').replaceAll('-', '_');
}

function unusable(message: string, values: Record<string, string>): PowercutError {
  const found = Object.entries(values).map(([name, value]) => `${name} ${value}`);
  return new PowercutError('ERR_VGPU_POWERCUT_KERNEL', `${message} (${found.join(', ')})`, {
    values,
    remedy: `Run this on a Debian system for x86-64 whose ${kernelPackage} has uncompressed modules.`,
  });
}
