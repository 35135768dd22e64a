/**
 * `req.session`, which is no property of the request itself but one of all requests, defined once: what an own property of a request
 * of Express' costs is said in response/attachment.ts.
 */
import { IncomingMessage } from 'node:http';
import { Exchange } from '../manager/exchange.js';
import type { Session, SessionData } from '../session/session.js';

/** Has `req.session` be the session of this exchange. */
export function expose(req: IncomingMessage, exchange: Exchange<SessionData>): void {
  exchange.show();
  if (!isDefined || !(req instanceof IncomingMessage) || Object.hasOwn(req, 'session')) {
    (req as { session?: Session }).session = exchange.session;
  }
}

/** Defines the property, unless there is one of this name already: another copy of this package's, or somebody else's. */
function define(): boolean {
  const { prototype } = IncomingMessage;
  if ('session' in prototype || !Object.isExtensible(prototype)) return false;
  Object.defineProperty(prototype, 'session', {
    get(this: IncomingMessage): Session | undefined {
      return Exchange.shown(this);
    },
    // Whoever puts something else there gets it, on that request.
    set(this: IncomingMessage, value: unknown): void {
      Object.defineProperty(this, 'session', { value, writable: true, enumerable: true, configurable: true });
    },
    enumerable: true,
    configurable: true,
  });
  return true;
}

const isDefined = define();
