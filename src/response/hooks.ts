/**
 * Hooks on the methods of responses that send headers.
 *
 * The methods are wrapped once, on the prototype that all responses share: wrapping them on each response would cost more than everything
 * else that this package does for a request. On a response without a hook, a wrapped method only looks for one and calls the original.
 */
import { ServerResponse } from 'node:http';
import { Attachment } from './attachment.js';
import { SENDING, type Method, type Response, type Sending } from './head.js';

const kWrapped = Symbol('agai-session.wrapped');
const kHook = Symbol('agai-session.hook');
type Hooked = { [kHook]?: ResponseHook };

/** Receives the calls of one response's sending methods. */
export interface ResponseHook {
  /** Called instead of `method`, the original of the method `name`. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown;
}

const hooks = new Attachment<ResponseHook>({
  get: (res: Hooked) => res[kHook],
  set: (res: Hooked, hook) => {
    res[kHook] = hook;
  },
});

/** The hook that was set last. */
export function hookOf(res: object): ResponseHook | undefined {
  return hooks.get(res);
}

/** Passes all calls of the sending methods to `hook` from now on. */
export function setHook(res: object, hook: ResponseHook): void {
  if (!(res instanceof ServerResponse)) wrapMethods(prototypeWith('writeHead', res));
  hooks.set(res, hook);
}

/**
 * Wraps the methods of `node:http`'s responses. Called when a manager is created, not for each response, so that the wrappers are below
 * those that other middleware puts on a single response. The responses of HTTP/2 are wrapped when the first one is hooked.
 */
export function wrapServerResponse(): void {
  wrapMethods(ServerResponse.prototype);
}

/** The first object in the prototype chain, from `object` itself on, that has a method of this name. */
function prototypeWith(name: Sending, object: object): object {
  let at: object | null = object;
  while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at) as object | null;
  return at ?? object;
}

/** Wraps the sending methods of a prototype, once. */
function wrapMethods(target: object): void {
  if (Object.hasOwn(target, kWrapped)) return;
  Object.defineProperty(target, kWrapped, { value: true });
  for (const name of SENDING) {
    if (!(name in target)) continue;
    // An inherited method is looked up at each call, because it may be wrapped later where it is defined.
    const own = Object.getOwnPropertyDescriptor(target, name)?.value as Method | undefined;
    const parent = Object.getPrototypeOf(target) as Record<Sending, Method>;
    const wrapped = {
      [name](this: Response, ...args: unknown[]): unknown {
        const hook = hooks.get(this);
        const method = own ?? parent[name];
        return hook === undefined ? method.apply(this, args) : hook.pass(this, name, method, args);
      },
    }[name];
    Object.defineProperty(target, name, { value: wrapped, writable: true, enumerable: true, configurable: true });
  }
}
