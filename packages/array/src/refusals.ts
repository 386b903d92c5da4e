// The errors of an array that is asked for what it cannot do now.
import type { ArrayDescriptor } from '@vgpu/format';
import { ArrayError } from './errors.js';

export function busy(name: string): ArrayError {
  return new ArrayError('ERR_VGPU_ARRAY_BUSY', `${name} is still running`, {
    values: { running: name },
    remedy: `Await ${name}() first.`,
  });
}

export function readOnly(path: string): ArrayError {
  return new ArrayError('ERR_VGPU_ARRAY_READ_ONLY', `${path} was opened for reading only`, {
    values: { path },
    remedy: 'Open it with the option `update`.',
  });
}

export function storesNothing({ structure }: ArrayDescriptor): ArrayError {
  return new ArrayError('ERR_VGPU_ARRAY_STRUCTURE', `a ${structure} array stores no elements of its own`, {
    values: { structure },
    remedy: structure === 'block' ? 'Open its blocks.' : 'Read its values with get().',
  });
}

export function changed(path: string, during: string): ArrayError {
  return new ArrayError('ERR_VGPU_ARRAY_CHANGED', `${path} was updated or closed during ${during}`, {
    values: { path },
    remedy: 'Start again.',
  });
}
