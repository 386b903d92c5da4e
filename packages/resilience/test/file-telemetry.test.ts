import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
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
