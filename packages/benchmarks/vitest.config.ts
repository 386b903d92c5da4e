export { default } from '@vgpu/toolchain/vitest';
