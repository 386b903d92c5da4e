// `pnpm codegen`: what is committed and follows from the command definitions.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandTree } from '../command-tree.js';
import { walk } from '../command-walk.js';
import { manualPage } from './manual.js';
import { commandReference } from './markdown.js';

const folder = join(import.meta.dirname, '../..');
const commands = walk(commandTree(''));

write(join(folder, 'generated/vgpu.1'), manualPage(commands));
write(join(folder, '../../docs/reference/commands.md'), commandReference(commands));

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
