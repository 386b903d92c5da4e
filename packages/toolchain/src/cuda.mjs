// @ts-check
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { findCommand } from './system-packages.mjs';

/** Where nvcc is, or undefined: everything that needs it is optional. */
export function findNvcc() {
  return findCommand('nvcc') ?? findCommand('/usr/local/cuda/bin/nvcc');
}

/**
 * The PTX that nvcc makes of a CUDA source, as the repository keeps it: under a line that says where it is from.
 *
 * @param {string} nvcc
 * @param {string} source
 */
export function makePtx(nvcc, source) {
  const version = spawnSync(nvcc, ['--version'], { encoding: 'utf8' }).stdout;
  const release = /release ([\d.]+)/.exec(version ?? '')?.[1];
  const result = spawnSync(nvcc, ['-ptx', '-arch=compute_75', '-o', '-', source], {
    encoding: 'utf8',
  });
  // The compiler's own header names its build, which may change while the code does not.
  const code = /^\.version[\s\S]*/m.exec(result.stdout ?? '')?.[0];
  if (!release || result.status !== 0 || !code) {
    throw new Error(`${nvcc} makes no PTX of ${source}: ${result.error ?? result.stderr}`);
  }
  return `// Made from ${basename(source)} by nvcc ${release} -ptx -arch=compute_75.\n${withoutPath(code)}`;
}

/**
 * Names of what only the file sees contain a hash of its path, which differs between checkouts, and behind the file's name
 * another one, or the name of its first kernel.
 *
 * @param {string} code
 */
function withoutPath(code) {
  const hashes = [...code.matchAll(/_INTERNAL_([0-9a-f]{8})_\w+?_cu_([0-9a-f]{8})?/g)].flatMap(
    ([, ...both]) => both.filter((hash) => hash !== undefined),
  );
  return [...new Set(hashes)].reduce((text, hash) => text.replaceAll(hash, '0'.repeat(8)), code);
}

/**
 * Why a PTX file of the repository cannot be compared with what this nvcc makes, or undefined.
 *
 * @param {string} made @param {string} kept
 */
export function incomparable(made, kept) {
  const [madeBy, keptBy] = [made, kept].map((text) => /by nvcc ([\d.]+)/.exec(text)?.[1]);
  return madeBy === keptBy ? undefined : `this is nvcc ${madeBy}, the file is from nvcc ${keptBy}`;
}
