// What a call costs: round trips, deferred calls per second, copies beside memcpy, and an idle client, for each
// transport. Run after a build.
//   node bench/transport.mjs [--json] [--rounds N] [--gpu software|real]
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { Executor } from '@vgpu/executor';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    gpu: { type: 'string', default: 'software' },
  },
});
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError(`--rounds ${options.rounds}`);
const program = join(import.meta.dirname, '..', 'build', 'native', 'bin', 'transport_bench');
const idleMilliseconds = 2000;
const goal = {
  'shared memory': {
    roundTripMicroseconds: { most: 2 },
    recordExecutedPerSecond: { least: 2e6 },
    toDeviceOfMemcpy: { least: 0.9 },
    idleGuestMilliseconds: { most: 0.5 },
    idleWorkerMilliseconds: { most: 0.5 },
  },
  'unix socket': { roundTripMicroseconds: { most: 10 } },
};

const addresses = [];
const executor = await Executor.start({
  gpu: options.gpu,
  // The system chooses the port; the executor says which.
  listen: ['tcp:127.0.0.1:0'],
  log: (line) => addresses.push(...(/listening at (tcp:.*)$/.exec(line)?.slice(1) ?? [])),
});
const transports = {
  'shared memory': { VGPU_EXECUTOR: executor.url },
  'unix socket': { VGPU_EXECUTOR: executor.url, VGPU_SHARED_MEMORY: '0' },
  'TCP loopback': { VGPU_EXECUTOR: addresses[0] },
};

// One transport after the other in each round, so that whatever else the machine does hits all alike.
const results = Object.fromEntries(Object.keys(transports).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, environment] of Object.entries(transports)) {
    const env = { ...process.env, ...environment };
    results[name].push({
      ...(await measure('calls', env)),
      ...(await measure('copies', env)),
      ...(await measureIdle(env)),
    });
  }
}

await executor.stop();

const medians = Object.fromEntries(Object.entries(results).map(([name, runs]) => [name, medianOf(runs)]));
const missed = Object.entries(goal).flatMap(([name, wishes]) =>
  Object.entries(wishes).flatMap(([key, { least = -Infinity, most = Infinity }]) => {
    const value = medians[name][key];
    return value >= least && value <= most ? [] : [`${name}: ${key} is ${value}`];
  }),
);
if (options.json) console.log(JSON.stringify({ rounds, results: medians, goal, missed }, undefined, 2));
else print();
for (const line of missed) process.stderr.write(`goal missed: ${line}\n`);
if (missed.length > 0) process.exitCode = 1;

async function measure(mode, env) {
  const { stdout } = await promisify(execFile)(program, [mode], { env, timeout: 120_000 });
  return JSON.parse(stdout);
}

/** Processor time of the program and of its worker while nothing is asked. */
async function measureIdle(env) {
  const before = new Set(workers());
  const child = spawn(program, ['idle'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const [worker] = workers().filter((pid) => !before.has(pid));
  // What follows the last answer: looking for the next request, then falling asleep.
  await sleep(100);
  const begin = [processorTime(child.pid), processorTime(worker)];
  await sleep(idleMilliseconds);
  const end = [processorTime(child.pid), processorTime(worker)];
  child.stdin.end();
  await once(child, 'exit');
  return { idleGuestMilliseconds: end[0] - begin[0], idleWorkerMilliseconds: end[1] - begin[1] };
}

function workers() {
  return readFileSync(`/proc/${executor.pid}/task/${executor.pid}/children`, 'utf8')
    .split(' ')
    .filter(Boolean);
}

/** Milliseconds that all threads of the process have run, exact to the nanosecond. */
function processorTime(pid) {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds.reduce((sum, time) => sum + time, 0) / 1e6;
}

function medianOf(runs) {
  return Object.fromEntries(
    Object.entries(runs[0])
      .filter(([, value]) => typeof value === 'number')
      .map(([key]) => [key, runs.map((run) => run[key]).sort((a, b) => a - b)[runs.length >> 1]]),
  );
}

function print() {
  const rows = [
    ['round trip, median', 'roundTripMicroseconds', (value) => `${value.toFixed(2)} µs`],
    ['round trip, 99 of 100', 'roundTripMicroseconds99', (value) => `${value.toFixed(2)} µs`],
    ['5,000 event records, accepted', 'burstAcceptedPerSecond', millions],
    ['400,000 event records, accepted', 'recordAcceptedPerSecond', millions],
    ['400,000 event records, executed', 'recordExecutedPerSecond', millions],
    ['20,000 empty kernels, accepted', 'launchAcceptedPerSecond', millions],
    ['20,000 empty kernels, executed', 'launchExecutedPerSecond', millions],
    ['256 MiB to the device', 'toDeviceOfMemcpy', ofMemcpy],
    ['256 MiB from the device', 'fromDeviceOfMemcpy', ofMemcpy],
    [`idle for ${idleMilliseconds} ms, guest`, 'idleGuestMilliseconds', (value) => `${value.toFixed(2)} ms`],
    [
      `idle for ${idleMilliseconds} ms, worker`,
      'idleWorkerMilliseconds',
      (value) => `${value.toFixed(2)} ms`,
    ],
  ];
  const names = Object.keys(medians);
  console.log(`${''.padEnd(34)}${names.map((name) => name.padStart(18)).join('')}`);
  for (const [label, key, text] of rows) {
    console.log(`${label.padEnd(34)}${names.map((name) => text(medians[name][key]).padStart(18)).join('')}`);
  }
}

function millions(value) {
  return `${(value / 1e6).toFixed(2)} M/s`;
}

function ofMemcpy(value) {
  return `${value.toFixed(2)} × memcpy`;
}
