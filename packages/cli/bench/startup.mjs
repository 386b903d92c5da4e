// What vgpu adds to the start of a program before anything is done: `vgpu --version` beside a Node that does
// nothing. Run after a build.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const ROUNDS = 31;

const cli = join(import.meta.dirname, '../dist/vgpu.js');
const bare = [];
const vgpu = [];
// Alternating, so that a busy machine slows both.
for (let round = 0; round < ROUNDS; round++) {
  bare.push(time(['-e', '0']));
  vgpu.push(time([cli, '--version']));
}
const [low, high] = [median(bare), median(vgpu)];
console.log(
  `node ${low.toFixed(0)} ms, vgpu --version ${high.toFixed(0)} ms: ${(high - low).toFixed(0)} ms more`,
);

function time(args) {
  const start = process.hrtime.bigint();
  const { status } = spawnSync(process.execPath, args);
  if (status !== 0) throw new Error(`node ${args.join(' ')} failed`);
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
