// Damage comes later too: whenever the slots are flushed, losing the newer one must not bring back a version whose
// bytes are in use for something else by then.
import { containerHeaderBytes, readContainerHeader, slotOffset } from '@vgpu/format';
import { type Checker, Violation } from './checker.js';
import { type CrashOptions, crashPoints } from './crash-points.js';
import { CrashStates } from './crash-states.js';
import { FoundViolation } from './explore.js';
import type { FileSystemModel } from './file-system-model.js';
import type { Recording } from './recording.js';
import { target } from './scenarios.js';

/** Returns how many states were tried. @throws FoundViolation */
export async function exploreDamagedSlots(
  recording: Recording,
  checker: Checker,
  options: CrashOptions = {},
): Promise<number> {
  const crashOptions = { ...options, firstVersion: checker.firstVersion };
  // What the program believes, and what the disk did.
  const believed = crashPoints(recording, { ...crashOptions, ignored: [] });
  let states = 0;
  for (const { operation, model, allowed, minor } of crashPoints(recording, crashOptions)) {
    const belief = believed.next().value?.model;
    if (minor || belief === undefined || !slotsAreFlushed(belief)) continue;
    for (const choice of new CrashStates(model).typical()) {
      const files = model.after(choice);
      const file = files.get(target);
      if (file === undefined) continue;
      loseNewerSlot(file);
      try {
        await checker.check(files, allowed);
      } catch (error) {
        if (error instanceof Violation) throw new FoundViolation(error, operation, files);
        throw error;
      }
      states += 1;
    }
  }
  return states;
}

function slotsAreFlushed(model: FileSystemModel): boolean {
  return model.pendingNames === 0 && model.pendingFiles.every((file) => !file.pending.has(0));
}

function loseNewerSlot(file: Uint8Array): void {
  const { active } = readContainerHeader(file);
  const [a, b] = [slotOffset('A'), slotOffset('B')];
  if (active === 'A') file.fill(0, a, b);
  else file.fill(0, b, containerHeaderBytes);
}
