// The one table of what is published for which machine.

export type Platform = 'linux-x64' | 'linux-arm64' | 'win32-x64';

/** What npm, pnpm and yarn look at when they choose among optional dependencies. */
export const platforms: Readonly<Record<Platform, { os: string; cpu: string; libc?: string }>> = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  'win32-x64': { os: 'win32', cpu: 'x64' },
};

/** The native part of a package: files of its `build/native`, which have the same paths in its platform packages. */
export interface NativePart {
  /** Folder in `packages/`. */
  readonly folder: string;
  readonly platforms: readonly Platform[];
  /** Each file and the CMake target that makes it. */
  readonly files: Readonly<Record<string, string>>;
  /** Packages whose static libraries are linked in, and the targets that make them. */
  readonly libraries?: Readonly<Record<string, string>>;
}

export const nativeParts: readonly NativePart[] = [
  {
    folder: 'mmap-native',
    platforms: ['linux-x64', 'linux-arm64', 'win32-x64'],
    files: { 'lib/vgpu_mmap.node': 'vgpu_mmap' },
  },
  {
    folder: 'cuda-native',
    platforms: ['linux-x64', 'linux-arm64'],
    files: { 'lib/vgpu_compute.node': 'vgpu_compute' },
    libraries: { blas: 'vgpu_blas' },
  },
  {
    folder: 'executor',
    platforms: ['linux-x64', 'linux-arm64'],
    files: { 'bin/vgpu-executor': 'vgpu-executor' },
    libraries: { blas: 'vgpu_blas', 'software-gpu': 'vgpu_software_gpu' },
  },
  {
    folder: 'preload-shim',
    platforms: ['linux-x64', 'linux-arm64'],
    files: {
      'bin/vgpu-self-test': 'vgpu-self-test',
      'bin/vgpu-shim-explain': 'vgpu-shim-explain',
      'bin/vgpu-shim-recover': 'vgpu-shim-recover',
      'lib/libvgpu_cuda.so': 'vgpu_cuda',
      'lib/libvgpu_trace.so': 'vgpu_trace',
    },
  },
];

/** Folders of the repository that packages carry, by the package's folder. */
export const sharedFolders: Readonly<Record<string, readonly string[]>> = {
  // What `vgpu demo` builds.
  cli: ['examples/cuda'],
};

/** That of the oldest systems for which Node 20 is made. */
export const NEWEST_GLIBC = '2.28';
/** The guest library goes into programs of any age. */
export const NEWEST_GLIBC_OF_GUEST = '2.17';

export function isPlatform(name: string): name is Platform {
  return Object.hasOwn(platforms, name);
}

/** The platform of this process. */
export function thisPlatform(): Platform {
  const name = `${process.platform}-${process.arch}`;
  if (!isPlatform(name)) throw new Error(`nothing is published for ${name}`);
  return name;
}
