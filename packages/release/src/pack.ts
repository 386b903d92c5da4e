// Makes the archives that are published, in packages/release/build/packages.
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { output } from './commands.js';
import { isNewer, neededGlibc, unversionedSymbols } from './elf.js';
import {
  platformManifest,
  platformReadme,
  publishedManifest,
  repositoryField,
  type Versions,
} from './manifests.js';
import {
  NEWEST_GLIBC,
  NEWEST_GLIBC_OF_GUEST,
  type NativePart,
  nativeParts,
  type Platform,
  sharedFolders,
} from './platforms.js';
import { publishedReadme } from './readme.js';
import { copyStripped } from './strip.js';
import { type Manifest, publicPackages, readManifest, root } from './workspace.js';

export interface Packed {
  readonly manifest: Manifest;
  /** The archive. */
  readonly file: string;
  readonly bytes: number;
  readonly unpackedBytes: number;
  /** What the files in it need: the newest version of glibc. */
  readonly glibc?: string;
}

export interface PackOptions {
  readonly platforms: readonly Platform[];
  /** Takes what `pnpm build` made, which needs the glibc of this machine. */
  readonly development: boolean;
  /** Where the repository is read, like https://github.com/owner/name. */
  readonly repository: string | undefined;
}

const packedFolder = join(root, 'packages/release/build/packages');
const stageFolder = join(root, 'packages/release/build/stage');

/** Platform packages come first: who publishes in this order never publishes a package whose parts are missing. */
export function packAll(options: PackOptions): Packed[] {
  for (const folder of [packedFolder, stageFolder]) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }
  const natives = nativeParts.flatMap((part) =>
    part.platforms
      .filter((platform) => options.platforms.includes(platform))
      .map((platform) => ({ part, platform })),
  );
  const folders = publicPackages();
  const manifests = folders.map((folder) => readManifest(join(root, 'packages', folder)));
  const versions = Object.fromEntries(manifests.map(({ name, version }) => [name, version]));
  const platformsOf = (folder: string) =>
    natives.filter(({ part }) => part.folder === folder).map(({ platform }) => platform);
  const packed = [
    ...natives.map(({ part, platform }) => packNative(part, platform, options)),
    ...folders.map((folder) => packPackage(folder, platformsOf(folder), versions, options.repository)),
  ];
  const order = packed.map(
    ({ manifest, file }) => `${manifest.name}@${manifest.version} ${basename(file)}\n`,
  );
  writeFileSync(join(packedFolder, 'order.txt'), order.join(''));
  return packed;
}

function packPackage(
  folder: string,
  platforms: readonly Platform[],
  versions: Versions,
  repository: string | undefined,
): Packed {
  const stage = join(stageFolder, folder);
  const source = join(root, 'packages', folder);
  const manifest = publishedManifest(readManifest(source), platforms, versions);
  const content = join(stage, 'package');
  for (const name of manifest.files ?? []) {
    cpSync(join(source, name), join(content, name), { recursive: true });
  }
  for (const name of sharedFolders[folder] ?? []) {
    cpSync(join(root, name), join(content, name), { recursive: true });
    manifest.files?.push(name);
  }
  const readme = readFileSync(join(source, 'README.md'), 'utf8');
  const isPacked = (path: string) =>
    path === 'LICENSE' || (!path.startsWith('..') && existsSync(join(content, path)));
  writeFileSync(join(content, 'README.md'), publishedReadme(readme, { folder, repository, isPacked }));
  if (repository !== undefined) manifest.repository = repositoryField(repository, folder);
  return archive(stage, manifest);
}

function packNative(part: NativePart, platform: Platform, { development, repository }: PackOptions): Packed {
  const parent = readManifest(join(root, 'packages', part.folder));
  const stage = join(stageFolder, `${part.folder}-${platform}`);
  const needed: string[] = [];
  for (const file of Object.keys(part.files)) {
    const target = join(stage, 'package', file);
    mkdirSync(dirname(target), { recursive: true });
    copyStripped(builtFile(part, platform, file, development), target, platform);
    const glibc = neededGlibc(target);
    if (glibc) needed.push(glibc);
    if (!development) checkPortable(target, glibc);
  }
  writeFileSync(join(stage, 'package/README.md'), platformReadme(parent, platform));
  const glibc = needed.sort((a, b) => (isNewer(a, b) ? 1 : -1)).at(-1);
  const manifest = platformManifest(parent, part, platform);
  if (repository !== undefined) manifest.repository = repositoryField(repository, part.folder);
  return { ...archive(stage, manifest), ...(glibc ? { glibc } : {}) };
}

/** Where a native file is after `release build`, or after `pnpm build`. */
function builtFile(part: NativePart, platform: Platform, file: string, development: boolean): string {
  const variant = development ? 'native' : platform === 'win32-x64' ? 'native-windows' : `native-${platform}`;
  const path = join(root, 'packages', part.folder, 'build', variant, file);
  if (existsSync(path)) return path;
  const command = development ? 'pnpm build' : `pnpm release:build --platform ${platform}`;
  throw new Error(`${path} is missing: run ${command} first`);
}

function checkPortable(file: string, glibc: string | undefined): void {
  const limit = basename(file) === 'libvgpu_cuda.so' ? NEWEST_GLIBC_OF_GUEST : NEWEST_GLIBC;
  if (glibc && isNewer(glibc, limit))
    throw new Error(`${file} needs glibc ${glibc}; at most ${limit} is allowed`);
  const unversioned = unversionedSymbols(file);
  if (unversioned.length > 0)
    throw new Error(`${file} needs what no library is named for: ${unversioned.join(', ')}`);
}

/** The same bytes for the same content. */
function archive(stage: string, manifest: Manifest): Packed {
  const content = join(stage, 'package');
  writeFileSync(join(content, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  copyFileSync(join(root, 'LICENSE'), join(content, 'LICENSE'));
  const file = join(
    packedFolder,
    `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`,
  );
  const options = ['--sort=name', '--mtime=1985-10-26 08:15Z', '--owner=0', '--group=0', '--numeric-owner'];
  output('tar', [...options, '-C', stage, '-I', 'gzip -9n', '-cf', file, 'package']);
  const unpackedBytes = Number(output('du', ['--bytes', '--summarize', content]).split('\t', 1));
  return { manifest, file, bytes: statSync(file).size, unpackedBytes };
}
