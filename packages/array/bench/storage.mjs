// What arrays cost: opening, updating, streaming, and 1 GiB of I/O against the same in C. Run after a build.
//   node bench/storage.mjs [--json] [--directory DIR] [--mebibytes 1024] [--rounds 7]
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PersistentArray } from '../dist/index.js';
import { measureIo } from './io.mjs';
import { median, seconds } from './time.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    directory: { type: 'string', default: join(import.meta.dirname, '../build') },
    mebibytes: { type: 'string', default: '1024' },
    rounds: { type: 'string', default: '7' },
  },
});
const MiB = 1024 * 1024;
const bytes = Number(options.mebibytes) * MiB;
const rounds = Number(options.rounds);
const goals = { openMilliseconds: 1, ioRatio: 1.05 };

mkdirSync(options.directory, { recursive: true });
const directory = mkdtempSync(join(options.directory, 'bench-'));

try {
  const result = {
    bytes,
    rounds,
    open: await measureOpen(),
    update: await measureUpdate(),
    ...(await measureIo({ directory, bytes }, rounds, goals.ioRatio)),
  };
  if (options.json) console.log(JSON.stringify(result, undefined, 2));
  else print(result);
  if ([result.open, ...result.write, ...result.read].some(({ met }) => met === false)) process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true });
}

/** 10 GiB, of which nothing is on disk: opening must not depend on the size. */
async function measureOpen() {
  const path = join(directory, 'sparse');
  const size = Math.ceil(Math.sqrt((10 * 1024 * MiB) / 8));
  const sparse = { structure: 'dense', dtype: 'f64', rows: size, columns: size };
  await (await PersistentArray.create(path, sparse, { reserve: false })).close();
  const times = [];
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    const array = await PersistentArray.open(path);
    times.push(performance.now() - start);
    await array.close();
  }
  rmSync(path);
  const medianMilliseconds = median(times);
  const met = medianMilliseconds < goals.openMilliseconds;
  return { gibibytes: 10, medianMilliseconds, worstMilliseconds: Math.max(...times), met };
}

/** One element of 8 MiB, beside a bare write and flush of a page on the same disk. */
async function measureUpdate() {
  const file = openSync(join(directory, 'page'), 'w');
  const page = new Uint8Array(4096).fill(1);
  const times = { flush: [], atomic: [], 'in-place': [] };
  const arrays = {};
  for (const update of ['atomic', 'in-place']) {
    const array = { structure: 'dense', dtype: 'f64', rows: 1024, columns: 1024 };
    arrays[update] = await PersistentArray.create(join(directory, update), array, { update });
  }
  for (let round = 0; round < 20; round++) {
    times.flush.push(
      await seconds(() => {
        writeSync(file, page, 0, page.length, 0);
        fdatasyncSync(file);
      }),
    );
    for (const update of ['atomic', 'in-place']) {
      times[update].push(
        await seconds(async () => {
          await arrays[update].begin();
          arrays[update].set(round, round, round);
          await arrays[update].commit();
        }),
      );
    }
  }
  closeSync(file);
  for (const array of Object.values(arrays)) await array.close();
  return {
    payloadMebibytes: 8,
    flushMilliseconds: median(times.flush) * 1e3,
    atomicMilliseconds: median(times.atomic) * 1e3,
    inPlaceMilliseconds: median(times['in-place']) * 1e3,
  };
}

function print({ open, update, write, read }) {
  const ms = (value) => `${value.toFixed(2)} ms`;
  const verdict = (met, text) => `${met ? '' : '  NOT MET'}  (goal: ${text})`;
  console.log(`open 10 GiB          ${ms(open.medianMilliseconds)}${verdict(open.met, 'below 1 ms')}`);
  console.log(`flush of one page    ${ms(update.flushMilliseconds)}`);
  console.log(
    `update of 8 MiB      ${ms(update.atomicMilliseconds)} atomic, ${ms(update.inPlaceMilliseconds)} in place`,
  );
  for (const [what, rows] of Object.entries({ write, read })) {
    for (const { name, medianSeconds, beside, ratio, met } of rows) {
      const compared = beside === undefined ? '' : `, ${ratio.toFixed(3)} × ${beside}`;
      const goal = met === undefined ? '' : verdict(met, `below ${goals.ioRatio}`);
      console.log(
        `${what.padEnd(5)} ${bytes / MiB} MiB  ${name.padEnd(10)} ${medianSeconds.toFixed(3)} s${compared}${goal}`,
      );
    }
  }
}
