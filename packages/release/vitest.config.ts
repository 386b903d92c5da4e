import { mergeConfig } from 'vitest/config';
import shared from '@vgpu/toolchain/vitest';

// changeset starts git, and Node for itself.
export default mergeConfig(shared, { test: { testTimeout: 120_000 } });
