/**
 * The property `req.session`. It is a getter on the prototype of all requests, because a property on each request of Express is expensive:
 * see response/attachment.ts.
 */
import { IncomingMessage } from 'node:http';
import { kindOf } from '../options.js';
import { Exchange } from '../manager/exchange.js';
import type { Session, SessionData } from '../session/session.js';

/** The getter and the setter, on the prototype and on single requests. */
const property: PropertyDescriptor & ThisType<IncomingMessage> = {
  get(): Session | undefined {
    return Exchange.shown(this);
  },
  set(value: unknown): void {
    replaceSession(this, value);
  },
  enumerable: false,
  configurable: true,
};

/** Whether a request's `session` is this file's. */
function isOurs(req: IncomingMessage): boolean {
  let at: object | null = req;
  while (at !== null) {
    const descriptor = Object.getOwnPropertyDescriptor(at, 'session');
    if (descriptor) return descriptor.get === property.get;
    at = Object.getPrototypeOf(at) as object | null;
  }
  return false;
}

/** True if the getter on the prototype is this file's. */
let isDefined = false;

/** Makes `req.session` return the session of this exchange. */
export function expose(req: IncomingMessage, exchange: Exchange<SessionData>): void {
  exchange.show();
  const isOwn = Object.hasOwn(req, 'session');
  if (isDefined && !isOwn && req instanceof IncomingMessage) return;
  if (isOwn && isOurs(req)) return;
  Object.defineProperty(req, 'session', property);
}

/** Defines the getter, unless the prototype has a property of this name already, which another package may have defined. */
export function defineSession(): void {
  const { prototype } = IncomingMessage;
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
