// One of the threads of telemetry-load.test.ts: emits, with sinks that work, throw and are full, and a listener that calls back.
import { parentPort, workerData } from 'node:worker_threads';
import { kernelRecord, Telemetry } from '../dist/index.js';
import { RotatingFileSink } from '../dist/node.js';

const { events, thread, files } = workerData;
const capacity = 500;
let told = 0;
let seen = 0;
const counting = {
  name: 'counting',
  write: (records) => {
    for (const { component, metadata } of records) {
      if (component === 'telemetry') told += metadata.dropped;
      else seen += 1;
    }
    return records.length;
  },
};
const throwing = {
  name: 'throwing',
  write: () => {
    throw new Error('this sink always throws');
  },
};
const sinks = [
  counting,
  throwing,
  ...files.map((path) => new RotatingFileSink(path, { maximumBytes: 200_000, maximumFiles: 2 })),
];
const telemetry = new Telemetry({ sinks, capacity });
let answers = 0;
telemetry.subscribe(() => {
  if (answers < 1000) {
    answers += 1;
    telemetry.emit(kernelRecord({ component: 'listener', message: 'again' }, { kernel_name: 'sort' }));
    void telemetry.flush();
  }
  throw new Error('this listener always throws');
});
let mostPending = 0;
for (let index = 0; index < events; index++) {
  telemetry.emit(
    kernelRecord(
      { component: 'load', message: `${thread}: ${index}` },
      { kernel_name: 'sort', execution_time_us: index },
    ),
  );
  if (index % 1000 === 0) {
    for (const { pending } of telemetry.statistics()) mostPending = Math.max(mostPending, pending);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
// On a busy machine too: what is tested is the count, not the time.
await telemetry.close(120_000);
parentPort.postMessage({ statistics: telemetry.statistics(), answers, seen, told, mostPending });
