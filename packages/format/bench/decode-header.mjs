// How many headers decodeHeader checks per second, and whether it leaves garbage behind. Run after a build.
//   node bench/decode-header.mjs [--json]
import { decodeHeader, encodeHeader, readContainer, valuesOf } from '../dist/index.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const ROUNDS = 15;
const goal = 5e6;

const header = encodeHeader();
const golden = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../test/golden/dense_f64_64x64.pycauset')),
);

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const values = valuesOf(readContainer(golden));
const rates = {
  decodeHeader: rate(1_000_000, () => decodeHeader(header).payloadOffset),
  readContainer: rate(2000, () => readContainer(golden).payload.length),
  'ValueReader.get': rate(1_000_000, (index) => values.get(index & 63, (index >> 6) & 63)),
};
if (options.json) console.log(JSON.stringify({ perSecond: rates, goal }, undefined, 2));
else {
  for (const [name, value] of Object.entries(rates)) {
    console.log(
      `${name.padEnd(18)} ${perSecond(value)}${name === 'decodeHeader' ? `  (goal: ${perSecond(goal)})` : ''}`,
    );
  }
}
if (rates.decodeHeader < goal) {
  console.error('decodeHeader is slower than it must be');
  process.exitCode = 1;
}

/** The median rate of several rounds. The sum keeps the calls from being optimised away. */
function rate(count, call) {
  let sum = 0;
  const rates = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < count; index++) sum += call(index);
    rates.push(count / (Number(process.hrtime.bigint() - start) / 1e9));
  }
  if (Number.isNaN(sum)) throw new Error('a call returned no number');
  return rates.sort((a, b) => a - b)[ROUNDS >> 1];
}

function perSecond(value) {
  return `${Math.round(value).toLocaleString('en').padStart(12)} per second`;
}
