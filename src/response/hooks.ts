/**
 * Hooks on the methods of responses that send headers.
 *
 * The methods are wrapped once, on the prototype that all responses share, and once for all copies of this package in the process: wrapping
 * them on each response would cost more than everything else that this package does for a request. On a response without a hook, a wrapped
 * method only looks for one and calls the original.
 */
import { ServerResponse } from 'node:http';
import { Attachment } from './attachment.js';
import { SENDING, type Method, type Response, type Sending } from './head.js';

/** The wrapped methods of an object, on that object. The version in both names is that of `ResponseHook`. */
const kWrapped = Symbol.for('agai-session.wrapped@1');
const kHook = Symbol.for('agai-session.hook@1');
type Wrapping = { [kWrapped]?: Partial<Record<Sending, Method>> };
type Hooked = { [kHook]?: ResponseHook };

/** Receives the calls of one response's sending methods. The wrapped methods may be those of another copy of this package. */
export interface ResponseHook {
  /** Called instead of `method`, the original of the method `name`. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown;
  /** True if headers wait for a commit. */
  readonly isWaiting: boolean;
}

const hooks = new Attachment<ResponseHook>('hook@1', {
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
  if (!(res instanceof ServerResponse)) wrapWhereDefined(res);
  hooks.set(res, hook);
}

/**
 * Wraps the methods of `node:http`'s responses. Called when a manager is created, not for each response, so that the wrappers are below
 * those that other middleware puts on a single response. Responses of other kinds are wrapped when the first one is hooked.
 */
export function wrapServerResponse(): void {
  wrapMethods(ServerResponse.prototype, SENDING);
}

/**
 * Wraps the methods where they are defined: on the prototype of HTTP/2's responses; on the response itself if a test's mock defines them
 * there, for in Express a mock has the prototype of Node's responses, but its own methods do not call those of the prototype.
 */
export function wrapWhereDefined(res: object): void {
  for (const name of SENDING) {
    let at: object | null = res;
    while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at) as object | null;
    if (at) wrapMethods(at, [name]);
  }
}

/** Wraps methods of an object, each once. */
function wrapMethods(target: object, names: readonly Sending[]): void {
  const wrapping = target as Wrapping;
  if (!Object.hasOwn(target, kWrapped)) Object.defineProperty(target, kWrapped, { value: {}, configurable: true });
  const done = wrapping[kWrapped]!;
  for (const name of names) {
    if (done[name] || !(name in target)) continue;
    const wrapped = wrapperOf(target, name);
    done[name] = wrapped;
    Object.defineProperty(target, name, { value: wrapped, writable: true, enumerable: true, configurable: true });
  }
}

function wrapperOf(target: object, name: Sending): Method {
  // An inherited method is looked up at each call, because it may be wrapped later where it is defined.
  const own = Object.getOwnPropertyDescriptor(target, name)?.value as Method | undefined;
  const parent = Object.getPrototypeOf(target) as Record<Sending, Method>;
  return {
    [name](this: Response, ...args: unknown[]): unknown {
      const hook = hooks.get(this);
      const method = own ?? parent[name];
      return hook === undefined ? method.apply(this, args) : hook.pass(this, name, method, args);
    },
  }[name]!;
}

/** Removes the methods with which middleware wrapped this one response, such as compression's. */
export function removeOwnMethods(res: object): void {
  const own = Object.hasOwn(res, kWrapped) ? (res as Wrapping)[kWrapped]! : {};
  for (const name of SENDING) {
    const wrapped = own[name];
    if (wrapped) Object.defineProperty(res, name, { value: wrapped });
    else Reflect.deleteProperty(res, name);
  }
}
