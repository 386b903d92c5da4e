import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { eventRecord, parseRecord } from '../src/index.js';
import { fileTelemetry, telemetryFolder } from '../src/node/index.js';

const root = mkdtempSync(join(tmpdir(), 'vgpu-telemetry-'));
const folder = join(root, 'deep', 'telemetry');
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('telemetryFolder', () => {
  test.each([
    [{ VGPU_TELEMETRY_DIR: '/somewhere', XDG_STATE_HOME: '/state' }, '/somewhere'],
    [{ XDG_STATE_HOME: '/state' }, '/state/vgpu/telemetry'],
    [{ XDG_STATE_HOME: 'relative' }, join(homedir(), '.local/state/vgpu/telemetry')],
    [{}, join(homedir(), '.local/state/vgpu/telemetry')],
  ])('%j', (environment, expected) => {
    expect(telemetryFolder(environment)).toBe(expected);
  });
});

describe('fileTelemetry', () => {
  test('writes to a file of this process, in a folder of its own', async () => {
    const telemetry = await fileTelemetry('server', folder);
    telemetry.emit(eventRecord({ component: 'test', message: 'hello' }));
    await telemetry.close();
    expect(readdirSync(folder)).toEqual([`server-${process.pid}.jsonl`]);
    const [line = ''] = readFileSync(join(folder, `server-${process.pid}.jsonl`), 'utf8').split('\n');
    expect(parseRecord(line).message).toBe('hello');
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('has a file for each stream, and the same one again after its end', async () => {
    const streams = [await fileTelemetry('server', folder), await fileTelemetry('server', folder)];
    for (const stream of streams) stream.emit(eventRecord({ component: 'test', message: 'hello' }));
    for (const stream of streams) await stream.close();
    const again = await fileTelemetry('server', folder);
    again.emit(eventRecord({ component: 'test', message: 'again' }));
    await again.close();
    const lines = (name: string) => readFileSync(join(folder, name), 'utf8').split('\n').length - 1;
    const names = [`server-${process.pid}.jsonl`, `server.2-${process.pid}.jsonl`];
    expect(readdirSync(folder).sort()).toEqual(names);
    expect(names.map(lines)).toEqual([2, 1]);
  });

  test('has a file for each thread', async () => {
    const script = `
      const { parentPort, workerData } = require('node:worker_threads');
      void (async () => {
        const { fileTelemetry } = await import(workerData.module);
        const telemetry = await fileTelemetry('server', workerData.folder);
        telemetry.emit(workerData.record);
        await telemetry.close();
      })();`;
    const module = new URL('../dist/node.js', import.meta.url).href;
    const record = eventRecord({ component: 'test', message: 'hello' });
    const workers = [1, 2].map(
      () => new Worker(script, { eval: true, workerData: { module, folder, record } }),
    );
    await Promise.all(workers.map((worker) => once(worker, 'exit')));
    const names = readdirSync(folder);
    expect(names).toHaveLength(2);
    for (const name of names) expect(name).toMatch(new RegExp(`^server\\.t\\d+-${process.pid}\\.jsonl$`));
  });

  test('removes files of processes that ended long ago, and no others', async () => {
    await (await fileTelemetry('server', folder)).close();
    // No process has this number: the kernel's greatest is 2^22.
    const gone = 2 ** 22 + 1;
    const old = new Date(Date.now() - 8 * 24 * 3600 * 1000);
    const names = [
      `a-${gone}.jsonl`,
      `a-${gone}.jsonl.3`,
      `young-${gone}.jsonl`,
      `mine-${process.pid}.jsonl`,
      'notes.txt',
    ];
    for (const name of names) {
      writeFileSync(join(folder, name), '');
      if (!name.startsWith('young')) utimesSync(join(folder, name), old, old);
    }
    await (await fileTelemetry('server', folder)).close();
    expect(readdirSync(folder).sort()).toEqual([
      `mine-${process.pid}.jsonl`,
      'notes.txt',
      `young-${gone}.jsonl`,
    ]);
  });

  test('refuses names that are none of a file', async () => {
    await expect(fileTelemetry('../etc', folder)).rejects.toMatchObject({
      code: 'ERR_VGPU_RESILIENCE_ARGUMENT',
    });
  });
});
