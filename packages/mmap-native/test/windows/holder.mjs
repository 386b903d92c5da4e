// Another process, or another thread, that holds something until it is ended: see smoke.mjs.
import { setTimeout } from 'node:timers';
import { parentPort } from 'node:worker_threads';
import { MappedFile, ScratchMemory } from '../../dist/index.js';

const [what, path, how] = process.argv.slice(2);
const say = (text) => (parentPort ? parentPort.postMessage(text) : console.log(text));
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
