// Every package as a module.
import * as array from '@vgpu/array';
import * as compute from '@vgpu/cuda-native';
import * as stored from '@vgpu/cuda-native/stored';
import * as executor from '@vgpu/executor';
import * as format from '@vgpu/format';
import * as mmap from '@vgpu/mmap-native';
import * as guest from '@vgpu/preload-shim';
import * as protocol from '@vgpu/protocol';
import * as handshake from '@vgpu/protocol/handshake';
import * as resilience from '@vgpu/resilience';
import * as telemetry from '@vgpu/resilience/node';
import { exercise } from './exercise.cjs';

await exercise({
  ...{ array, compute, stored, executor, format, mmap, guest, protocol, handshake, resilience, telemetry },
});
