// The guest's first file system: a shell to start with, this Node, the packages as they were built, and the writer.
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, posix } from 'node:path';
import { build } from 'tsup';
import { runCommand } from './commands.js';
import { type CpioEntry, cpioArchive } from './cpio.js';
import { PowercutError } from './errors.js';
import type { Kernel } from './kernel.js';
import { buildSabotages } from './sabotage.js';

const guestSources = join(import.meta.dirname, 'guest');
const addonPackage = '@vgpu/mmap-native';

/** Packs the image that the kernel starts from. */
export async function buildGuestImage(path: string, folder: string, kernel: Kernel): Promise<void> {
  await bundleWriter(folder);
  const files = new Map<string, string>([
    ['init', join(guestSources, 'init.sh')],
    ['bin/busybox', kernel.shell],
    ['bin/node', process.execPath],
    ['app/writer.mjs', join(folder, 'writer.mjs')],
    ...buildSabotages(folder, join(guestSources, 'sabotage.c')),
  ]);
  for (const module of kernel.modules) files.set(join('modules', basename(module)), module);
  for (const [target, source] of addonFiles()) files.set(target, source);
  // What the dynamic linker will look for, found where it looks here.
  for (const file of [...files.values()].filter(
    (name) => name === process.execPath || name.endsWith('.node'),
  )) {
    for (const library of sharedLibraries(file)) files.set(library.slice(1), library);
  }
  const order = kernel.modules.map((module) => `${basename(module)}\n`).join('');
  writeArchive(path, files, order);
}

async function bundleWriter(folder: string): Promise<void> {
  await build({
    config: false,
    entry: { writer: join(guestSources, 'writer.ts') },
    format: 'esm',
    target: 'node20',
    outDir: folder,
    outExtension: () => ({ js: '.mjs' }),
    noExternal: ['@vgpu/format', 'zod'],
    // It finds its addon from where it lies itself.
    external: [addonPackage],
    silent: true,
  });
}

/** The package with the addon, as a user has it in node_modules. */
function addonFiles(): [string, string][] {
  const root = dirname(dirname(createRequire(import.meta.url).resolve(addonPackage)));
  const files = ['package.json', 'dist', 'build/native/lib'].flatMap((name) => filesBelow(root, name));
  if (!files.some((name) => name.endsWith('.node'))) {
    throw new PowercutError('ERR_VGPU_POWERCUT_MACHINE', `${addonPackage} has no addon in ${root}`, {
      remedy: 'Run `pnpm build` first.',
    });
  }
  return files.map((name) => [posix.join('app/node_modules', addonPackage, name), join(root, name)]);
}

function filesBelow(root: string, name: string): string[] {
  const path = join(root, name);
  if (!existsSync(path)) return [];
  if (name === 'package.json') return [name];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(js|node)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

function sharedLibraries(file: string): string[] {
  return [...runCommand('ldd', [file]).matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1] ?? '');
}

function writeArchive(path: string, files: Map<string, string>, moduleOrder: string): void {
  const folders = new Set(['proc', 'sys', 'dev', 'tmp', 'etc', 'data', 'modules']);
  for (const target of files.keys()) {
    for (let folder = dirname(target); folder !== '.'; folder = dirname(folder)) folders.add(folder);
  }
  const archive = openSync(path, 'w');
  try {
    for (const bytes of cpioArchive(entries([...folders].sort(), files, moduleOrder))) {
      // With a descriptor this goes on where the last piece ended.
      writeFileSync(archive, bytes);
    }
  } finally {
    closeSync(archive);
  }
}

function* entries(folders: string[], files: Map<string, string>, moduleOrder: string): Generator<CpioEntry> {
  for (const path of folders) yield { path, kind: 'folder', permissions: 0o755 };
  // The kernel opens it for the first process before anything is mounted.
  yield { path: 'dev/console', kind: 'device', permissions: 0o600, device: [5, 1] };
  yield { path: 'modules/order', kind: 'file', permissions: 0o644, data: Buffer.from(moduleOrder) };
  for (const [path, source] of files) {
    yield { path, kind: 'file', permissions: 0o755, data: readFileSync(realpathSync(source)) };
  }
}
