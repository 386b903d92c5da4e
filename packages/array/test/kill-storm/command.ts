// pnpm --filter @vgpu/array kill-storm -- [--kills 1000] [--seed N]
import { parseArgs } from 'node:util';
import { killStorm, type StormReport } from './storm.js';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() >>> 0) },
  },
});
const kills = Number(values.kills);
const seed = Number(values.seed) >>> 0;
if (!Number.isSafeInteger(kills) || kills < 1) throw new Error(`how many kills? ${values.kills} is no count`);

const start = Date.now();
const seconds = () => Math.round((Date.now() - start) / 1000);

function summary(report: StormReport): string {
  const { duringUpdate, duringCommit, commits, staleFiles } = report;
  const { acknowledged, next, interrupted } = report;
  return `${report.kills} kills in ${seconds()} s: ${duringUpdate} during an update, ${duringCommit} of them in commit(); ${commits} commits;
  the array had ${acknowledged} times the acknowledged version, ${next} times the one after it, ${interrupted} times an update in place to repair;
  ${staleFiles} files of dead processes removed, none of anybody else`;
}

console.log(`seed ${seed}, ${kills} kills`);
const report = await killStorm({
  kills,
  seed,
  onKill: (now) => {
    if (now.kills % 100 === 0 && now.kills < kills) console.log(summary(now));
  },
});
console.log(summary(report));
