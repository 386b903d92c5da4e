// Arrays on disk alone: what there is for Windows.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as array from '@vgpu/array';
import * as format from '@vgpu/format';
import * as mmap from '@vgpu/mmap-native';
import { arraysOnDisk } from './exercise.cjs';

const folder = mkdtempSync(join(tmpdir(), 'vgpu-smoke-'));
try {
  await arraysOnDisk({ array, format, mmap }, join(folder, 'a.pycauset'));
} finally {
  rmSync(folder, { recursive: true });
}
console.log('works');
