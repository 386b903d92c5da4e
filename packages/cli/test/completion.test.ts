// Completions in the shells themselves.
import { spawnSync } from 'node:child_process';
import { findCommand, requireCommands } from '@vgpu/toolchain/system-packages';
import { describe, expect, it } from 'vitest';
import { commandTree } from '../src/command-tree.js';
import { completionScript } from '../src/completion/scripts.js';

const program = commandTree('0.0.0');

/** Words typed so far, the last one unfinished, and what must and must not be offered for it. */
const cases: readonly [typed: string[], offered: string[], not: string[]][] = [
  [
    ['vgpu', ''],
    ['run', 'file', 'completion'],
    ['inspect', '--json'],
  ],
  [['vgpu', 'file', ''], ['inspect', 'repair'], ['run']],
  [['vgpu', 'file', 'in'], ['inspect'], ['repair']],
  [['vgpu', 'file', 'create', '--'], ['--rows', '--json'], ['--gpu']],
  [['vgpu', 'file', 'create', '--dtype', 'cf'], ['cf16', 'cf32', 'cf64'], ['f64']],
  [['vgpu', 'run', '--gpu', ''], ['auto', 'real', 'software'], ['--quiet']],
  [['vgpu', 'completion', ''], ['bash', 'zsh', 'fish'], []],
  // Behind `--` it is another program's command line.
  [['vgpu', 'run', '--', 'file', ''], [], ['inspect', 'create']],
];

function output(shell: string, script: string): string[] {
  const { status, stdout, stderr } = spawnSync(shell, ['-c', script], { encoding: 'utf8', timeout: 60_000 });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.split('\n').filter(Boolean);
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

function inBash(typed: readonly string[]): string[] {
  return output(
    'bash',
    `${completionScript('bash', program)}
COMP_WORDS=(${quoted(typed)}); COMP_CWORD=${typed.length - 1}; _vgpu; printf '%s\\n' "\${COMPREPLY[@]}"`,
  );
}

/** zsh completes only where somebody types, so the functions that would show something print it instead. */
function inZsh(typed: readonly string[]): string[] {
  const offers = output(
    'zsh',
    `compdef() { : }
_describe() { print -l -- "\${(@)\${(@P)@[-1]}%%:*}" }
_files() { : }
${completionScript('zsh', program)}
words=(${quoted(typed)}); CURRENT=${typed.length}; _vgpu`,
  );
  return offers.filter((word) => word.startsWith(typed.at(-1) ?? ''));
}

function inFish(typed: readonly string[]): string[] {
  const line = typed.join(' ');
  const offers = output('fish', `${completionScript('fish', program)}\ncomplete -C '${line}'`);
  return offers.map((offer) => offer.split('\t')[0] ?? '');
}

const shells = { bash: inBash, zsh: inZsh, fish: inFish };

describe.each(Object.entries(shells))('%s', (shell, complete) => {
  try {
    requireCommands([shell]);
  } catch (error) {
    console.warn(`skipped: completions in ${shell}: ${String(error)}`);
  }

  it.skipIf(findCommand(shell) === undefined).each(cases)('%j', (typed, offered, not) => {
    const words = complete(typed);
    expect(words).toEqual(expect.arrayContaining(offered));
    for (const word of not) expect(words).not.toContain(word);
  });
});
