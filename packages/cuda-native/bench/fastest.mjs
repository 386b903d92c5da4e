// How long something takes, in a process whose garbage is collected.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
/** What one thing leaves behind would else be collected in the next one's time, on its processors. */
const collectGarbage = runInNewContext('gc');

/** Of so many times in a row the fastest counts: a processor that has had nothing to do takes a while to come back. */
const repetitions = 3;

/** Milliseconds on the clock, and of all threads of this process. `discard` gets each result afterwards. */
export async function fastest(run, discard = () => {}) {
  const best = { ms: Infinity, processorMs: Infinity };
  collectGarbage();
  for (let i = 0; i < repetitions; i++) {
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
