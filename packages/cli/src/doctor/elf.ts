// What a program or library wants of others, read from an ELF file (System V ABI, "Object Files"; the GNU symbol
// versions are in the Linux Standard Base, "Symbol Versioning"). 64-bit, little-endian. Nothing in the file is believed.
import { CliError } from '../errors.js';

/** A function that the file takes from another one, or offers to others. */
export interface DynamicSymbol {
  readonly name: string;
  /** The version that is asked for or offered, such as "libcudart.so.13"; undefined where it has none. */
  readonly version: string | undefined;
}

export interface ElfFile {
  /** Libraries that the loader must find. */
  readonly needed: readonly string[];
  readonly imports: readonly DynamicSymbol[];
  readonly exports: readonly DynamicSymbol[];
  /** The bytes of device code that nvcc put in, or undefined. */
  readonly fatBinary: Buffer | undefined;
  /** Runs by itself; false for most libraries. */
  readonly interpreter: string | undefined;
  /** ET_DYN is 3. */
  readonly type: number;
  /** EM_X86_64 is 62, EM_AARCH64 183. */
  readonly machine: number;
  /** The name by which others need it. */
  readonly soname: string | undefined;
  /** Folders that the loader would search for what it needs. */
  readonly searchPath: string | undefined;
  /** Versions that it takes or offers, such as "GLIBC_2.17". */
  readonly versionsNeeded: readonly string[];
  readonly versionsDefined: readonly string[];
  /** Code that the loader has to change. */
  readonly textRelocations: boolean;
  /** Asks for a stack that can be executed, or does not say that it needs none. */
  readonly executableStack: boolean;
  /** Its program headers are its last bytes: the loader leaves it out when it has lost its end. */
  readonly headersLast: boolean;
}

interface Section {
  readonly name: string;
  readonly link: number;
  readonly bytes: Buffer;
}

const MAGIC = 0x7f454c46;
const SECTION_HEADER_BYTES = 64;
const SYMBOL_BYTES = 24;
const DYNAMIC_ENTRY_BYTES = 16;
const DYNAMIC_NEEDED = 1n;
const DYNAMIC_SONAME = 14n;
const DYNAMIC_RPATH = 15n;
const DYNAMIC_TEXTREL = 22n;
const DYNAMIC_RUNPATH = 29n;
const DYNAMIC_FLAGS = 30n;
const FLAG_TEXTREL = 4n;
const PROGRAM_HEADER_BYTES = 56;
const PROGRAM_HEADER_STACK = 0x6474e551;
const EXECUTABLE = 1;
const SECTION_WITHOUT_BYTES = 8;
const VERSION_MASK = 0x7fff;

/** True for a 64-bit little-endian ELF file. */
export function isElf(bytes: Buffer): boolean {
  return bytes.length >= 64 && bytes.readUInt32BE(0) === MAGIC && bytes[4] === 2 && bytes[5] === 1;
}

/** @throws CliError ERR_VGPU_BAD_PROGRAM for a file that contradicts itself or has no section headers */
export function readElf(path: string, bytes: Buffer): ElfFile {
  try {
    return read(bytes);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CliError('ERR_VGPU_BAD_PROGRAM', `${path} is damaged: an offset in it leads out of it`, {
      cause,
    });
  }
}

function read(bytes: Buffer): ElfFile {
  const sections = readSections(bytes);
  const section = (name: string) => sections.find((candidate) => candidate.name === name);
  const { imports, exports } = readSymbols(sections);
  const interpreter = section('.interp')?.bytes;
  const dynamic = readDynamic(sections);
  const name = (tag: bigint) => dynamic.find((entry) => entry.tag === tag)?.text;
  const headers = programHeaders(bytes);
  return {
    type: bytes.readUInt16LE(16),
    machine: bytes.readUInt16LE(18),
    soname: name(DYNAMIC_SONAME),
    searchPath: name(DYNAMIC_RUNPATH) ?? name(DYNAMIC_RPATH),
    versionsNeeded: versionNames(sections, '.gnu.version_r', neededVersions).map(([, version]) => version),
    versionsDefined: versionNames(sections, '.gnu.version_d', definedVersions).map(([, version]) => version),
    textRelocations: dynamic.some(
      ({ tag, value }) => tag === DYNAMIC_TEXTREL || (tag === DYNAMIC_FLAGS && (value & FLAG_TEXTREL) !== 0n),
    ),
    executableStack: hasExecutableStack(headers.table),
    headersLast: headers.end === bytes.length,
    needed: dynamic.filter(({ tag }) => tag === DYNAMIC_NEEDED).map(({ text }) => text),
    imports,
    exports,
    fatBinary: section('.nv_fatbin')?.bytes,
    interpreter: interpreter && stringAt(interpreter, 0),
  };
}

function readSections(bytes: Buffer): Section[] {
  const table = Number(bytes.readBigUInt64LE(40));
  const count = bytes.readUInt16LE(60);
  const headers = Array.from({ length: count }, (_, index) =>
    slice(bytes, table + index * SECTION_HEADER_BYTES, SECTION_HEADER_BYTES),
  );
  const contents = headers.map((header) =>
    header.readUInt32LE(4) === SECTION_WITHOUT_BYTES
      ? Buffer.alloc(0)
      : slice(bytes, Number(header.readBigUInt64LE(24)), Number(header.readBigUInt64LE(32))),
  );
  const names = contents[bytes.readUInt16LE(62)] ?? Buffer.alloc(0);
  return headers.map((header, index) => ({
    name: stringAt(names, header.readUInt32LE(0)),
    link: header.readUInt32LE(40),
    bytes: contents[index] ?? Buffer.alloc(0),
  }));
}

interface DynamicEntry {
  readonly tag: bigint;
  readonly value: bigint;
  /** Of those whose value says where a string is; otherwise empty. */
  readonly text: string;
}

function readDynamic(sections: readonly Section[]): DynamicEntry[] {
  const dynamic = sections.find(({ name }) => name === '.dynamic');
  const strings = dynamic && sections[dynamic.link];
  if (!strings) return [];
  const named = [DYNAMIC_NEEDED, DYNAMIC_SONAME, DYNAMIC_RPATH, DYNAMIC_RUNPATH];
  return records(dynamic.bytes, DYNAMIC_ENTRY_BYTES).map((entry) => {
    const tag = entry.readBigUInt64LE(0);
    const value = entry.readBigUInt64LE(8);
    return { tag, value, text: named.includes(tag) ? stringAt(strings.bytes, Number(value)) : '' };
  });
}

function programHeaders(bytes: Buffer): { table: Buffer; end: number } {
  const [begin, size] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(56) * PROGRAM_HEADER_BYTES];
  return { table: slice(bytes, begin, size), end: begin + size };
}

function hasExecutableStack(table: Buffer): boolean {
  const stack = records(table, PROGRAM_HEADER_BYTES).find(
    (header) => header.readUInt32LE(0) === PROGRAM_HEADER_STACK,
  );
  return stack === undefined || (stack.readUInt32LE(4) & EXECUTABLE) !== 0;
}

function readSymbols(sections: readonly Section[]): Pick<ElfFile, 'imports' | 'exports'> {
  const table = sections.find(({ name }) => name === '.dynsym');
  const strings = table && sections[table.link]?.bytes;
  if (!strings) return { imports: [], exports: [] };
  const versions = sections.find(({ name }) => name === '.gnu.version')?.bytes;
  const names = new Map([
    ...versionNames(sections, '.gnu.version_r', neededVersions),
    ...versionNames(sections, '.gnu.version_d', definedVersions),
  ]);
  const imports: DynamicSymbol[] = [];
  const exports: DynamicSymbol[] = [];
  records(table.bytes, SYMBOL_BYTES).forEach((symbol, index) => {
    const name = stringAt(strings, symbol.readUInt32LE(0));
    if (name === '') return;
    const version = versions && names.get(versions.readUInt16LE(index * 2) & VERSION_MASK);
    (symbol.readUInt16LE(6) === 0 ? imports : exports).push({ name, version });
  });
  return { imports, exports };
}

type VersionReader = (bytes: Buffer, strings: Buffer) => [number, string][];

function versionNames(
  sections: readonly Section[],
  name: string,
  readAll: VersionReader,
): [number, string][] {
  const section = sections.find((candidate) => candidate.name === name);
  const strings = section && sections[section.link]?.bytes;
  return strings ? readAll(section.bytes, strings) : [];
}

const neededVersions: VersionReader = (bytes, strings) =>
  chain(bytes, 0, 12).flatMap((library) =>
    chain(bytes, library + bytes.readUInt32LE(library + 8), 12, bytes.readUInt16LE(library + 2)).map(
      (entry): [number, string] => [
        bytes.readUInt16LE(entry + 6) & VERSION_MASK,
        stringAt(strings, bytes.readUInt32LE(entry + 8)),
      ],
    ),
  );

const definedVersions: VersionReader = (bytes, strings) =>
  chain(bytes, 0, 16).map((entry) => [
    bytes.readUInt16LE(entry + 4) & VERSION_MASK,
    stringAt(strings, bytes.readUInt32LE(entry + bytes.readUInt32LE(entry + 12))),
  ]);

/** Offsets of entries each of which says, at `nextField`, how far the next one is; 0 ends. */
function chain(bytes: Buffer, first: number, nextField: number, limit = 10_000): number[] {
  const offsets: number[] = [];
  for (let offset = first; offsets.length < limit; ) {
    if (bytes.length === 0) break;
    offsets.push(offset);
    const distance = bytes.readUInt32LE(offset + nextField);
    if (distance === 0) break;
    offset += distance;
  }
  return offsets;
}

function records(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function slice(bytes: Buffer, offset: number, length: number): Buffer {
  if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) {
    throw new RangeError(`${length} bytes at ${offset} of ${bytes.length}`);
  }
  return bytes.subarray(offset, offset + length);
}

function stringAt(bytes: Buffer, offset: number): string {
  const end = bytes.indexOf(0, offset);
  if (offset > bytes.length || end < 0) throw new RangeError(`no string at ${offset} of ${bytes.length}`);
  return bytes.toString('latin1', offset, end);
}
