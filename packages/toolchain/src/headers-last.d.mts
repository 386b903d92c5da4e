/** A shared library with its program headers last, so that the loader leaves it out when it has lost its end. */
export function headersLast(file: Buffer): Buffer;
/** The same as the linker left it, for programs that know no other place. */
export function headersFirst(file: Buffer): Buffer;
