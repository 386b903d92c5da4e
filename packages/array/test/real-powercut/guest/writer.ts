// Runs in the guest: does the workload's steps in a folder, and acknowledges each on a raw partition once it has
// returned.
import { constants, openSync, writeSync } from 'node:fs';
import { ScratchMemory } from '@vgpu/mmap-native';
import { acknowledgementBytes, encodeAcknowledgement } from '../acknowledgement.js';
import { steps } from '../workload.js';
import { Performer } from './perform.js';

const [folder, acknowledgements] = process.argv.slice(2);
if (folder === undefined || acknowledgements === undefined) throw new Error('usage: writer FOLDER PARTITION');

const partition = openSync(acknowledgements, constants.O_WRONLY | constants.O_DIRECT);
// O_DIRECT needs an aligned address; mapped memory begins at a page.
const record = ScratchMemory.create(acknowledgementBytes).window(0, acknowledgementBytes).bytes;

await using performer = new Performer(folder);
for (const [index, step] of steps.entries()) {
  await performer.perform(step);
  encodeAcknowledgement(index, record);
  const written = writeSync(partition, record, 0, record.length, index * acknowledgementBytes);
  if (written !== record.length) throw new Error(`wrote ${written} bytes of acknowledgement ${index}`);
  if (index % 20 === 0) console.log(`vgpu: step ${index} of ${steps.length}`);
}
