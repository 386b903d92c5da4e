import { existsSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SystemRoot } from '../../src/shim/root.js';
import { undo } from '../../src/shim/undo.js';
import { Folder } from '../vgpu.js';

let folder: Folder;
beforeEach(() => {
  folder = new Folder();
});
afterEach(() => folder.remove());

it('leaves the installation before alone where the switch has undone the one that is meant', async () => {
  mkdirSync(folder.at('var/lib/vgpu-shim/1'), { recursive: true });
  expect(await undo(new SystemRoot(folder.at('.')), 2)).toEqual({ lines: [], remarks: '' });
  expect(existsSync(folder.at('var/lib/vgpu-shim/1'))).toBe(true);
});
