// One hash over everything that both ends must agree on. They exchange it in the handshake.
import { createHash } from 'node:crypto';
import { remoteCalls } from './table/table.js';
import { copyPieceBytes, framePayloadLimit, protocolVersion, wireStructures } from './wire.js';

/** SHA-256 (FIPS 180-4) of the canonical JSON of the remote calls and wire structures; 32 bytes. */
export function schemaHash(): Uint8Array {
  const agreed = {
    protocolVersion,
    framePayloadLimit,
    copyPieceBytes,
    structures: wireStructures.map(({ name, fields }) => [
      name,
      fields.map((f) => [f.name, f.type, f.count ?? 1]),
    ]),
    calls: remoteCalls.map(({ prototype, roles, deferred, synchronises }) => [
      prototype.name,
      prototype.parameters.map(({ type, name }) => [type, roles[name]]),
      deferred,
      synchronises,
    ]),
  };
  return new Uint8Array(createHash('sha256').update(JSON.stringify(agreed)).digest());
}
