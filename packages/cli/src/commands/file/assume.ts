import type { Assumption } from '@vgpu/format';
import { InvalidArgumentError, Option } from 'commander';
import { dtypeNames, structureNames } from './names.js';

export interface AssumeOptions {
  assume?: Assumption;
}

/** PyCauset saves symmetric, antisymmetric and diagonal matrices without saying so. */
export const assumeOption = () =>
  new Option(
    '--assume <structure:dtype>',
    'what the file holds, when it does not say so itself: symmetric:f64',
  ).argParser(assumption);

function assumption(text: string): Assumption {
  const [structure, dtype] = text.split(':');
  const known = structureNames.find((each) => each === structure);
  const type = dtypeNames.find((each) => each === dtype);
  if (known === undefined || known === 'unit-vector' || type === undefined) {
    throw new InvalidArgumentError(
      `It is a structure such as symmetric, a colon, and one of ${dtypeNames.join(', ')}.`,
    );
  }
  return { structure: known, dtype: type };
}
