import shared from '@vgpu/toolchain/vitest';

/** Thrust and CUB in full: minutes to compile, minutes to run. */
export default { ...shared, test: { ...shared.test, include: ['test/cub/*.full.ts'] } };
