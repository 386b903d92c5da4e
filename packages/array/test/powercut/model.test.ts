// The model of a disk that loses power, on programs so small that everybody knows what can become of them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeOnLinux } from '../linux.js';
import { crashPoints, type Flush, flushesOf } from './crash-points.js';
import { CrashStates } from './crash-states.js';
import { FileModel } from './file-model.js';
import { randomFrom } from './random.js';
import { type Recording, record, temporaryDirectory } from './recording.js';

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Everything that can be in the directory after a power cut at any moment. */
function outcomes(recording: Recording, ...ignored: Flush[]): Set<string> {
  const found = new Set<string>();
  for (const { model } of crashPoints(recording, { ignored })) {
    for (const choice of new CrashStates(model).all()) {
      const state = [...model.after(choice)].map(([name, bytes]) => `${name}=${Buffer.from(bytes)}`);
      found.add(state.sort().join(' ').replaceAll('\0', '0'));
    }
  }
  return found;
}

function run(script: string): Recording {
  return record(directory, process.execPath, ['-e', `const fs = require('node:fs'); ${script}`]);
}

const replace = `
  const file = fs.openSync('temporary', 'wx');
  fs.writeSync(file, 'new');
  fs.fdatasyncSync(file);
  fs.renameSync('temporary', 'target');
  const directory = fs.openSync('.', 'r');
  fs.fsyncSync(directory);
`;

describeOnLinux('replacing a file', () => {
  it('leaves the old or the new one', () => {
    writeFileSync(join(directory, 'target'), 'old');
    expect(outcomes(run(replace))).toEqual(
      new Set([
        'target=old',
        'target=old temporary=',
        'target=old temporary=000',
        'target=old temporary=new',
        'target=new',
      ]),
    );
  });

  it('can lose the data when they are not flushed before the rename', () => {
    writeFileSync(join(directory, 'target'), 'old');
    const recording = run(replace);
    const [ofData, ofName] = flushesOf(recording.operations);
    if (ofData === undefined || ofName === undefined) throw new Error('two flushes were expected');
    expect(outcomes(recording, ofData)).toContain('target=');
    expect(outcomes(recording, ofData)).toContain('target=000');
    // Without the flush of the directory the old file may be back, which only a promise makes wrong.
    expect(outcomes(recording, ofName)).toEqual(outcomes(recording));
  });
});

describeOnLinux('writing in place', () => {
  it('keeps or loses each sector, in any order', () => {
    writeFileSync(join(directory, 'target'), 'a'.repeat(1024));
    const found = outcomes(run("fs.writeSync(fs.openSync('target', 'r+'), 'b'.repeat(4), 510)"));
    const state = (first: string, second: string) =>
      `target=${'a'.repeat(510)}${first}${second}${'a'.repeat(510)}`;
    expect(found).toEqual(
      new Set([state('aa', 'aa'), state('bb', 'aa'), state('aa', 'bb'), state('bb', 'bb')]),
    );
  });

  it('can leave what a sector held in between, until a flush', () => {
    writeFileSync(join(directory, 'target'), 'aaaa');
    const write = (text: string) => `fs.writeSync(file, '${text}', 0);`;
    const start = "const file = fs.openSync('target', 'r+');";
    const unflushed = outcomes(run(`${start}${write('b')}${write('c')}${write('d')}`));
    expect(unflushed).toEqual(new Set(['target=aaaa', 'target=baaa', 'target=caaa', 'target=daaa']));

    writeFileSync(join(directory, 'target'), 'aaaa');
    const recording = run(`${start}${write('b')}fs.fsyncSync(file);${write('c')}`);
    const last = [...crashPoints(recording)].at(-1);
    expect(last?.allowed).toEqual([0]);
    expect([...outcomes(recording)].sort()).toEqual(['target=aaaa', 'target=baaa', 'target=caaa']);
  });
});

describe('a file', () => {
  const sectors = (...versions: [number, number][]) => new Map(versions);

  it('has its old size, its new size, and zeros where data were lost', () => {
    const file = new FileModel(Buffer.from('abc'));
    file.write(512, Buffer.from('x'));
    expect(file.sizes).toEqual([3, 513]);
    expect(file.after({ size: 0, sectors: sectors([1, 1]) })).toEqual(new Uint8Array(Buffer.from('abc')));
    const lost = file.after({ size: 1, sectors: sectors() });
    expect([lost.length, lost[2], lost[512]]).toEqual([513, 99, 0]);
    expect(file.after({ size: 1, sectors: sectors([1, 1]) })[512]).toBe(120);
  });

  it('does not bring back what was cut off and flushed', () => {
    const file = new FileModel(Buffer.from('abcdef'));
    file.resize(2);
    file.flush();
    file.resize(6);
    file.flush();
    expect([...file.after({ size: 0, sectors: sectors() })]).toEqual([97, 98, 0, 0, 0, 0]);
    expect(file.current()).toEqual(file.after({ size: 0, sectors: sectors() }));
  });

  it('keeps a hole that is not flushed, or not', () => {
    const file = new FileModel(Buffer.alloc(1024, 'a'));
    file.punch(0, 512);
    expect([...file.pending.keys()]).toEqual([0]);
    expect(file.after({ size: 0, sectors: sectors() })[0]).toBe(97);
    expect(file.after({ size: 0, sectors: sectors([0, 1]) })[0]).toBe(0);
  });

  it('has flushed only what a flush of a range covers', () => {
    const file = new FileModel(Buffer.alloc(2048, 'a'));
    file.write(0, Buffer.alloc(2048, 'b'));
    file.flush(512, 512);
    expect([...file.pending.keys()]).toEqual([0, 2, 3]);
    expect(file.after({ size: 0, sectors: sectors() })[512]).toBe(98);
  });
});

describeOnLinux('the choice of states', () => {
  it('is the same for the same seed, and different for others', () => {
    writeFileSync(join(directory, 'target'), 'a'.repeat(40_000));
    const recording = run("fs.writeSync(fs.openSync('target', 'r+'), 'b'.repeat(40_000), 0)");
    const sample = (seed: number) => {
      const states: string[] = [];
      for (const { model } of crashPoints(recording)) {
        const random = randomFrom(seed);
        for (let index = 0; index < 30; index++) {
          states.push(
            JSON.stringify(
              [...new CrashStates(model).sample(random).files.values()].map(({ sectors }) => [...sectors]),
            ),
          );
        }
      }
      return states;
    };
    expect(sample(1)).toEqual(sample(1));
    expect(sample(1)).not.toEqual(sample(2));
    expect(new Set(sample(1)).size).toBeGreaterThan(20);
  });
});
