/**
 * Tokens against cross-site requests: a code of the session's handle and epoch under the store's key, so nothing is stored for them. Each is masked
 * by other random bytes, so that a page which is compressed does not give it away (BREACH).
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** Bytes of the code, and of the mask before it. */
const CODE = 32;
const TOKEN = /^[\w-]{86}$/;

/** What a token is good for: one session between two logins. */
export interface TokenSubject {
  readonly handle: string;
  readonly epoch: number;
}

/** A new token, 86 characters of base64url. */
export function csrfTokenOf(key: Uint8Array, subject: TokenSubject): string {
  const mask = randomBytes(CODE);
  return Buffer.concat([mask, masked(codeOf(key, subject), mask)]).toString('base64url');
}

/** Whether a value is a token of this subject. Takes the same time for any token that is not. */
export function isCsrfTokenOf(token: unknown, key: Uint8Array, subject: TokenSubject): boolean {
  if (typeof token !== 'string' || !TOKEN.test(token)) return false;
  const bytes = Buffer.from(token, 'base64url');
  return timingSafeEqual(masked(bytes.subarray(CODE), bytes), codeOf(key, subject));
}

function codeOf(key: Uint8Array, { handle, epoch }: TokenSubject): Buffer {
  return createHmac('sha256', key).update(`csrf ${handle} ${epoch}`).digest();
}

function masked(code: Buffer, mask: Buffer): Buffer {
  return code.map((byte, at) => byte ^ mask[at]!) as Buffer;
}
