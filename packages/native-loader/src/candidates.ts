// The places where a native file may be, in the order in which they are tried.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativePart } from './native-part.js';

export interface Candidate {
  readonly path: string;
  /** Said of the file when it would not do. */
  readonly label: string;
  /** Set where there is no use in trying the file. */
  readonly obstacle?: Obstacle;
}

export type Obstacle =
  | { readonly kind: 'not-installed'; readonly why: string; readonly cause: unknown }
  | { readonly kind: 'wrong-version'; readonly why: string };

/** What the package's own manifest says about its platform packages. A checkout of the sources has none. */
export interface Prebuilt {
  /** The exact version of each platform package, by its name. */
  readonly versions: Readonly<Record<string, string>>;
  /** linux-x64 … */
  readonly platforms: readonly string[];
}

export function prebuilt(part: NativePart): Prebuilt {
  const { optionalDependencies = {} } = manifest(part.from, '../package.json') as {
    optionalDependencies?: Record<string, string>;
  };
  const prefix = `${part.package}-`;
  const versions = Object.fromEntries(
    Object.entries(optionalDependencies).filter(([name]) => name.startsWith(prefix)),
  );
  return { versions, platforms: Object.keys(versions).map((name) => name.slice(prefix.length)) };
}

/** The file that the user names, or else those of the platform's package and of a build. */
export function candidates(part: NativePart, platform: string): Candidate[] {
  const configured = part.variable && process.env[part.variable];
  if (configured) return [{ path: configured, label: `${part.variable}=${configured}` }];
  const built = fileURLToPath(new URL(`../build/native/${part.file}`, part.from));
  const fromBuild = { path: built, label: built };
  const name = `${part.package}-${platform}`;
  const wanted = prebuilt(part).versions[name];
  return wanted === undefined ? [fromBuild] : [fromPackage(part, name, wanted), fromBuild];
}

function fromPackage(part: NativePart, name: string, wanted: string): Candidate {
  const label = `${name}@${wanted}`;
  let path: string;
  try {
    path = createRequire(part.from).resolve(`${name}/package.json`);
  } catch (cause) {
    return { path: name, label, obstacle: { kind: 'not-installed', why: 'not installed', cause } };
  }
  const { version } = manifest(part.from, path) as { version?: string };
  const file = join(dirname(path), part.file);
  if (version === wanted) return { path: file, label: `${label}: ${file}` };
  return {
    path: file,
    label,
    obstacle: { kind: 'wrong-version', why: `version ${version} is installed instead` },
  };
}

/** Which other platforms' packages are installed: those of the machine that node_modules was copied from. */
export function installedElsewhere(part: NativePart, platform: string): string[] {
  const { platforms } = prebuilt(part);
  const require = createRequire(part.from);
  return platforms.filter((other) => other !== platform && resolves(require, `${part.package}-${other}`));
}

function resolves(require: NodeJS.Require, name: string): boolean {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

function manifest(from: string, path: string): unknown {
  return createRequire(from)(path);
}
