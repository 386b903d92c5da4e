// Whether a file may be loaded into every process: what it is, what it needs, what it offers.
import { createHash } from 'node:crypto';
import { type Check, ok, problem } from '../doctor/check.js';
import { type ElfFile, isElf, readElf } from '../doctor/elf.js';

const TYPE_SHARED = 3;
const SONAME = 'libcuda.so.1';
const LIBC = /^(?:libc\.so\.6|ld-linux[\w.-]*\.so\.\d+)$/;
// Those of CUDA's headers and no others: "cu" alone would also be curl's.
const CUDA_FUNCTION = /^(?:cu[A-Z]|cuda[A-Z]|cublas[A-Z]|nvml[A-Z]|__cuda[A-Z])\w*$/;
const REMEDY = 'install vgpu again, or build it: pnpm build';

/** By which its folder says what was installed. */
export const digestOf = (library: Buffer) => createHash('sha256').update(library).digest('hex').slice(0, 12);

/** What the system can take. */
export interface Capabilities {
  /** ELF's number of its processor. */
  readonly machine: number;
  /** The minor version of its glibc: 36 for 2.36. */
  readonly glibc: number;
}

/** A finding for everything that may be wrong with the library. */
export function checkLibrary(path: string, bytes: Buffer, system: Capabilities): Check[] {
  if (!isElf(bytes)) return [problem('library', `${path} is not a 64-bit ELF file`, REMEDY)];
  let elf: ElfFile;
  try {
    elf = readElf(path, bytes);
  } catch (error) {
    return [problem('library', error instanceof Error ? error.message : String(error), REMEDY)];
  }
  const complaints = complaintsAbout(elf, system);
  if (complaints.length > 0) return complaints.map((what) => problem('library', `${path} ${what}`, REMEDY));
  const newest = Math.max(...elf.versionsNeeded.map(glibcMinor));
  return [ok('library', `${path}: needs libc alone, glibc 2.${newest} or newer`)];
}

function complaintsAbout(elf: ElfFile, system: Capabilities): string[] {
  const strangers = elf.needed.filter((name) => !LIBC.test(name));
  const tooNew = elf.versionsNeeded.filter((version) => !(glibcMinor(version) <= system.glibc));
  const names = [...new Set(elf.exports.map(({ name }) => name))];
  const versions = new Set(elf.versionsDefined);
  const foreign = names.filter((name) => !CUDA_FUNCTION.test(name) && !versions.has(name));
  const findings: [boolean, string][] = [
    [elf.type !== TYPE_SHARED, 'is not a shared library'],
    [
      elf.machine !== system.machine,
      `is for another processor (ELF machine ${elf.machine}, not ${system.machine})`,
    ],
    [elf.soname !== SONAME, `is called ${elf.soname ?? 'nothing'}, not ${SONAME}`],
    [strangers.length > 0, `needs ${strangers.join(', ')}`],
    [elf.searchPath !== undefined, `has a search path of its own: ${elf.searchPath}`],
    [tooNew.length > 0, `needs ${tooNew.join(', ')}; this system has glibc 2.${system.glibc}`],
    [!names.includes('cuInit'), 'has no cuInit'],
    [foreign.length > 0, `offers what is not of CUDA: ${foreign.slice(0, 5).join(', ')}`],
    [elf.textRelocations, 'has text relocations'],
    [elf.executableStack, 'asks for an executable stack'],
    // As our build leaves it. Where it is cut short later, the loader must leave it out rather than map what is not there.
    [!elf.headersLast, 'does not end with its program headers: cut short, it would stop every program'],
  ];
  return findings.filter(([isSo]) => isSo).map(([, complaint]) => complaint);
}

/** 17 for GLIBC_2.17; NaN for what is no such version, so that it is newer than any. */
function glibcMinor(version: string): number {
  return Number(/^GLIBC_2\.(\d+)(?:\.\d+)?$/.exec(version)?.[1] ?? Number.NaN);
}

/** The processor and the glibc of a system, by its libc; undefined for a file that is no glibc. */
export function capabilitiesOf(path: string, libc: Buffer): Capabilities | undefined {
  if (!isElf(libc)) return undefined;
  const { machine, versionsDefined } = readElf(path, libc);
  const minors = versionsDefined.map(glibcMinor).filter((minor) => !Number.isNaN(minor));
  return minors.length > 0 ? { machine, glibc: Math.max(...minors) } : undefined;
}
