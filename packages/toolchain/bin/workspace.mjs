#!/usr/bin/env node
// @ts-check
// Every root script comes through here: system packages, the key file, then Turbo.
//
//   workspace run TASK [--quiet] [TURBO OPTIONS…]
//   workspace watch TASK
//   workspace bench [--json [--only NAME]… [-o FILE]]
//                                    all benchmarks; as JSON: what they measured, and on which machine
//   workspace vgpu ARGUMENTS…        the CLI from the source tree, built first where needed
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeNativeKey } from '../src/native-key.mjs';
import { root } from '../src/root.mjs';
import { ensureSystemPackages } from '../src/system-packages.mjs';
import { runTurbo, runTurboQuietly } from '../src/turbo.mjs';

const [command, ...args] = process.argv.slice(2);

try {
  ensureSystemPackages();
  await writeNativeKey();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}

if (command === 'vgpu') {
  const code = await runTurboQuietly(['run', 'build', '--filter=@vgpu/cli...']);
  if (code !== 0) process.exit(code);
  const cli = join(root, 'packages/cli/dist/vgpu.js');
  // In this process rather than a child, so that signals and the exit code need no passing on.
  process.chdir(process.env.INIT_CWD ?? process.cwd());
  process.argv = [process.execPath, cli, ...args];
  await import(pathToFileURL(cli).href);
} else if (command === 'bench' && args.includes('--json')) {
  const code = await runTurboQuietly(['run', 'build']);
  const collector = join(root, 'packages/benchmarks');
  const program = join(collector, 'node_modules/.bin/tsx');
  const words = [join(collector, 'src/main.ts'), ...args];
  process.exitCode = code === 0 ? (spawnSync(program, words, { stdio: 'inherit' }).status ?? 1) : code;
} else if (command === 'bench') {
  // One that misses its goal does not keep the others from being measured.
  const each = ['--concurrency=1', '--continue=dependencies-successful'];
  process.exitCode = await runTurbo(['run', 'bench', ...each, ...args]);
} else if (command === 'run' || command === 'watch') {
  const turboArgs = [command, ...args.filter((arg) => arg !== '--quiet')];
  process.exitCode = await (args.includes('--quiet') ? runTurboQuietly : runTurbo)(turboArgs);
} else {
  process.stderr.write('usage: workspace run|watch TASK, workspace bench, workspace vgpu ARGUMENTS\n');
  process.exitCode = 2;
}
