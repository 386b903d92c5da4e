// @ts-check
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './root.mjs';

// What is over sooner needs no explanation.
const SILENT_MS = 1000;
const REDRAW_MS = 250;

/**
 * Runs turbo with its output for all to see.
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
export function runTurbo(args) {
  return exitCode(startTurbo(args, 'inherit'));
}

/**
 * Runs turbo and shows its output only if it fails. At a terminal, one line says what goes on meanwhile.
 * @param {string[]} args
 * @returns {Promise<number>} its exit code
 */
export async function runTurboQuietly(args) {
  const turbo = startTurbo(args, 'pipe');
  const start = performance.now();
  let output = '';
  turbo.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  turbo.stderr?.on('data', (chunk) => {
    output += chunk;
  });

  let drawn = false;
  const timer = setInterval(() => {
    const elapsed = performance.now() - start;
    if (!process.stderr.isTTY || elapsed < SILENT_MS) return;
    const line = `building, ${Math.round(elapsed / 1000)} s: ${lastLine(output)}`;
    process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    drawn = true;
  }, REDRAW_MS);
  const code = await exitCode(turbo);
  clearInterval(timer);
  if (drawn) process.stderr.write('\r\x1b[K');

  if (code !== 0) process.stderr.write(`${output}vgpu: the build failed (see above)\n`);
  return code;
}

/**
 * @param {string[]} args
 * @param {'inherit' | 'pipe'} output
 */
function startTurbo(args, output) {
  return spawn(join(root, 'node_modules/.bin/turbo'), args, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    stdio: output === 'inherit' ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
function exitCode(child) {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`vgpu: cannot run turbo: ${error.message}\n`);
      resolve(1);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** @param {string} output */
function lastLine(output) {
  // Colours would be cut in the middle, and the line is drawn over anyway.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  const plain = output.slice(-2000).replaceAll(/\x1b\[[\d;]*m/g, '');
  return plain.trimEnd().split('\n').at(-1) ?? '';
}
