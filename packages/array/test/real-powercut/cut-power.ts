// All cuts of one recording.
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkFolder, type CutOutcome, Problem } from './check.js';
import { type Cut, planCuts } from './disk-model.js';
import { PowercutError } from './errors.js';
import { readAcknowledgements, readLog, type Recording, requireSameContents } from './record.js';
import { Replay, withMounted } from './replay.js';
import { steps } from './workload.js';

export interface CheckedCut extends CutOutcome {
  readonly cut: Cut;
  readonly acknowledged: number;
}

export interface CutResult {
  readonly entries: number;
  readonly flushes: number;
  readonly cuts: readonly CheckedCut[];
}

/**
 * Replays the recording up to each of at least `count` points and checks what is there then. O(cuts × size of the
 * file system's contents).
 * @throws PowercutError where the recording is incomplete or not to be read
 */
export async function cutPower(
  recording: Recording,
  { count, seed, signal }: { count: number; seed: number; signal: AbortSignal },
  onCut: (checked: CheckedCut, index: number, total: number) => void,
): Promise<CutResult> {
  const logFile = openSync(recording.log, 'r');
  // Images are rewritten for each cut: in memory, where the system has a place for that.
  const workspace = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vgpu-powercut-'));
  try {
    const log = readLog(logFile);
    const acknowledgements = readAcknowledgements(log, logFile, recording.layout);
    requireAllSteps(acknowledgements.length);
    const mountPoint = join(workspace, 'mounted');
    mkdirSync(mountPoint);
    using replay = new Replay(log, logFile, recording.layout.files, recording.initialImage, workspace);
    const plan = planCuts(log, acknowledgements, count, seed);
    const cuts: CheckedCut[] = [];
    for (const [index, cut] of plan.entries()) {
      signal.throwIfAborted();
      const acknowledged = acknowledgements.filter((entry) => entry < cut.position).length;
      const image = replay.imageAt(cut);
      const outcome = await checkImage(image, recording, mountPoint, acknowledged);
      rmSync(image);
      const checked = { cut, acknowledged, ...outcome };
      cuts.push(checked);
      onCut(checked, index, plan.length);
    }
    requireSameContents(replay.finalImage(), recording);
    return { entries: log.entries.length, flushes: log.entries.filter((entry) => entry.flush).length, cuts };
  } finally {
    closeSync(logFile);
    rmSync(workspace, { recursive: true });
  }
}

async function checkImage(
  image: string,
  { filesystem }: Recording,
  mountPoint: string,
  acknowledged: number,
): Promise<CutOutcome> {
  try {
    return await withMounted(image, filesystem, mountPoint, (folder) => checkFolder(folder, acknowledged));
  } catch (error) {
    if (!(error instanceof PowercutError)) throw error;
    const problem = new Problem('not mounted', filesystem, error.message, { cause: error });
    return { problems: [problem], files: 0, inFlight: 'none', repaired: 0 };
  }
}

function requireAllSteps(acknowledged: number): void {
  if (acknowledged === steps.length) return;
  throw new PowercutError(
    'ERR_VGPU_POWERCUT_WRITE_LOG',
    `the log acknowledges ${acknowledged} of ${steps.length} steps`,
    {
      values: { acknowledged, steps: steps.length },
      remedy: 'Record the log again: the guest stopped early.',
    },
  );
}
