/** The connection between the client and the server: whether it is secure, and whether it is still there. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';

/** Whether the client's connection is secure; `undefined` if this is not known. */
export type SecureOf = (req: IncomingMessage) => boolean | undefined;

/** `known` is what the adapter knows; otherwise the socket decides, and `X-Forwarded-Proto` of as many proxies as are trusted. */
export function isSecure(req: IncomingMessage, known: boolean | SecureOf | undefined, hops: number): boolean {
  const secure = typeof known === 'function' ? known(req) : known;
  if (secure !== undefined) return secure;
  if ((req.socket as Partial<TLSSocket> | undefined)?.encrypted === true) return true;
  if (hops === 0) return false;
  // Each proxy appends what it saw, so the last ones are those of the nearest proxies; what stands before them, a client may have sent.
  const protocols = String(req.headers['x-forwarded-proto'] ?? '').split(',');
  const protocol = protocols[Math.max(protocols.length - hops, 0)]!;
  return protocol.trim().toLowerCase() === 'https';
}

/** Whether the client can no longer receive the response, because its connection or its stream was closed. */
export function hasGone(req: IncomingMessage, res: ServerResponse): boolean {
  const { stream } = req as { stream?: { destroyed?: boolean } };
  return res.destroyed || (stream ?? (req.socket as { destroyed?: boolean } | undefined))?.destroyed === true;
}
