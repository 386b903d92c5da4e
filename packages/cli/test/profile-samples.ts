// What an executor writes about two kernels: saxpy on 1000 elements, and one with everything else.

const lines = (...events: object[]) => events.map((event) => `${JSON.stringify(event)}\n`).join('');

const noCosts = { bytes: 0, sectors: 0, bankConflicts: 0, divergentBranches: 0 };

const saxpy = {
  name: 'saxpy(int, float, float*, float*)',
  launches: 2,
  failed: 0,
  totalNs: 3_000_000,
  leastNs: 1_000_000,
  mostNs: 2_000_000,
  warpInstructions: 896,
  threadInstructions: 28_384,
  branches: 64,
  divergentBranches: 2,
  shapes: [{ grid: [4, 1, 1], block: [256, 1, 1], launches: 2 }],
  instructions: [
    { class: 'float32', warpInstructions: 64, threadInstructions: 2000 },
    { class: 'global', warpInstructions: 192, threadInstructions: 6000 },
    { class: 'integer', warpInstructions: 640, threadInstructions: 20_384 },
  ],
  traffic: [
    {
      space: 'global',
      operation: 'load',
      requests: 128,
      bytes: 16_000,
      sectors: 500,
      bankPasses: 0,
      bankConflicts: 0,
    },
    {
      space: 'global',
      operation: 'store',
      requests: 64,
      bytes: 8000,
      sectors: 1000,
      bankPasses: 0,
      bankConflicts: 0,
    },
  ],
  lines: [
    {
      ...{ ptxLine: 20, text: 'add.s64 %rd1, %rd2, %rd3;', function: 'saxpy(int, float, float*, float*)' },
      ...{ ...noCosts, warpInstructions: 640, threadInstructions: 20_384 },
    },
    {
      ...{ ptxLine: 22, text: 'st.global.f32 [%rd1], %f4;', function: 'saxpy(int, float, float*, float*)' },
      ...{ file: 'saxpy.cu', line: 7 },
      ...{ ...noCosts, warpInstructions: 64, threadInstructions: 2000, bytes: 8000, sectors: 1000 },
    },
  ],
};

const tile = {
  ...saxpy,
  name: 'tile<float, (bool)1>(float const&)',
  launches: 1,
  failed: 1,
  totalNs: 1_000_000,
  leastNs: 1_000_000,
  shapes: [{ grid: [2, 3, 4], block: [16, 16, 1], launches: 1 }],
  instructions: [{ class: 'shared', warpInstructions: 896, threadInstructions: 28_384 }],
  traffic: [
    {
      space: 'shared',
      operation: 'load',
      requests: 64,
      bytes: 8192,
      sectors: 0,
      bankPasses: 2048,
      bankConflicts: 1984,
    },
  ],
  lines: [],
};

/** One process with both kernels, after one that launches none. */
export const SAMPLE_EVENTS = lines(
  { event: 'begin', client: 76 },
  { event: 'end', client: 76 },
  { event: 'begin', client: 77 },
  { event: 'kernel', client: 77, kernel: tile },
  { event: 'kernel', client: 77, kernel: saxpy },
  { event: 'end', client: 77 },
);

/** A process that was killed. */
export const CUT_EVENTS = lines({ event: 'begin', client: 77 });
