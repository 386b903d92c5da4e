import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The workspace's root folder. */
export const root = join(import.meta.dirname, '../../..');

/** What npm and we read of a package.json. */
export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  description?: string;
  files?: string[];
  bin?: Record<string, string>;
  exports?: unknown;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  engines?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
  [field: string]: unknown;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** Folders in `packages/` that are published. */
export function publicPackages(): string[] {
  return readdirSync(join(root, 'packages'))
    .filter((folder) => readManifest(join(root, 'packages', folder)).private !== true)
    .sort();
}
