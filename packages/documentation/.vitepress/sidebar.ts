import type { DefaultTheme } from 'vitepress';

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

/** Every page of the site but those of the API is here: a test looks that none is forgotten. */
export const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: 'Guides',
    items: [
      page('Start in five minutes', '/start'),
      page('Run a CUDA program without a GPU', '/run-a-program'),
      page('CI for CUDA code', '/ci'),
      page('Ollama in a virtual machine', '/ollama-in-a-vm'),
      page('Arrays that survive power cuts', '/arrays'),
      page('Compute on arrays on disk', '/compute-on-disk'),
      page('When the GPU fails', '/when-the-gpu-fails'),
      page('Find mistakes in kernels', '/memory-checker'),
      page('Profile kernels', '/profiler'),
      page('Run an executor', '/executor'),
      page('Install the shim safely', '/install-the-shim'),
      page('Undo an installation', '/undo-the-shim'),
    ],
  },
  {
    text: 'Reference',
    items: [
      page('Playground', '/playground'),
      page('Commands', '/reference/commands'),
      page('Error codes', '/reference/errors'),
      page('API', '/reference/api/'),
      page('CUDA calls', '/coverage'),
      page('PTX instructions', '/instructions'),
      page('CUDA samples', '/cuda-samples'),
      page('llama.cpp', '/llama'),
      page('Benchmarks', '/benchmarks'),
      page('Measured', '/reference/measured'),
    ],
  },
  {
    text: 'Inside',
    items: [
      page('How a call gets its answer', '/how-it-works'),
      page('File formats', '/file-format'),
      page('Storage and memory', '/storage-and-memory'),
      page('Compute and the breaker', '/compute'),
      page('Safety of the shim', '/safety'),
      page('Fault matrix', '/fault-matrix'),
      {
        text: 'Packages',
        collapsed: true,
        items: [
          page('cli', '/packages/cli'),
          page('array', '/packages/array'),
          page('mmap-native', '/packages/mmap-native'),
          page('format', '/packages/format'),
          page('cuda-native', '/packages/cuda-native'),
          page('resilience', '/packages/resilience'),
          page('protocol', '/packages/protocol'),
          page('preload-shim (and its constructor)', '/packages/preload-shim'),
          page('executor', '/packages/executor'),
          page('software-gpu', '/packages/software-gpu'),
          page('blas', '/packages/blas'),
          page('native-loader', '/packages/native-loader'),
          page('release', '/packages/release'),
          page('benchmarks', '/packages/benchmarks'),
          page('toolchain', '/packages/toolchain'),
        ],
      },
    ],
  },
  {
    text: 'Contribute',
    items: [
      page('Working on vgpu', '/contributing'),
      page('Testing and benchmarks', '/testing-and-benchmarks'),
      page('Releasing', '/releasing'),
      page('Booting with the library', '/packages/cli/test/boot'),
      page('Power cuts, simulated', '/packages/array/test/powercut'),
      page('Power cuts of a machine', '/packages/array/test/real-powercut'),
    ],
  },
];
