// How long something takes, in a process whose garbage is collected.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');
/** Other threads collect on after it has returned. */
const collectingMs = 3;

/** What one thing leaves behind would else be collected in the next one's time, on its processors. */
function collectGarbage() {
  gc();
  const end = performance.now() + collectingMs;
  while (performance.now() < end);
}

/** Of so many times in a row the fastest counts: a processor that has had nothing to do takes a while to come back. */
const repetitions = 3;

/** Milliseconds on the clock, and of all threads of this process. `discard` gets each result afterwards. */
export async function fastest(run, discard = () => {}) {
  const best = { ms: Infinity, processorMs: Infinity };
  for (let i = 0; i < repetitions; i++) {
    collectGarbage();
    const before = process.cpuUsage();
    const began = performance.now();
    const result = await run();
    best.ms = Math.min(best.ms, performance.now() - began);
    const { user, system } = process.cpuUsage(before);
    best.processorMs = Math.min(best.processorMs, (user + system) / 1000);
    discard(result);
  }
  return best;
}
