export { default } from './src/vitest.mjs';
