// Holds scratch files in a directory until its input ends: keeper DIRECTORY.
import { basename } from 'node:path';
import { ScratchMemory } from '@vgpu/mmap-native';

const [directory = ''] = process.argv.slice(2);
const held = [1, 2].map(() => ScratchMemory.create(64 * 1024, { directory, named: true }));
console.log(JSON.stringify(held.map(({ path = '' }) => basename(path))));
process.stdin.resume();
process.stdin.on('end', () => {
  for (const memory of held) memory.close();
});
