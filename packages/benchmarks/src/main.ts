// pnpm bench --json [--only NAME]… [-o FILE]
//
// Exit status: 0 when all goals were met, 3 when one was not, 1 when a benchmark failed.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchmarks } from './benchmarks.js';
import { collect } from './collect.js';

const names = benchmarks.map(({ name }) => name);

try {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: names },
      output: { type: 'string', short: 'o' },
    },
  });
  const unknown = values.only.find((name) => !names.includes(name));
  if (unknown) throw new Error(`--only ${unknown}: one of ${names.join(', ')}`);
  const chosen = benchmarks.filter(({ name }) => values.only.includes(name));
  const document = await collect(chosen, ({ name }) => process.stderr.write(`vgpu: measuring ${name}\n`));
  const text = `${JSON.stringify(document, undefined, 2)}\n`;
  if (values.output === undefined) process.stdout.write(text);
  else writeFileSync(values.output, text);
  for (const { name, error } of document.benchmarks)
    if (error) process.stderr.write(`vgpu: ${name}: ${error}\n`);
  const missed = document.benchmarks.some(({ quantities }) => quantities.some(({ met }) => met === false));
  process.exitCode = document.ok ? (missed ? 3 : 0) : 1;
} catch (error) {
  process.stderr.write(`vgpu: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
