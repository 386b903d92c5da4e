import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  eventRecord,
  parseRecord,
  ResilienceArgumentError,
  Telemetry,
  type TelemetryRecord,
} from '../src/index.js';
import { RotatingFileSink } from '../src/node/index.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

const record = (message: string): TelemetryRecord => eventRecord({ component: 'test', message });

/** Every line of a file must be a record. */
function recordsIn(path: string): TelemetryRecord[] {
  const text = readFileSync(path, 'utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text.split('\n').slice(0, -1).map(parseRecord);
}

test('each record is a line, and appended to what is there', async () => {
  const path = join(directory, 'log');
  for (const message of ['a', 'b']) {
    const telemetry = new Telemetry({ sinks: [new RotatingFileSink(path)] });
    telemetry.emit(record(message));
    expect(await telemetry.close()).toBe(true);
  }
  expect(recordsIn(path).map(({ message }) => message)).toEqual(['a', 'b']);
});

test('files are put aside by size, the oldest goes, and no file is too large', async () => {
  const path = join(directory, 'log');
  const sink = new RotatingFileSink(path, { maximumBytes: 2000, maximumFiles: 3 });
  for (let start = 0; start < 100; start += 10) {
    const batch = Array.from({ length: 10 }, (_, index) => record(`number ${start + index}`));
    expect(await sink.write(batch)).toBe(10);
  }
  await sink.close();
  expect(readdirSync(directory).sort()).toEqual(['log', 'log.1', 'log.2']);
  const files = ['log.2', 'log.1', 'log'].map((name) => join(directory, name));
  for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(2000);
  const messages = files.flatMap(recordsIn).map(({ message }) => message);
  // All of the latest, in order.
  expect(messages).toEqual(
    Array.from({ length: messages.length }, (_, index) => `number ${100 - messages.length + index}`),
  );
});

test('what was written before a file could not be put aside counts as written', async () => {
  const path = join(directory, 'log');
  // A folder in the place of the file before.
  mkdirSync(`${path}.1`);
  const sink = new RotatingFileSink(path, { maximumBytes: 1024, maximumFiles: 2 });
  const kept = await sink.write(Array.from({ length: 30 }, (_, index) => record(`number ${index}`)));
  expect(kept).toBeGreaterThan(0);
  expect(recordsIn(path)).toHaveLength(kept);
  await expect(sink.write([record('x'.repeat(900))])).rejects.toMatchObject({ code: 'EISDIR' });
  rmSync(`${path}.1`, { recursive: true });
  expect(await sink.write([record('x'.repeat(900))])).toBe(1);
  await sink.close();
});

test('one file alone begins anew', async () => {
  const path = join(directory, 'log');
  const sink = new RotatingFileSink(path, { maximumBytes: 1024, maximumFiles: 1 });
  for (let index = 0; index < 30; index++) expect(await sink.write([record(`number ${index}`)])).toBe(1);
  await sink.close();
  expect(readdirSync(directory)).toEqual(['log']);
  expect(recordsIn(path).at(-1)?.message).toBe('number 29');
  expect(statSync(path).size).toBeLessThanOrEqual(1024);
});

test('a line that a crash cut short does not swallow the next', async () => {
  const path = join(directory, 'log');
  writeFileSync(path, '{"timestamp":"2026');
  const sink = new RotatingFileSink(path);
  await sink.write([record('after')]);
  await sink.close();
  const [broken, whole] = readFileSync(path, 'utf8').split('\n');
  expect(broken).toBe('{"timestamp":"2026');
  expect(parseRecord(whole ?? '').message).toBe('after');
});

test('a record that is no JSON, or larger than a file, costs only itself', async () => {
  const path = join(directory, 'log');
  const sink = new RotatingFileSink(path, { maximumBytes: 1024 });
  const wrong: TelemetryRecord = { ...record('x'), metadata: JSON.parse('{}') };
  Object.assign(wrong.metadata, { size: 1n });
  expect(await sink.write([record('a'), wrong, record('x'.repeat(2000)), record('b')])).toBe(2);
  await sink.close();
  expect(recordsIn(path).map(({ message }) => message)).toEqual(['a', 'b']);
});

test('a folder that is missing is the sink’s failure alone, and it goes on when there is one', async () => {
  const folder = join(directory, 'later');
  const telemetry = new Telemetry({ sinks: [new RotatingFileSink(join(folder, 'log'))] });
  telemetry.emit(record('lost'));
  await telemetry.flush();
  const [before] = telemetry.statistics();
  expect(before).toMatchObject({ written: 0, dropped: 1 });
  expect(before?.lastError).toContain('ENOENT');
  execFileSync('mkdir', [folder]);
  telemetry.emit(record('kept'));
  expect(await telemetry.close()).toBe(true);
  expect(recordsIn(join(folder, 'log')).map(({ message }) => message)).toEqual([
    'kept',
    '1 records were dropped',
  ]);
});

/** Why there can be no small file system here; `undefined` where there can be one. */
function whyNoTmpfs(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'mounting a tmpfs needs root on Linux';
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder]);
    return undefined;
  } catch (error) {
    return `mounting a tmpfs failed: ${error}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const noTmpfs = whyNoTmpfs();
const hasFullDevice = existsSync('/dev/full');
if (noTmpfs !== undefined) console.warn(`skipped: a full disk, because ${noTmpfs}`);
if (!hasFullDevice) console.warn('skipped: a device that takes nothing, because there is no /dev/full');

test.skipIf(noTmpfs !== undefined)('a full disk: nothing lost, no half line, and it goes on', async () => {
  const mount = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', mount]);
  try {
    const ballast = join(mount, 'ballast');
    writeFileSync(ballast, new Uint8Array(512 * 1024));
    const path = join(mount, 'log');
    const telemetry = new Telemetry({ sinks: [new RotatingFileSink(path)], capacity: 20_000 });
    for (let index = 0; index < 10_000; index++) telemetry.emit(record(`number ${index}`));
    await telemetry.flush();
    const [full] = telemetry.statistics();
    expect(full?.lastError).toContain('ENOSPC');
    expect(full?.dropped).toBeGreaterThan(0);
    expect((full?.written ?? 0) + (full?.dropped ?? 0)).toBe(10_000);
    expect(recordsIn(path)).toHaveLength(full?.written ?? -1);

    rmSync(ballast);
    telemetry.emit(record('after'));
    expect(await telemetry.close()).toBe(true);
    const [done] = telemetry.statistics();
    const after = recordsIn(path).slice(full?.written);
    expect(after.map(({ message }) => message)).toEqual(['after', `${full?.dropped} records were dropped`]);
    expect(done?.written).toBe((full?.written ?? 0) + 1);
  } finally {
    execFileSync('umount', [mount]);
    rmSync(mount, { recursive: true });
  }
});

test.skipIf(!hasFullDevice)('a device that takes nothing never reaches the producer', async () => {
  const telemetry = new Telemetry({ sinks: [new RotatingFileSink('/dev/full')] });
  for (let index = 0; index < 100; index++) telemetry.emit(record(`number ${index}`));
  await telemetry.flush();
  expect(telemetry.statistics()).toMatchObject([{ produced: 100, written: 0, dropped: 100 }]);
  await telemetry.close();
});

test.each([
  { maximumBytes: 1023 },
  { maximumFiles: 0 },
  { maximumFiles: 1001 },
  { maximumBytes: Number.NaN },
])('options out of range are refused: %j', (options) => {
  expect(() => new RotatingFileSink('x', options)).toThrow(ResilienceArgumentError);
});
