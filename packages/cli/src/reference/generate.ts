// `pnpm codegen`: what is committed and follows from the command definitions and from the error codes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { commandTree } from '../command-tree.js';
import { walk } from '../command-walk.js';
import { definedCodes } from './error-codes.js';
import { errorReference, remedyModule } from './error-page.js';
import { manualPage } from './manual.js';
import { commandReference } from './markdown.js';

const root = join(import.meta.dirname, '../../../..');
const commands = walk(commandTree(''));
const codes = definedCodes(root);

write('packages/cli/generated/vgpu.1', manualPage(commands));
write('packages/cli/generated/remedies.ts', remedyModule(codes));
write('docs/reference/commands.md', commandReference(commands));
write('docs/reference/errors.md', errorReference(codes));

function write(name: string, text: string): void {
  const path = join(root, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
