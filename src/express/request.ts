/**
 * The property `req.session`. It is a getter on the prototype of all requests, because a property on each request of Express is expensive:
 * see response/attachment.ts.
 */
import { IncomingMessage } from 'node:http';
import { Exchange } from '../manager/exchange.js';
import type { Session, SessionData } from '../session/session.js';

/** True if the getter on the prototype is this file's. */
let isDefined = false;

/** Makes `req.session` return the session of this exchange. */
export function expose(req: IncomingMessage, exchange: Exchange<SessionData>): void {
  exchange.show();
  const isOwn = Object.hasOwn(req, 'session');
  if (isDefined && !isOwn && req instanceof IncomingMessage) return;
  const { session } = exchange;
  if (isOwn) (req as { session?: Session }).session = session;
  else Object.defineProperty(req, 'session', { value: session, writable: true, enumerable: false, configurable: true });
}

/** Defines the getter, unless the prototype has a property of this name already, which another package may have defined. */
export function defineSession(): void {
  const { prototype } = IncomingMessage;
  if ('session' in prototype || !Object.isExtensible(prototype)) return;
  isDefined = true;
  Object.defineProperty(prototype, 'session', {
    get(this: IncomingMessage): Session | undefined {
      return Exchange.shown(this);
    },
    // An assignment by somebody else creates a property of that one request.
    set(this: IncomingMessage, value: unknown): void {
      Object.defineProperty(this, 'session', { value, writable: true, enumerable: true, configurable: true });
    },
    enumerable: false,
    configurable: true,
  });
}
