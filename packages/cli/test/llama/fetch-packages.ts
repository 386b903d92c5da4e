import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** llama.cpp as published by node-llama-cpp, built with CUDA 13, or a build of it with CUDA 12. */
export type Build = 'cuda13' | 'cuda12';

const MEGABYTES = { cuda13: 190, cuda12: 130 };
const FETCH_TIMEOUT_MS = 600_000;
const MANIFEST = ['package.json', 'package-lock.json'];

/**
 * The folder where llama.cpp lies, as npm packages in the versions of `packages/` or `packages-cuda12/`. The first call
 * fetches them; their install scripts are not run. Throws when npm cannot fetch them.
 */
export function fetchPackages(build: Build): string {
  const suffix = build === 'cuda13' ? '' : `-${build}`;
  const pinned = join(import.meta.dirname, `packages${suffix}`);
  const folder = join(import.meta.dirname, `../../build/llama-packages${suffix}`);
  if (isCurrent(folder, pinned)) return folder;
  process.stderr.write(`fetching llama.cpp, about ${MEGABYTES[build]} MB\n`);
  // Under another name first: an interrupted fetch must not look like a finished one.
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  for (const file of MANIFEST) copyFileSync(join(pinned, file), join(partial, file));
  const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline'];
  execFileSync('npm', ['install', ...options], { cwd: partial, stdio: 'inherit', timeout: FETCH_TIMEOUT_MS });
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  return folder;
}

function isCurrent(folder: string, pinned: string): boolean {
  const fetched = join(folder, 'package.json');
  return existsSync(fetched) && readFileSync(fetched).equals(readFileSync(join(pinned, 'package.json')));
}
