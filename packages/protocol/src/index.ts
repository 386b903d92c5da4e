export { driverConstants } from './abi/driver-constants.js';
export { ProtocolError, type ProtocolErrorCode } from './errors.js';
export {
  type DeviceDescription,
  decodeDevice,
  decodeWelcome,
  deviceBytes,
  encodeHello,
  type Welcome,
  welcomeBytes,
} from './handshake.js';
export type { CallEntry, ParameterRole } from './schema.js';
export { schemaHash } from './schema-hash.js';
export { cublas12Functions, cuda12Functions } from './table/cuda12.js';
export { calls } from './table/table.js';
export { resultName } from './result-names.js';
