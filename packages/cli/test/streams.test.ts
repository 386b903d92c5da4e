// stdout that nobody reads or that is full, terminals where nothing may move, and names that Node cannot hold.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Progress } from '../src/output/progress.js';
import { screenful } from '../src/output/style.js';
import { cli, Folder } from './vgpu.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

/** `$VGPU` in the script calls vgpu. */
function shell(script: string) {
  const environment = { ...process.env, VGPU: `${process.execPath} ${cli}`, FOLDER: folder.path };
  return spawnSync('bash', ['-c', script], { env: environment, encoding: 'utf8' });
}

describe.each([['--help'], ['file inspect --help'], ['completion bash'], ['file'], ['nosuch --json']])(
  'vgpu %s',
  (call) => {
    it('ends quietly when nobody reads what it prints', () => {
      // The reader has gone before the first byte.
      const { stderr } = shell(
        `(sleep 0.4; $VGPU ${call} 2>"$FOLDER/stderr") | true; cat "$FOLDER/stderr" >&2`,
      );
      expect(stderr).not.toContain('EPIPE');
    });
  },
);

it.each([['--help'], ['completion bash'], ['executor stop'], ['executor stop --json']])(
  'vgpu %s says that its output is lost where the disk is full',
  (call) => {
    const { status, stderr } = shell(`XDG_RUNTIME_DIR="$FOLDER" $VGPU ${call} > /dev/full`);
    expect(stderr).toMatch(/^vgpu: cannot write to stdout: .* \[ERR_VGPU_NO_SPACE\]\n {2}remedy: .*\n$/);
    expect(status).toBe(1);
  },
);

it('refuses names that are not UTF-8, and writes no other file in their place', () => {
  const { status, stderr } = shell(`$VGPU file create --rows 4 --columns 4 "$FOLDER"/$'bad\\xff.npy'`);
  expect(stderr).toContain('an argument is not UTF-8');
  expect(stderr).toContain('[ERR_VGPU_USAGE]');
  expect(status).toBe(1);
  expect(readdirSync(folder.path)).toEqual([]);
});

it('hands no argument to a program that is not the one given', () => {
  const { status, stdout } = shell(`$VGPU run -- printf %s $'bad\\xff'`);
  expect(stdout).toBe('');
  expect(status).toBe(125);
});

it('takes the character that stands for what is not UTF-8 as what it is', () => {
  const { status } = shell(
    `$VGPU file create --rows 4 --columns 4 "$FOLDER"/$'good\\xef\\xbf\\xbd.pycauset'`,
  );
  expect(status).toBe(0);
  expect(readdirSync(folder.path)).toEqual(['good\uFFFD.pycauset']);
});

describe('where nothing may move', () => {
  const terminal = { isTTY: true };

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('a screen follows the one before: %j', (environment) => {
    expect(screenful('text', terminal, environment)).toBe('text\n\n');
  });

  it('else it takes its place', () => {
    expect(screenful('text', terminal, { TERM: 'xterm' })).toBe('\x1b[H\x1b[2Jtext\n');
    expect(screenful('text', {}, { TERM: 'xterm' })).toBe('text\n\n');
  });

  it.each([
    ['', true],
    ['1', false],
  ])('NO_COLOR=%j: progress is shown: %j', async (value, shown) => {
    vi.useFakeTimers();
    vi.stubEnv('NO_COLOR', value);
    vi.stubEnv('TERM', 'xterm');
    try {
      const written: string[] = [];
      const progress = new Progress({ ...terminal, write: (text: string) => written.push(text) });
      const work = progress.during('waiting', () => new Promise<void>((done) => setTimeout(done, 3000)));
      await vi.advanceTimersByTimeAsync(3000);
      await work;
      expect(written.length > 0).toBe(shown);
    } finally {
      vi.useRealTimers();
      vi.unstubAllEnvs();
    }
  });
});
