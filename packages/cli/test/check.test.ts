import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { type CheckEvent, makeReport } from '../src/check/report.js';
import { parseEvents } from '../src/run/events.js';
import { Installation } from './stand-in.js';

const vgpu = new Installation();
afterAll(() => vgpu.remove());
beforeEach(() => void vgpu.takeLog());

const place = { kernel: 'f(int*)', function: 'f(int*)', block: [0, 1, 2], thread: [3, 0, 0], ptxLine: 45 };
const race = {
  check: 'race',
  kind: 'write-after-write',
  severity: 'error',
  count: 1,
  message: 'a store races',
  place: { ...place, file: 'a.cu', line: 10 },
  other: { ...place, function: 'g()', file: 'h.hpp', line: 5, callerFile: 'a.cu', callerLine: 7 },
};
const leak = {
  check: 'memory',
  kind: 'leak',
  severity: 'info',
  count: 1,
  message: '64 bytes were never freed',
};

const lines = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');
const begin = (client: number) => ({ event: 'begin', client });
const found = (client: number, number: number, finding: object) => ({
  event: 'finding',
  client,
  number,
  finding,
});
const end = (client: number, ...counts: number[]) => ({ event: 'end', client, counts, dropped: 0 });

const FOUND = lines(begin(1), found(1, 0, race), found(1, 1, leak), end(1, 5, 1));
const CLEAN = lines(begin(1), end(1));

const check = (events: string, ...options: string[]) =>
  vgpu.run(['run', ...options, '--', '/bin/sh', '-c', 'exit 4'], { env: { STAND_IN_EVENTS: events } });

describe('vgpu run --check', () => {
  it('tells the findings, with both places, and keeps the exit status of the program', async () => {
    const { code, stdout, stderr } = await check(FOUND, '--check', 'race,memory');
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toBe(
      [
        'vgpu: race: write-after-write: a store races',
        '    at f(int*) (a.cu:10, PTX line 45), block (0,1,2), thread (3,0,0)',
        '    the other at g(), called by f(int*) (a.cu:7, inlined h.hpp:5, PTX line 45), block (0,1,2), thread (3,0,0)',
        '    5 times here',
        'vgpu: memory: note: leak: 64 bytes were never freed',
        'vgpu: checked for memory, race: 1 finding, 1 note\n',
      ].join('\n'),
    );
    expect(vgpu.takeLog()[0]).toBe('start auto check memory,race limit undefined');
  });

  it('says that nothing was found, unless --quiet', async () => {
    expect((await check(CLEAN, '--check', 'all')).stderr).toBe(
      'vgpu: checked for memory, race, init, sync: no findings\n',
    );
    expect((await check(CLEAN, '--check', 'all', '--quiet')).stderr).toBe('');
  });

  it('exits with --error-exitcode for findings, but not for notes', async () => {
    expect((await check(FOUND, '--check', 'all', '--error-exitcode', '99')).code).toBe(99);
    const notes = lines(begin(1), found(1, 0, leak), end(1, 1));
    expect((await check(notes, '--check', 'all', '--error-exitcode', '99')).code).toBe(4);
  });

  it('writes the report', async () => {
    const file = join(vgpu.folder, 'report.json');
    await check(FOUND, '--check', 'all', '--check-report', file);
    const report: unknown = JSON.parse(readFileSync(file, 'utf8'));
    expect(report).toEqual({
      schemaVersion: 1,
      program: '/bin/sh',
      args: ['-c', 'exit 4'],
      checks: ['memory', 'race', 'init', 'sync'],
      errors: 5,
      dropped: 0,
      complete: true,
      findings: [{ ...race, count: 5 }, leak],
    });
  });

  it('does not run the program when the report cannot be written', async () => {
    const marker = join(vgpu.folder, 'ran');
    const result = await vgpu.run([
      ...['run', '--check', 'all', '--check-report', '/nowhere/report.json'],
      ...['--', '/bin/sh', '-c', `: > ${marker}`],
    ]);
    expect(result.code).toBe(125);
    expect(result.stderr).toMatch(/ERR_VGPU_CHECK_REPORT/);
    expect(existsSync(marker)).toBe(false);
  });

  it('tells findings as they come with -v, and again at the end', async () => {
    const { stderr } = await check(FOUND, '--check', 'all', '-v');
    expect(stderr.match(/a store races/g)).toHaveLength(2);
    expect(stderr).toMatch(/5 times here/);
  });

  it('starts an executor of its own', async () => {
    await vgpu.run(['run', '--check', 'sync', '--check-limit', '7', '--', 'true'], {
      env: { VGPU_EXECUTOR: 'unix:/elsewhere' },
    });
    expect(vgpu.takeLog()[0]).toBe('start auto check sync limit 7');
  });

  it.each([
    [['--check', 'races'], /memory, race, init, sync or all/],
    [['--check', ''], /memory, race, init, sync or all/],
    [['--check', 'all', '--executor', 'unix:/x'], /cannot be used with/],
    [['--check', 'all', '--gpu', 'real'], /needs the software GPU/],
    [['--check', 'all', '--check-limit', '0'], /whole number from 1/],
    [['--check', 'all', '--error-exitcode', '256'], /from 0 to 255/],
    [['--error-exitcode', '1'], /--error-exitcode needs --check/],
    [['--check-report', 'r'], /--check-report needs --check/],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await vgpu.run(['run', ...options, '--', 'true']);
    expect(code).toBe(125);
    expect(stderr).toMatch(message);
  });
});

describe('the report', () => {
  it('keeps the findings of several processes apart', () => {
    const events = parseEvents<CheckEvent>(
      lines(begin(1), begin(2), found(1, 0, race), found(2, 0, leak), end(2, 3), end(1, 2)),
    );
    const { findings, complete } = makeReport(['race'], events);
    expect(findings.map(({ kind, count }) => [kind, count])).toEqual([
      ['write-after-write', 2],
      ['leak', 3],
    ]);
    expect(complete).toBe(true);
  });

  it('knows when a process did not come to its end, and counts what was dropped', () => {
    const events = parseEvents<CheckEvent>(
      `${lines(begin(1), begin(2), { ...end(1), dropped: 9 })}{"event":"fin`,
    );
    expect(makeReport(['race'], events)).toMatchObject({ complete: false, dropped: 9, findings: [] });
  });
});
