// For each workload lets each of its system calls fail, in each way it can, and looks at what is left. Runs with the
// fault library: faults-child FOLDER. Prints a line of JSON for each problem and one in the end.
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { diagnose, PersistentArray, repair } from '../../src/index.js';
import { type Fault, Injector } from './injector.js';
import { columns, fill, makeVersion, rows, valueAt, type Workload, workloads } from './workloads.js';

const [folder = ''] = process.argv.slice(2);
const directory = join(folder, 'files');
const path = join(directory, 'array.pycauset');
const injector = new Injector(join(folder, 'control'));
const { EACCES, EAGAIN, EINTR, EIO, EMFILE, ENOLCK, ENOMEM, ENOSPC, EOPNOTSUPP, EPERM } = constants.errno;

/** How a call can fail. A name that is missing here is a mistake of the test. */
const ways: Record<string, readonly Fault['error'][]> = {
  open: [EACCES, EMFILE, EINTR],
  pread: [EIO, EINTR, 'half'],
  pwrite: [EIO, ENOSPC, EINTR, 'half'],
  write: [EIO, ENOSPC, EINTR, 'half'],
  copy_file_range: [EIO, ENOSPC, EINTR, EOPNOTSUPP, 'half'],
  ftruncate: [EIO, EINTR],
  fallocate: [ENOSPC, EIO, EINTR, EOPNOTSUPP],
  'fallocate-punch': [EIO, EINTR, EOPNOTSUPP],
  mmap: [ENOMEM],
  msync: [EIO],
  fsync: [EIO, ENOSPC],
  fdatasync: [EIO, ENOSPC],
  'fsync-directory': [EIO],
  rename: [EACCES, EIO],
  link: [EACCES],
  unlink: [EACCES],
  fchmod: [EPERM],
  lock: [EAGAIN, ENOLCK, EINTR],
};

/** Calls that take the interruption as a failure would wait for ever if it never ended. */
const endless = new Set<Fault['error']>([EINTR]);
const flushes = new Set(['msync', 'fsync', 'fdatasync']);

interface Result {
  readonly error: unknown;
  readonly array: PersistentArray | undefined;
  readonly calls: readonly string[];
}

async function attempt(workload: Workload, fault?: Fault): Promise<Result> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  if (workload.exists) await makeVersion(path, 1);
  const opened = workload.opens ? await PersistentArray.open(path, { update: workload.update }) : undefined;
  injector.start(fault);
  try {
    const made = await workload.run(path, opened);
    return { error: undefined, array: made ?? opened, calls: injector.stop() };
  } catch (error) {
    return { error, array: opened, calls: injector.stop() };
  }
}

class Problem extends Error {}

function expectThat(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Problem(what);
}

function checkTyped(error: unknown, when: string): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  expectThat(
    typeof code === 'string' && code.startsWith('ERR_VGPU_'),
    `${when}: not one of our errors: ${error instanceof Error ? error.stack : String(error)}`,
  );
  return code;
}

/** 0: no file. */
async function versionThere(): Promise<number | 'mixed'> {
  let array: PersistentArray;
  try {
    array = await PersistentArray.open(path);
  } catch (error) {
    const code = checkTyped(error, 'opening again');
    if (code === 'ERR_VGPU_MMAP_NOT_FOUND') return 0;
    if (code !== 'ERR_VGPU_FORMAT_NOT_COMMITTED') throw new Problem(`opening again: ${String(error)}`);
    const { actions } = await diagnose(path);
    expectThat(actions.includes('accept'), 'diagnose() does not offer to accept');
    await repair(path, 'accept');
    return 'mixed';
  }
  try {
    const { error } = await array.verify();
    expectThat(error === undefined, `verify(): ${error?.message}`);
    const found = array.values();
    expectThat(found instanceof Float64Array, 'the array has elements of another kind');
    const version = [1, 2].find((each) =>
      found.every((value, index) => value === valueAt(each, Math.floor(index / columns), index % columns)),
    );
    expectThat(
      version !== undefined && found.length === rows * columns,
      'neither the old values nor the new ones',
    );
    return version;
  } finally {
    await array.close();
  }
}

/** After a flush that failed nothing may be committed any more, however well the next one goes. */
async function checkPoisoned(array: PersistentArray): Promise<void> {
  try {
    if (!array.updating) await array.begin();
    fill(array, 2);
    await array.commit();
  } catch (error) {
    checkTyped(error, 'committing after a failed flush');
    return;
  }
  throw new Problem('committed after a flush that failed');
}

async function checkOne(workload: Workload, fault: Fault): Promise<'failed' | 'succeeded'> {
  const descriptors = openDescriptors();
  const { error, array, calls } = await attempt(workload, fault);
  // Two threads take turns at times: not always is it the call that it was before.
  const name = calls[fault.index - 1] ?? '';
  const failed = error !== undefined;
  try {
    if (failed) checkTyped(error, 'the failure');
    if (failed && flushes.has(name) && array !== undefined) await checkPoisoned(array);
  } finally {
    await array?.close();
  }
  expectThat(
    openDescriptors() === descriptors,
    `descriptors: ${descriptors} before, ${openDescriptors()} after`,
  );
  checkLeftovers(name);
  const version = await versionThere();
  checkVersion(workload, failed, version);
  // Only this error leaves open which version it is.
  const certain = workload.opens && failed && checkTyped(error, 'the failure') !== 'ERR_VGPU_ARRAY_FAILED';
  if (certain) expectThat(version !== 2, 'a version was published, and the error does not say so');
  return failed ? 'failed' : 'succeeded';
}

function checkLeftovers(failedCall: string): void {
  const there = readdirSync(directory);
  // A file that cannot be removed stays, whoever wants it gone.
  const expected = there.filter((each) => !(each.endsWith('.tmp') && failedCall === 'unlink'));
  expectThat(
    expected.every((each) => each === 'array.pycauset'),
    `left behind: ${there.join(', ')}`,
  );
}

function checkVersion(workload: Workload, failed: boolean, version: number | 'mixed'): void {
  const old = workload.exists ? 1 : 0;
  const next = workload.changesNothing === true ? old : 2;
  if (!failed) expectThat(version === next, `succeeded, but version ${version}`);
  if (version === 'mixed') expectThat(workload.update === 'in-place', 'an atomic update is half done');
  else expectThat(version === old || version === next, `version ${version}`);
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function nameOf(error: Fault['error']): string {
  const [name] = Object.entries(constants.errno).find(([, number]) => number === error) ?? [];
  return name ?? String(error);
}

const counts = { failed: 0, succeeded: 0, problems: 0 };
const tried = new Set<string>();

async function tryFault(workload: Workload, fault: Fault, name: string): Promise<void> {
  const way = `${name}: ${nameOf(fault.error)}${fault.again ? ' from then on' : ''}`;
  try {
    counts[await checkOne(workload, fault)] += 1;
  } catch (error) {
    counts.problems += 1;
    const message =
      error instanceof Problem ? error.message : error instanceof Error ? error.stack : String(error);
    console.log(JSON.stringify({ workload: workload.name, call: fault.index, way, problem: message }));
  }
  tried.add(way);
}

for (const workload of workloads) {
  // Once to load what is loaded on first use, then to count.
  await (await attempt(workload)).array?.close();
  const { error, array, calls } = await attempt(workload);
  await array?.close();
  if (error !== undefined) throw error;
  for (const [index, name] of calls.entries()) {
    const errors = ways[name];
    if (errors === undefined) throw new Error(`how can ${name} fail?`);
    for (const way of errors) {
      for (const again of endless.has(way) ? [false] : [false, true]) {
        await tryFault(workload, { index: index + 1, error: way, again }, name);
      }
    }
  }
  console.log(JSON.stringify({ workload: workload.name, calls }));
}
console.log(JSON.stringify({ ...counts, tried: [...tried].sort() }));
