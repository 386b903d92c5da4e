// Single stored elements, wherever in the payload they lie.
import {
  type Complex,
  type Dtype,
  float16ToNumber,
  numberToFloat16,
  type PayloadLayout,
  readElement,
  type Scalar,
  writeElement,
} from '@vgpu/format';
import type { Windows } from './windows.js';

/** Positions are those of `PayloadLayout.bitOffset`: bits from the start of the first plane. */
export class StoredElements {
  readonly #windows: Windows;
  readonly #dtype: Dtype;
  readonly #planeBytes: number;

  constructor(windows: Windows, layout: PayloadLayout, dtype: Dtype) {
    this.#windows = windows;
    this.#dtype = dtype;
    this.#planeBytes = layout.planeBytes;
  }

  read(position: number): Scalar {
    const windows = this.#windows;
    const offset = Math.floor(position / 8);
    const view = windows.view(offset);
    const within = windows.within(offset);
    if (this.#dtype === 'bit') return (view.getUint8(within) >> (position % 8)) & 1;
    if (this.#dtype !== 'cf16') return readElement(view, within, this.#dtype);
    const imaginary = this.#planeBytes + offset;
    return {
      re: float16ToNumber(view.getUint16(within, true)),
      im: float16ToNumber(windows.view(imaginary).getUint16(windows.within(imaginary), true)),
    };
  }

  /** `value` has gone through checkScalar. */
  write(position: number, value: Scalar): void {
    const windows = this.#windows;
    const offset = Math.floor(position / 8);
    const view = windows.view(offset);
    const within = windows.within(offset);
    if (this.#dtype === 'bit') {
      const mask = 1 << (position % 8);
      const byte = view.getUint8(within);
      view.setUint8(within, value === 1 ? byte | mask : byte & ~mask);
    } else if (this.#dtype === 'cf16') {
      const { re, im } = value as Complex;
      const imaginary = this.#planeBytes + offset;
      view.setUint16(within, numberToFloat16(re), true);
      windows.view(imaginary).setUint16(windows.within(imaginary), numberToFloat16(im), true);
    } else {
      writeElement(view, within, this.#dtype, value);
    }
  }
}
