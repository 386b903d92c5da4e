// The secret that proves, over a network, that both sides belong together.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { proofLabels } from '@vgpu/protocol/handshake';
import { ExecutorError } from './errors.js';

const LEAST_BYTES = 16;
const MOST_BYTES = 4096;

export class Token {
  readonly #secret: Buffer;

  private constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** @throws ExecutorError ERR_VGPU_EXECUTOR_TOKEN */
  static read(path: string): Token {
    const fail = (what: string, options: { cause?: unknown; remedy?: string } = {}) =>
      new ExecutorError('ERR_VGPU_EXECUTOR_TOKEN', `token file ${path}: ${what}`, options);
    let content: Buffer;
    try {
      const status = statSync(path);
      if (!status.isFile()) throw fail('is no regular file');
      if ((status.mode & 0o007) !== 0) {
        throw fail('others have access to it', { remedy: `chmod o-rwx ${path}` });
      }
      content = readFileSync(path);
    } catch (cause) {
      throw cause instanceof ExecutorError ? cause : fail('cannot be read', { cause });
    }
    const secret = Buffer.from(content.toString('latin1').replace(/[ \t\n\v\f\r]+$/, ''), 'latin1');
    if (secret.length < LEAST_BYTES || secret.length > MOST_BYTES) {
      throw fail(`a token has ${LEAST_BYTES} to ${MOST_BYTES} bytes, this one ${secret.length}`, {
        remedy: `make one: (umask 077; openssl rand -hex 32 > ${path})`,
      });
    }
    return new Token(secret);
  }

  proof(side: keyof typeof proofLabels, guestNonce: Uint8Array, executorNonce: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret)
      .update(proofLabels[side])
      .update(guestNonce)
      .update(executorNonce)
      .digest();
  }

  isProof(proof: Uint8Array, ...what: Parameters<Token['proof']>): boolean {
    return timingSafeEqual(proof, this.proof(...what));
  }
}
