// Another process, or another thread, that holds something until it is ended: see smoke.mjs.
import { once } from 'node:events';
import { setTimeout } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, Worker } from 'node:worker_threads';
import { MappedFile, ScratchMemory } from '../../dist/index.js';

const [what, path, how] = process.argv.slice(2);
const say = (text) => (parentPort ? parentPort.postMessage(text) : console.log(text));

if (what === 'worker') {
  // The addon is loaded at the first call, so that this thread has none.
  const worker = new Worker(new URL(import.meta.url), { argv: ['window', path] });
  await once(worker, 'message');
  await worker.terminate();
  // Whatever the end of the thread has left to be done.
  await delay(200);
  process.exit(0);
}
// What nobody refers to is closed sooner or later.
globalThis.held = hold();
// Whoever started this ends it; nobody may wait for it for ever.
setTimeout(() => process.exit(1), 60_000);

function hold() {
  if (what === 'open') {
    const file = MappedFile.open(path, { access: how });
    say('held');
    return file;
  }
  if (what === 'scratch') {
    const scratch = ScratchMemory.create(1000, { directory: path, named: how === 'named' });
    say(String(process.pid));
    return scratch;
  }
  const window = MappedFile.open(path).window(0, 6);
  say(Buffer.from(window.bytes).toString());
  return window;
}
