// A thread of gpu.test.ts: begins operations on the GPU, and is ended in the middle of them.
import { parentPort, workerData } from 'node:worker_threads';
import { createSession } from '../dist/index.js';

const { executor } = workerData;
const session = await createSession({ device: 'gpu', isolation: 'process', executor });
const x = new Float64Array(4_000_000).fill(1);
for (let i = 0; i < 2; i++) session.add(x, x, { out: new Float64Array(x.length) }).catch(() => {});
setTimeout(() => parentPort.postMessage('begun'), 20);
