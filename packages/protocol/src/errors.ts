/** What can be wrong with the table, or with bytes that claim to follow it. */
export type ProtocolErrorCode =
  /**
   * A prototype in the table of calls cannot be read.
   * @remedy Write it as CUDA's header does, with the types that the table knows.
   */
  | 'ERR_VGPU_PROTOCOL_PROTOTYPE'
  /**
   * An entry of the table of calls contradicts itself or another.
   * @remedy Correct the entry that the message names in packages/protocol/src/table.
   */
  | 'ERR_VGPU_PROTOCOL_TABLE'
  /**
   * Bytes that do not follow the protocol.
   * @remedy Look who listens at the address: it is not vgpu.
   */
  | 'ERR_VGPU_PROTOCOL_FRAME'
  /**
   * The two sides were built from different tables of calls.
   * @remedy Install the same version of vgpu on both sides.
   */
  | 'ERR_VGPU_PROTOCOL_MISMATCH';

/** Every error that @vgpu/protocol throws. `code` is stable; the message names the values involved. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
