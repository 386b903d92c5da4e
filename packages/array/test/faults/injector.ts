// Orders for the library that lets system calls fail (test/native/fault.c), and its answers.
import { openSync, readSync, writeSync } from 'node:fs';

/** As `struct control` has them. */
const headerBytes = 32;
const nameBytes = 24;
const traceLength = 2048;
export const controlBytes = headerBytes + nameBytes * traceLength;

export interface Fault {
  /** Which call, from 1 in the order of the calls. */
  readonly index: number;
  /** The number of the error, such as EIO; `half`: the call does half of what it was asked for. */
  readonly error: number | 'half';
  /** Later calls of the same name fail too. */
  readonly again: boolean;
}

export class Injector {
  readonly #file: number;

  constructor(controlFile: string) {
    this.#file = openSync(controlFile, 'r+');
  }

  /** Counts calls from here on; without a fault they all go as they should. */
  start(fault?: Fault): void {
    const header = Buffer.alloc(headerBytes);
    header.writeUInt32LE(fault?.index ?? 0, 0);
    header.writeUInt32LE(fault?.error === 'half' ? 1 : 0, 4);
    header.writeInt32LE(fault === undefined || fault.error === 'half' ? 0 : fault.error, 8);
    header.writeUInt32LE(fault?.again === true ? 1 : 0, 12);
    writeSync(this.#file, header, 0, headerBytes, 0);
  }

  /** The names of the calls since start(); no call fails afterwards. */
  stop(): string[] {
    const control = Buffer.alloc(controlBytes);
    readSync(this.#file, control, 0, controlBytes, 0);
    const count = control.readUInt32LE(16);
    if (count > traceLength) throw new Error(`${count} calls are more than the trace holds`);
    this.start();
    return Array.from({ length: count }, (_, index) => {
      const name = control.subarray(headerBytes + index * nameBytes, headerBytes + (index + 1) * nameBytes);
      return name.subarray(0, name.indexOf(0)).toString();
    });
  }
}
