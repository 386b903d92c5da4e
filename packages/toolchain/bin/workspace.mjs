#!/usr/bin/env node
// @ts-check
// Every root script comes through here: system packages, the key file, then Turbo.
//
//   workspace run TASK [--quiet] [TURBO OPTIONS…]
//   workspace watch TASK
//   workspace vgpu ARGUMENTS…        the CLI from the source tree, built first where needed
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeNativeKey } from '../src/native-key.mjs';
import { root } from '../src/root.mjs';
import { ensureSystemPackages } from '../src/system-packages.mjs';

const [command, ...args] = process.argv.slice(2);

try {
  ensureSystemPackages();
  await writeNativeKey();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

if (command === 'vgpu') {
  runTurbo(['run', 'build', '--filter=@vgpu/cli...'], { quiet: true });
  const cli = join(root, 'packages/cli/dist/vgpu.js');
  // In this process rather than a child, so that signals and the exit code need no passing on.
  process.chdir(process.env.INIT_CWD ?? process.cwd());
  process.argv = [process.execPath, cli, ...args];
  await import(pathToFileURL(cli).href);
} else if (command === 'run' || command === 'watch') {
  const quiet = args.includes('--quiet');
  runTurbo([command, ...args.filter((arg) => arg !== '--quiet')], { quiet });
} else {
  process.stderr.write('usage: workspace run|watch TASK, workspace vgpu ARGUMENTS\n');
  process.exit(2);
}

/**
 * @param {string[]} args
 * @param {{ quiet: boolean }} options quiet: nothing is printed unless it fails
 */
function runTurbo(args, { quiet }) {
  const result = spawnSync(join(root, 'node_modules/.bin/turbo'), args, {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (result.status === 0) return;
  if (quiet) process.stderr.write(`${result.stdout}${result.stderr}`);
  if (result.error) process.stderr.write(`vgpu: cannot run turbo: ${result.error.message}\n`);
  if (quiet) process.stderr.write('vgpu: the build failed (see above)\n');
  process.exit(result.status ?? 1);
}
