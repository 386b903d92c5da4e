/** What can be wrong with the table, or with bytes that claim to follow it. */
export type ProtocolErrorCode =
  | 'ERR_VGPU_PROTOCOL_PROTOTYPE'
  | 'ERR_VGPU_PROTOCOL_TABLE'
  | 'ERR_VGPU_PROTOCOL_FRAME'
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
