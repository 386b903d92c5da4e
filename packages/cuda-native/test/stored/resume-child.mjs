// Computes with resume until it is killed: resume-child OPERATION PATHS…, inputs first.
import { setTimeout as sleep } from 'node:timers/promises';
import { PersistentArray } from '@vgpu/array';
import { createSession } from '@vgpu/cuda-native';
import { matmul, nearestNeighbours, sortPairs } from '@vgpu/cuda-native/stored';

const [operation, first, second, ...outputs] = process.argv.slice(2);
/** Of the last one, 2.2 MB are what a search takes for itself. */
const memoryLimits = { matmul: 30_000, sortPairs: 100_000, nearestNeighbours: 2_250_000 };
const session = await createSession({ device: 'cpu', memoryLimit: memoryLimits[operation] });
const inputs = [await PersistentArray.open(first), await PersistentArray.open(second)];
const out = [];
for (const path of outputs) {
  const array = await PersistentArray.open(path, { update: 'in-place', allowUncommitted: true });
  // Slower, so that there is time to kill it.
  const { flush } = array;
  array.flush = async () => {
    await sleep(20);
    await flush.call(array);
  };
  out.push(array);
}
if (operation === 'matmul') {
  await matmul(session, ...inputs, out[0], { resume: true });
} else if (operation === 'nearestNeighbours') {
  await nearestNeighbours(session, ...inputs, 3, { distances: out[0], indices: out[1] }, { resume: true });
} else {
  await sortPairs(session, ...inputs, { keys: out[0], values: out[1] }, { resume: true, checkpointBytes: 1 });
}
for (const array of [...inputs, ...out]) await array.close();
