// What the documents tell people to type.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

export interface Document {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** A fence of shell commands, or the examples of one command's help. */
export interface Block {
  readonly path: string;
  /** The line in the document that the block begins at. */
  readonly line: number;
  /** One command each, without prompts, output, and what is said beside them. */
  readonly commands: readonly string[];
}

const markdownIn = (folder: string) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));

export const documents: readonly Document[] = [
  ...['README.md', 'CONTRIBUTING.md'],
  ...markdownIn('docs'),
  'docs/reference/commands.md',
  ...readdirSync(join(root, 'packages')).map((name) => join('packages', name, 'README.md')),
].map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));

/** Fences say what is in them: `sh` is commands, `console` commands behind `$` and their output, `text` neither. */
export function blocksOf({ path, text }: Document): Block[] {
  const examples = [...text.matchAll(/^Examples:\n((?: {2}.+\n)+)/gm)].map(({ index, 1: content = '' }) => ({
    index,
    lines: content.split('\n'),
  }));
  const shell = fencesIn(text)
    .filter(({ kind }) => kind === 'sh' || kind === 'console')
    .map(({ index, kind, content }) => {
      const lines = content.replace(/\\\n\s*/g, '').split('\n');
      return { index, lines: kind === 'sh' ? lines : lines.filter((line) => line.startsWith('$ ')) };
    });
  return [...shell, ...examples].map(({ index, lines }) => ({
    path,
    line: text.slice(0, index).split('\n').length,
    commands: lines.map(commandIn).filter((command) => command !== ''),
  }));
}

/** Without the prompt, and without what the line means, which is behind a wide gap. */
function commandIn(line: string): string {
  return line
    .replace(/^\$ /, '')
    .trim()
    .replace(/(^| {2,})#.*$| {4,}.*$/, '');
}

/** Fences that do not say what is in them, and have what looks like a command. */
export function unmarkedCommands({ text }: Document): string[] {
  return fencesIn(text)
    .filter(({ kind }) => kind === '')
    .flatMap(({ content }) => content.split('\n'))
    .filter((line) => /^(\$ |(sudo|npx|pnpm|vgpu) )/.test(line));
}

/** What the text itself names: `pnpm …` between backticks. */
export function inlineCommands({ text }: Document): string[] {
  const prose = text.replace(FENCE, '');
  return [...prose.matchAll(/`(pnpm [^`]+)`/g)].map(([, command = '']) => command.replaceAll('\\|', '|'));
}

const FENCE = /^```([^\n]*)\n([\s\S]*?)^```$/gm;

function fencesIn(text: string) {
  return [...text.matchAll(FENCE)].map(({ index, 1: kind = '', 2: content = '' }) => ({
    index,
    kind,
    content,
  }));
}
