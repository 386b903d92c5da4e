// How many headers decodeHeader checks per second, and whether it leaves garbage behind. Run after a build.
import { decodeHeader, encodeHeader, readContainer, valuesOf } from '../dist/index.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROUNDS = 15;
const goal = 5e6;

const header = encodeHeader();
const golden = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../test/golden/dense_f64_64x64.pycauset')),
);

const headers = rate(1_000_000, () => decodeHeader(header).payloadOffset);
console.log(`decodeHeader       ${perSecond(headers)}  (goal: ${perSecond(goal)})`);
console.log(`readContainer      ${perSecond(rate(2000, () => readContainer(golden).payload.length))}`);
const values = valuesOf(readContainer(golden));
console.log(
  `ValueReader.get    ${perSecond(rate(1_000_000, (index) => values.get(index & 63, (index >> 6) & 63)))}`,
);
if (headers < goal) {
  console.log('decodeHeader is slower than it must be');
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
