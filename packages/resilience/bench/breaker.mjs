// What resilience costs an operation that works: the breaker alone, and withFallback as a whole. Run after a build.
//   node bench/breaker.mjs [--json]
import { parseArgs } from 'node:util';
import {
  CircuitBreaker,
  driverFault,
  FallbackSession,
  Telemetry,
  kernelRecord,
  withFallback,
} from '../dist/index.js';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const rounds = 15;
const goal = { closedNanoseconds: 20 };

const closed = new CircuitBreaker();
const open = new CircuitBreaker();
open.failed(driverFault(700));
const telemetry = new Telemetry({
  capacity: 1,
  sinks: [{ name: 'none', write: (records) => records.length }],
});
const record = kernelRecord({ component: 'bench', message: 'x' }, { kernel_name: 'x' });

const bare = (index) => index & 1;
const behind = (breaker) => (index) => (breaker.admit() === 'gpu' ? index & 1 : 0);
const emitting = (index) => {
  telemetry.emit(record);
  return index & 1;
};
const calls = 5_000_000;
// Alternating, so that whatever else the machine does hits all alike.
const times = { bare: [], closed: [], open: [], emit: [] };
for (let round = 0; round <= rounds; round++) {
  const seen = {
    bare: nanoseconds(calls, bare),
    closed: nanoseconds(calls, behind(closed)),
    open: nanoseconds(calls, behind(open)),
    emit: nanoseconds(calls, emitting),
  };
  // The first round warms up and is not counted.
  if (round > 0) for (const [name, time] of Object.entries(seen)) times[name].push(time);
}

const session = new FallbackSession();
const operation = { name: 'x', gpu: async () => 1, cpu: async () => 1, inputsUntouched: true };
const result = {
  bare: median(times.bare),
  closedAdded: median(times.closed) - median(times.bare),
  openAdded: median(times.open) - median(times.bare),
  emitAdded: median(times.emit) - median(times.bare),
  withFallbackAdded:
    (await whole(() => withFallback(session, operation))) - (await whole(() => operation.gpu())),
  goal,
};
if (options.json) console.log(JSON.stringify(result, undefined, 2));
else {
  print('an empty operation', result.bare);
  print('closed breaker adds', result.closedAdded, goal.closedNanoseconds);
  print('open breaker adds', result.openAdded);
  print('telemetry emit adds', result.emitAdded);
  print('withFallback adds', result.withFallbackAdded);
}
if (result.closedAdded >= goal.closedNanoseconds) process.exitCode = 1;

/** The sum keeps the calls from being optimised away. */
function nanoseconds(count, call) {
  let sum = 0;
  const start = process.hrtime.bigint();
  for (let index = 0; index < count; index++) sum += call(index);
  const time = Number(process.hrtime.bigint() - start) / count;
  if (Number.isNaN(sum)) throw new Error('a call returned no number');
  return time;
}

async function whole(call) {
  const times = [];
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint();
    for (let index = 0; index < 5000; index++) await call();
    times.push(Number(process.hrtime.bigint() - start) / 5000);
  }
  return median(times);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

function print(what, time, most) {
  console.log(
    `${what.padEnd(20)} ${time.toFixed(2).padStart(9)} ns${most === undefined ? '' : `  (goal: < ${most} ns)`}`,
  );
}
