// What `vgpu file repair` finds wrong with a file, and what it would do about it.
import type { DiagnosedVersion, Diagnosis, RepairAction } from '@vgpu/array';
import type { SlotName } from '@vgpu/format';
import { CliError } from '../errors.js';
import { formatCount } from '../output/bytes.js';
import { errorDocument } from '../output/json.js';

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface Wishes {
  readonly acceptUncommitted?: boolean | undefined;
  readonly acceptDamaged?: boolean | undefined;
  readonly useSlot?: SlotName | undefined;
}

export const actionTexts: Readonly<Record<RepairAction, string>> = {
  accept: 'take the payload as it is now, for good, and compute its checksums anew',
  previous: 'make the version of the other slot the present one, and give up the one that is read now',
  mirror: 'write the slot that is not active anew, as a copy of the active one',
  trim: 'cut off the bytes at the end that belong to no version',
};

export function problemsOf(
  { error, warnings, unreferencedBytes }: Diagnosis,
  damage: Error | undefined,
): Problem[] {
  const errors = [error, damage].filter((each) => each !== undefined);
  const slots = warnings.filter(({ code }) => code === 'slot-ignored' || code === 'slots-disagree');
  const problems = [...errors.map(errorDocument), ...slots.map(({ code, message }) => ({ code, message }))];
  if (unreferencedBytes > 0) {
    const message = `${formatCount(unreferencedBytes)} bytes at the end belong to nothing`;
    problems.push({ code: 'unreferenced-bytes', message });
  }
  return problems;
}

/**
 * What was asked for, or else what loses nothing: a damaged slot, bytes that belong to nothing.
 * @throws CliError ERR_VGPU_NO_REPAIR for a wish that does not fit the file
 */
export function makePlan(diagnosis: Diagnosis, damage: Error | undefined, wishes: Wishes): RepairAction[] {
  const { path, actions, versions, warnings, error, fileBytes } = diagnosis;
  const active = versions.find((version) => version.active);
  if (wishes.acceptUncommitted) {
    if (active?.committed !== false) throw noRepair(`${path} has no update that was interrupted`);
    return [wanted('accept', diagnosis, `what the update of ${path} left cannot be read`)];
  }
  if (wishes.acceptDamaged) {
    if (damage === undefined) throw noRepair(`the payload of ${path} does not contradict its checksum`);
    return [wanted('accept', diagnosis, `the payload of ${path} cannot be read`)];
  }
  const { useSlot } = wishes;
  const other = versions.find((version) => !version.active);
  if (useSlot !== undefined && active?.slot !== useSlot) {
    const step = wanted(
      'previous',
      diagnosis,
      `slot ${useSlot} of ${path} has no version of its own to read`,
    );
    return endOf(other) < fileBytes ? [step, 'trim'] : [step];
  }
  if (useSlot === undefined && (error !== undefined || damage !== undefined)) return [];
  // An older version that is whole is no damage: only who asks for the active slot gives it up.
  const disagree = warnings.some(({ code }) => code === 'slots-disagree');
  const stale = other?.error !== undefined || disagree || useSlot !== undefined;
  return actions.filter((action) => action === 'trim' || (action === 'mirror' && stale));
}

/** Where the bytes end that a version needs; none for what cannot be read. */
function endOf(version: DiagnosedVersion | undefined): number {
  const extents = [version?.payload, version?.metadata].filter((extent) => extent !== undefined);
  return Math.max(0, ...extents.map(({ offset, length }) => offset + length));
}

function wanted(action: RepairAction, { actions }: Diagnosis, otherwise: string): RepairAction {
  if (actions.includes(action)) return action;
  throw noRepair(otherwise);
}

function noRepair(message: string): CliError {
  return new CliError('ERR_VGPU_NO_REPAIR', message, {
    remedy: 'look at it with vgpu file inspect and vgpu file verify, or restore it from a backup',
  });
}

/** The options that would help where nothing is done unasked. */
export function choicesOf({ versions, error, actions }: Diagnosis, damage: Error | undefined): string[] {
  if (error === undefined && damage === undefined) return [];
  const active = versions.find((version) => version.active);
  const other = versions.find((version) => !version.active);
  const choices: string[] = [];
  if (active?.committed === false && actions.includes('accept')) choices.push('--accept-uncommitted');
  if (damage !== undefined && actions.includes('accept')) choices.push('--accept-damaged');
  if (other?.committed === true && actions.includes('previous')) choices.push(`--use-slot ${other.slot}`);
  return choices;
}
