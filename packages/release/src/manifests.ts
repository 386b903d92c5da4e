// The manifests of what is published.
import { type NativePart, type Platform, platforms } from './platforms.js';
import type { Manifest } from './workspace.js';

/** The version of each package of the workspace, by its name. */
export type Versions = Readonly<Record<string, string>>;

/** That of the repository, for people who only use the package. */
export function publishedManifest(
  manifest: Manifest,
  packed: readonly Platform[],
  versions: Versions,
): Manifest {
  const { devDependencies: _, scripts: __, binary: ___, ...rest } = manifest;
  const result: Manifest = { ...rest };
  if (rest.dependencies) result.dependencies = withVersions(rest.dependencies, versions);
  if (rest.peerDependencies) result.peerDependencies = withVersions(rest.peerDependencies, versions);
  if (packed.length > 0) {
    // Exactly: loader and native part know nothing of other versions of each other.
    result.optionalDependencies = Object.fromEntries(
      packed.map((platform) => [`${manifest.name}-${platform}`, manifest.version]),
    );
  }
  return result;
}

/** As pnpm reads it: `workspace:*` is exactly the version beside, `workspace:^` what is compatible, and others are ranges. */
function withVersions(ranges: Readonly<Record<string, string>>, versions: Versions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ranges).map(([name, range]) => {
      if (!range.startsWith('workspace:')) return [name, range];
      const wanted = range.slice('workspace:'.length);
      if (!/^[*^~]$/.test(wanted)) return [name, wanted];
      const version = versions[name];
      if (version === undefined) throw new Error(`${name} is not published, and is a dependency`);
      return [name, wanted === '*' ? version : `${wanted}${version}`];
    }),
  );
}

export function platformManifest(parent: Manifest, part: NativePart, platform: Platform): Manifest {
  const { os, cpu, libc } = platforms[platform];
  return {
    name: `${parent.name}-${platform}`,
    version: parent.version,
    description: `The native part of ${parent.name} for ${platform}`,
    license: parent.license,
    type: 'commonjs',
    exports: {
      './package.json': './package.json',
      ...Object.fromEntries(Object.keys(part.files).map((file) => [`./${file}`, `./${file}`])),
    },
    files: Object.keys(part.files),
    engines: parent.engines ?? {},
    os: [os],
    cpu: [cpu],
    ...(libc ? { libc: [libc] } : {}),
    // A library in an archive cannot be loaded.
    preferUnplugged: true,
    publishConfig: { access: 'public' },
  };
}

/** What npm compares with the place that a package was made at, for its statement of provenance. */
export function repositoryField(repository: string, folder: string): Record<string, string> {
  return { type: 'git', url: `git+${repository}.git`, directory: `packages/${folder}` };
}

export function platformReadme(parent: Manifest, platform: Platform): string {
  return `# ${parent.name}-${platform}\n\nThe native part of ${parent.name} for ${platform}. Install ${parent.name}, which brings it along.\n`;
}
