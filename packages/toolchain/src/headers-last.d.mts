/** A shared library with its program headers last, so that the loader leaves it out when it has lost its end. */
export function headersLast(file: Buffer): Buffer;
