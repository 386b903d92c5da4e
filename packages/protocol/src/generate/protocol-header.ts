// vgpu_protocol.h: call numbers, handshake and frame structures, limits, schema hash.
import { schemaHash } from '../schema-hash.js';
import { callNumber, remoteCalls } from '../table/table.js';
import {
  attributeUnknown,
  copyPieceBytes,
  copyToDevicePieceBytes,
  deviceAttributeCount,
  type FieldType,
  framePayloadLimit,
  helloPurposes,
  magic,
  maximumDevices,
  nonceBytes,
  proofBytes,
  proofLabels,
  protocolVersion,
  statusProve,
  structureBytes,
  type WireStructure,
  wireStructures,
} from '../wire.js';
import { blasFlags, blasVectorOperations } from '../wire-blas.js';
import { banner } from './c-text.js';

const cTypes: Readonly<Record<FieldType, string>> = {
  u8: 'uint8_t',
  char: 'char',
  i32: 'int32_t',
  u32: 'uint32_t',
  i64: 'int64_t',
  u64: 'uint64_t',
};

function structure(entry: WireStructure): string {
  const fields = entry.fields.map(
    ({ name, type, count, about }) =>
      `  ${cTypes[type]} ${name}${count === undefined ? '' : `[${count}]`};  // ${about}`,
  );
  return [
    `// ${entry.about}`,
    `struct ${entry.name} {`,
    ...fields,
    '};',
    `VGPU_STATIC_ASSERT(sizeof(struct ${entry.name}) == ${structureBytes(entry)}, "${entry.name} has no padding");`,
    '',
  ].join('\n');
}

const constants = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values)
    .map(([name, value]) => `  ${name} = ${value},`)
    .join('\n');

export function protocolHeader(): string {
  const hash = Array.from(schemaHash(), (byte) => `0x${byte.toString(16).padStart(2, '0')}`);
  return `${banner('What guest and executor say to each other. All integers are little-endian.')}
#ifndef VGPU_PROTOCOL_H
#define VGPU_PROTOCOL_H

#include <stdint.h>

#ifdef __cplusplus
#define VGPU_STATIC_ASSERT static_assert
#else
#define VGPU_STATIC_ASSERT _Static_assert
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "structures travel as they lie in memory, which needs a little-endian machine"
#endif

#define VGPU_MAGIC ${magic}u
#define VGPU_PROTOCOL_VERSION ${protocolVersion}u
#define VGPU_FRAME_PAYLOAD_LIMIT ${framePayloadLimit}u
#define VGPU_COPY_PIECE_BYTES ${copyPieceBytes}u
#define VGPU_COPY_TO_DEVICE_PIECE_BYTES ${copyToDevicePieceBytes}u
#define VGPU_DEVICE_ATTRIBUTE_COUNT ${deviceAttributeCount}
#define VGPU_ATTRIBUTE_UNKNOWN (-${-attributeUnknown - 1} - 1)
#define VGPU_MAXIMUM_DEVICES ${maximumDevices}u

// SHA-256 over the table. Both ends send it; a difference ends the connection.
#define VGPU_SCHEMA_HASH \\
  { \\
    ${hash.slice(0, 16).join(', ')}, \\
    ${hash.slice(16).join(', ')} \\
  }

#define VGPU_NONCE_BYTES ${nonceBytes}
#define VGPU_PROOF_BYTES ${proofBytes}
// What each side computes its proof of the token over: its own label, the guest's nonce, the executor's nonce.
#define VGPU_PROOF_LABEL_GUEST "${proofLabels.guest}"
#define VGPU_PROOF_LABEL_EXECUTOR "${proofLabels.executor}"
// In place of a CUresult in vgpu_welcome.status: prove that you know the token.
#define VGPU_STATUS_PROVE (${statusProve})

// What a connection is for.
enum {
  VGPU_HELLO_SESSION = ${helloPurposes.session},  // CUDA calls
  VGPU_HELLO_STATUS = ${helloPurposes.status},  // what the executor says about itself and its clients
};

// What a connection can do beyond its socket.
enum {
  VGPU_FEATURE_SHARED_MEMORY = 1,  // frames travel through a struct vgpu_shared_rings, whose file comes with the welcome
};

// Flags in vgpu_frame.status of a request.
enum {
  VGPU_FRAME_DEFERRED = 1,  // no response; an error surfaces at the next call that synchronises
};

// Flags in vgpu_frame.context of a response.
enum {
  VGPU_RESPONSE_OUTPUT = 1,  // kernels have printed: to be fetched with vgpuOutputPending and vgpuOutputTake
};

enum vgpu_call {
  // From the executor only, without payload, while a request takes long: "still working".
  VGPU_CALL_ALIVE = 0,
${remoteCalls.map((call) => `  VGPU_CALL_${call.prototype.name} = ${callNumber(call)},`).join('\n')}
};
#define VGPU_CALL_COUNT ${remoteCalls.length + 1}

// Flags of the operations of BLAS, and what a vgpu_blas_vector does.
enum {
${constants(blasFlags)}
};
enum {
${constants(blasVectorOperations)}
};

${wireStructures.map(structure).join('\n')}
#endif
`;
}
