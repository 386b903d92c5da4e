import { MappedFile, replaceFileAsync } from '@vgpu/mmap-native';
import { progressBar } from '../output/progress-bar.js';

const pieceBytes = 4 * 1024 * 1024;

interface BackupOptions {
  readonly signal: AbortSignal;
  detail(text: string): void;
}

/** A copy of the file, whole or absent; what is zero takes no disk space in it. */
export async function backUp(path: string, backup: string, { signal, detail }: BackupOptions): Promise<void> {
  const bar = progressBar();
  const source = await MappedFile.openAsync(path, { access: 'read', lock: 'shared' });
  try {
    const { size } = source;
    await replaceFileAsync(
      backup,
      async (file) => {
        const piece = new Uint8Array(pieceBytes);
        const zeros = Buffer.alloc(pieceBytes);
        for (let offset = 0; offset < size; offset += pieceBytes) {
          signal.throwIfAborted();
          const bytes = piece.subarray(0, await source.readAsync(offset, piece));
          if (!zeros.subarray(0, bytes.length).equals(bytes)) await file.writeAsync(offset, bytes);
          detail(bar(offset + bytes.length, size));
        }
      },
      { size, reserve: false, signal },
    );
  } finally {
    source.close();
  }
}
