import type { CommandFacts } from '../command-walk.js';
import { capital } from './manual.js';

/** The reference of all commands as a page. */
export function commandReference(commands: readonly CommandFacts[]): string {
  const intro = `# Commands

<!-- Generated from the command definitions by \`pnpm codegen\`: edit packages/cli/src/commands. -->

What \`vgpu --help\` and the help of each command say. Exit statuses and \`--json\` are described in
[packages/cli](../../packages/cli/README.md#vgpu-file-vgpu-clean-vgpu-torture-and-the-others); the same as a man page is
\`packages/cli/generated/vgpu.1\`.
`;
  return [intro, ...commands.map(section)].join('\n');
}

function section({
  path,
  usage,
  description,
  subcommands,
  arguments: args,
  options,
  notes,
}: CommandFacts): string {
  const parts = [`## ${path}`, `${capital(description)}.`, fence(`${path} ${usage}`)];
  if (subcommands.length > 0) {
    const rows = subcommands.map(({ name, description }) => [
      `[\`${path} ${name}\`](#${`${path} ${name}`.replaceAll(' ', '-')})`,
      description,
    ]);
    parts.push(table('command', rows));
  }
  if (args.length > 0)
    parts.push(
      table(
        'argument',
        args.map((one) => [`\`${one.name}\``, one.description]),
      ),
    );
  parts.push(
    table(
      'option',
      options.map((one) => [`\`${one.flags}\``, one.description]),
    ),
  );
  if (notes !== '') parts.push(fence(notes));
  return `${parts.join('\n\n')}\n`;
}

function table(kind: string, rows: readonly (readonly string[])[]): string {
  return [`| ${kind} | |`, '|---|---|', ...rows.map((cells) => `| ${cells.map(cell).join(' | ')} |`)].join(
    '\n',
  );
}

function cell(text: string): string {
  return text
    .replaceAll('|', '\\|')
    .replaceAll('<', '&lt;')
    .replace(/`[^`]*`/g, (code) => code.replaceAll('&lt;', '<'));
}

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}
