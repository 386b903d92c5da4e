// The blocks of a block matrix, each a file of its own in the folder beside it.
import { join } from 'node:path';
import { type BlockDescriptor, blockReader, structuredReader, type ValueReader } from '@vgpu/format';
import { isMmapError, MappedFile } from '@vgpu/mmap-native';
import { StoredElements } from './stored-elements.js';
import { readVersion, type Version } from './version.js';
import { Windows } from './windows.js';

interface OpenBlock {
  readonly windows: Windows;
  readonly version: Version;
}

export class BlockMatrix {
  readonly values: ValueReader;
  readonly #blocks: readonly OpenBlock[];

  private constructor(values: ValueReader, blocks: readonly OpenBlock[]) {
    this.values = values;
    this.#blocks = blocks;
  }

  /** Opens every block for reading. @throws FormatError ERR_VGPU_FORMAT_BLOCKS */
  static async open(path: string, descriptor: BlockDescriptor): Promise<BlockMatrix> {
    const blocks = new Map<string, OpenBlock>();
    try {
      for (const { path: name } of descriptor.blocks.flat()) {
        if (blocks.has(name)) continue;
        const block = await openBlock(join(`${path}.blocks`, name));
        if (block !== undefined) blocks.set(name, block);
      }
      const values = blockReader(descriptor, (name) => {
        const block = blocks.get(name);
        if (block === undefined) return undefined;
        return { descriptor: block.version.descriptor, values: () => valuesOf(block) };
      });
      return new BlockMatrix(values, [...blocks.values()]);
    } catch (error) {
      for (const { windows } of blocks.values()) windows.file.close();
      throw error;
    }
  }

  close(): void {
    for (const { windows } of this.#blocks) {
      windows.close();
      windows.file.close();
    }
  }
}

/** undefined where there is no file. */
async function openBlock(path: string): Promise<OpenBlock | undefined> {
  let file: MappedFile;
  try {
    file = await MappedFile.openAsync(path, { access: 'read', lock: 'shared' });
  } catch (error) {
    if (isMmapError(error) && error.code === 'ERR_VGPU_MMAP_NOT_FOUND') return undefined;
    throw error;
  }
  try {
    const version = await readVersion(file);
    return { windows: new Windows(file, version.payload), version };
  } catch (error) {
    file.close();
    throw error;
  }
}

function valuesOf({ windows, version: { descriptor, layout } }: OpenBlock): ValueReader {
  if (descriptor.structure === 'block') throw new Error('unreachable: blocks of blocks are refused');
  const elements = new StoredElements(windows, layout, descriptor.dtype);
  return structuredReader(descriptor, layout, (position) => {
    const value = elements.read(position);
    windows.check();
    return value;
  });
}
