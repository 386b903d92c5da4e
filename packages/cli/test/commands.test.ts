// What holds for every command: the tests walk the tree of commands, so a new one is tested as soon as it is registered.
import { describe, expect, it } from 'vitest';
import { commandTree } from '../src/command-tree.js';
import { examplesOf, walk } from '../src/command-walk.js';
import { nearest } from '../src/nearest.js';
import { manualPage } from '../src/reference/manual.js';
import { callsIn, parse } from './command-line.js';
import { failureSchema } from './schemas.js';
import { Folder, vgpu, vgpuMany } from './vgpu.js';

const ESCAPE = String.fromCharCode(27);
const commands = walk(commandTree('0.0.0'));
const leaves = commands.filter(({ subcommands }) => subcommands.length === 0);

/** Those without --json, and why. */
const withoutJson: Readonly<Record<string, string>> = {
  'vgpu run': "stdout is the program's",
  'vgpu trace': "stdout is the program's; --format jsonl writes lines of JSON elsewhere",
  'vgpu executor serve': 'it ends when it is told to',
  'vgpu completion': 'a script for a shell',
};
/** They exit as the program that they run; what vgpu itself has to say is 125. */
const running = ['vgpu run', 'vgpu trace', 'vgpu profile', 'vgpu demo'];

it('there are commands', () => expect(leaves.length).toBeGreaterThan(25));

describe.each(commands.map((command) => [command.path, command] as const))('%s', (path, command) => {
  const words = path.split(' ').slice(1);

  it('says what it does, and what each argument and option means', () => {
    expect(command.description).toMatch(/^\S.*[^.\s]$/);
    for (const { description } of [...command.arguments, ...command.options]) {
      expect(description, path).not.toBe('');
    }
  });

  it('prints its help on stdout', async () => {
    const { stdout, stderr, error } = await parse([...words, '--help']);
    expect(stderr).toBe('');
    expect(error).toMatchObject({ exitCode: 0 });
    expect(stdout).toContain(`Usage: ${path}`);
    expect(stdout).toContain('Examples:');
  });

  it('has examples that it understands', async () => {
    const examples = examplesOf(command);
    expect(examples.length).toBeGreaterThan(0);
    const calls = examples.flatMap(callsIn);
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      // `vgpu help run` throws what --help throws.
      const { error } = await parse(call);
      expect<unknown>(error ?? { exitCode: 0 }, call.join(' ')).toMatchObject({ exitCode: 0 });
    }
  });
});

describe('vgpu help', () => {
  it.each([
    [['help'], 'Usage: vgpu [options] [command]'],
    [['help', 'run'], 'Usage: vgpu run '],
    [['help', 'shim', 'install'], 'Usage: vgpu shim install '],
    [['shim', 'help', 'install'], 'Usage: vgpu shim install '],
    [['help', 'help'], 'Usage: vgpu help '],
  ])('%j', async (words, start) => {
    const { stdout, stderr, error } = await parse(words);
    expect<unknown>(error ?? { exitCode: 0 }).toMatchObject({ exitCode: 0 });
    expect(stderr).toBe('');
    expect(stdout.startsWith(start)).toBe(true);
  });

  it.each([
    [['help', 'frob'], "unknown command 'frob'", 'see `vgpu --help`'],
    [['help', 'runn'], "unknown command 'runn'", 'did you mean run? Else see `vgpu --help`'],
    [
      ['help', 'shim', 'instal'],
      "unknown command 'instal'",
      'did you mean install? Else see `vgpu shim --help`',
    ],
    [['help', 'run', 'program'], "unknown command 'program'", 'see `vgpu run --help`'],
  ])('%j', async (words, message, remedy) => {
    expect((await parse(words)).error).toMatchObject({ code: 'ERR_VGPU_USAGE', message, remedy });
  });
});

it('an example that is wrong is noticed', async () => {
  for (const call of [['file', 'inspect', '--nosuch', 'x'], ['file', 'inspect'], ['nosuch']]) {
    expect((await parse(call)).error, call.join(' ')).toMatchObject({ code: 'ERR_VGPU_USAGE' });
  }
  expect(callsIn('sudo vgpu shim install --executor x && sudo vgpu shim confirm')).toEqual([
    ['shim', 'install', '--executor', 'x'],
    ['shim', 'confirm'],
  ]);
  expect(callsIn('eval "$(vgpu executor start)" && vgpu run -- ./program')).toHaveLength(2);
});

describe.each(leaves.map((command) => [command.path, command] as const))('%s', (path, command) => {
  const words = path.split(' ').slice(1);

  it('says what its exit status means', () => expect(command.notes).toContain('Exit status: '));

  it('has --json, or there is a reason', () => {
    const has = command.options.some(({ names }) => names.includes('--json'));
    expect(has, withoutJson[path]).toBe(!(path in withoutJson));
  });

  it('refuses an option that is mistyped, and names the right one', async () => {
    // Options that a command insists on are looked at first.
    const mandatory = path === 'vgpu file create' ? ['--rows', '1'] : [];
    const { stdout, stderr, error } = await parse([...words, ...mandatory, '--hepl']);
    expect(error).toMatchObject({
      code: 'ERR_VGPU_USAGE',
      command: words.join(' '),
      message: "unknown option '--hepl'",
      remedy: `did you mean --help? Else see \`${path} --help\``,
    });
    // It is printed once, by whoever catches it.
    expect(stdout + stderr).toBe('');
  });
});

it('exits with 1 when called wrongly, and with 125 where it would run a program', async () => {
  const folder = new Folder();
  try {
    const calls = leaves.map(({ path }) => [...path.split(' ').slice(1), '--hepl']);
    const codes = await vgpuMany(folder, [...calls, ['nosuch'], ['file', 'nosuch'], []]);
    const expected = leaves.map(({ path }) => (running.includes(path) ? 125 : 1));
    expect(codes).toEqual([...expected, 1, 1, 1]);
  } finally {
    folder.remove();
  }
});

it.each([
  [1, ['file', 'inspect']],
  [1, ['shim', 'status']],
  [125, ['demo']],
  [1, ['nosuch']],
])('exits with %i and says why in JSON where JSON was asked for: %j', async (failure, words) => {
  const { code, stdout } = await vgpu(...words, '--hepl', '--json');
  expect(code).toBe(failure);
  expect(failureSchema.parse(JSON.parse(stdout))).toMatchObject({
    command: words.join(' '),
    error: { code: 'ERR_VGPU_USAGE' },
  });
});

it('says what is wrong with a call as it says what else is wrong: with code and remedy', async () => {
  expect(await vgpu('file', 'inspect')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      "vgpu: missing required argument 'file' [ERR_VGPU_USAGE]\n  remedy: see `vgpu file inspect --help`\n",
  });
});

it('an argument is no part of the name of the command that failed', async () => {
  const { stdout } = await vgpu('compute', 'sum', '--nope', '--json');
  expect(failureSchema.parse(JSON.parse(stdout))).toMatchObject({ command: 'compute' });
});

it.each([
  ['matmull', ['matmul']],
  ['topK', ['top-k']],
  ['zzz', []],
  ['', []],
])('the operation %j may have been meant as %j', (word, meant) => {
  expect(nearest(word, ['sum', 'matmul', 'matvec', 'top-k'])).toEqual(meant);
});

it.each(commands.slice(1).map(({ path }) => path))('%s is suggested when mistyped', async (path) => {
  const words = path.split(' ').slice(1);
  const last = words.pop() ?? '';
  const { error } = await parse([...words, `${last}${last.at(-1)}`]);
  expect(error).toMatchObject({
    code: 'ERR_VGPU_USAGE',
    remedy: expect.stringMatching(new RegExp(`^did you mean (one of )?.*\\b${last}\\b`)),
  });
});

it('no command paints or animates where nobody looks, and NO_COLOR is kept', async () => {
  // Through a pipe, which is no terminal, even where somebody claims colours.
  const calls = [
    ['--help'],
    ['nosuch'],
    ['clean', '--dry-run'],
    ['executor', 'status'],
    ['file', 'verify', 'nosuch.npy'],
  ];
  for (const call of calls) {
    const { stdout, stderr } = await vgpu(...call);
    expect([...(stdout + stderr)].filter((letter) => letter === ESCAPE || letter === '\r')).toEqual([]);
  }
});

it('the man page has every command and option', () => {
  const page = manualPage(commands).replaceAll('\\-', '-');
  for (const { path, options } of leaves) {
    expect(page).toContain(`.SS "${path} `);
    for (const { flags } of options) expect(page).toContain(`.B ${flags}\n`);
  }
});
