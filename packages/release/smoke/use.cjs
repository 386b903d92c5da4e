// Every package as CommonJS.
const { exercise } = require('./exercise.cjs');

exercise({
  array: require('@vgpu/array'),
  compute: require('@vgpu/cuda-native'),
  stored: require('@vgpu/cuda-native/stored'),
  executor: require('@vgpu/executor'),
  format: require('@vgpu/format'),
  mmap: require('@vgpu/mmap-native'),
  guest: require('@vgpu/preload-shim'),
  protocol: require('@vgpu/protocol'),
  handshake: require('@vgpu/protocol/handshake'),
  resilience: require('@vgpu/resilience'),
  telemetry: require('@vgpu/resilience/node'),
});
