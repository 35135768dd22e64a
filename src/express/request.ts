/**
 * The property `req.session`. It is a getter on the prototype of all requests, because a property on each request of Express is expensive:
 * see response/attachment.ts.
 */
import { IncomingMessage } from 'node:http';
import type { DefaultSessionData } from '../data.js';
import { SessionError } from '../errors.js';
import { Exchange } from '../manager/exchange.js';
import { kindOf } from '../options.js';
import type { Session } from '../session/session.js';

/** Marks the getter, which may be that of another copy of this package: it finds the sessions of all copies. */
const kGetter = Symbol.for('agai-session.getter@1');

/** The getter and the setter, on the prototype and on single requests. */
const property = {
  get(this: IncomingMessage): Session | undefined {
    return Exchange.shown(this);
  },
  set(this: IncomingMessage, value: unknown): void {
    replaceSession(this, value);
  },
  enumerable: false,
  configurable: true,
};

Object.defineProperty(property.get, kGetter, { value: true });

/** Whether a request's `session` is this package's. */
function isOurs(req: IncomingMessage): boolean {
  let at: object | null = req;
  while (at !== null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, 'session');
    if (descriptor) return isGetter(descriptor);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return false;
}

function isGetter({ get }: PropertyDescriptor): boolean {
  return get !== undefined && kGetter in get;
}

/** True if the getter on the prototype is this package's. */
let isDefined = false;

/**
 * Makes `req.session` return the session of this exchange.
 * @throws SessionError `ERR_SESSION_PROPERTY` if another package has set `req.session` on this request: its own hooks go on using the
 * property as their session, and would fail in the middle of the response.
 */
export function expose(req: IncomingMessage, exchange: Exchange<DefaultSessionData>): void {
  const isOwn = Object.hasOwn(req, 'session');
  const own = isOwn && exchange.isFirst ? (req as { session?: unknown }).session : undefined;
  if (typeof own === 'object' && own !== null && own !== exchange.session) {
    throw new SessionError(
      'ERR_SESSION_PROPERTY',
      'req.session was set before this middleware, by express-session, cookie-session or the like: remove that one, or give each its own ' +
        'routes. To use both on one route, call manager.start(req, res) instead of this middleware',
    );
  }
  exchange.show();
  if (isDefined && !isOwn && req instanceof IncomingMessage) return;
  if (isOwn && isOurs(req)) return;
  Object.defineProperty(req, 'session', property);
}

/** Defines the getter, unless the prototype has a property of this name already, which another package may have defined. */
export function defineSession(): void {
  const { prototype } = IncomingMessage;
  const existing = Object.getOwnPropertyDescriptor(prototype, 'session');
  isDefined = existing !== undefined && isGetter(existing);
  if ('session' in prototype || !Object.isExtensible(prototype)) return;
  isDefined = true;
  Object.defineProperty(prototype, 'session', property);
}

/**
 * An assignment to `req.session`. Where there is a session of ours, `null` and plain values throw: they would neither log anybody out nor
 * be stored. An object of a class is another package's session, which replaces ours on this request.
 */
export function replaceSession(req: IncomingMessage, value: unknown): void {
  if (Exchange.latest(req) && !isInstance(value)) {
    throw new TypeError(
      value === null || value === undefined || value === false
        ? `req.session = ${value} logs nobody out: use \`await req.session.logout()\``
        : `req.session cannot be ${kindOf(value)}, which would not be stored: use \`req.session.data = {...}\``,
    );
  }
  Object.defineProperty(req, 'session', { value, writable: true, enumerable: true, configurable: true });
}

/** Whether a value is an object of a class, and not a plain one. */
function isInstance(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== null && prototype !== Object.prototype;
}
