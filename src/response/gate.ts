/**
 * Holding a response's headers until its session is committed.
 *
 * The methods that send headers are wrapped once, on the prototype that all responses share: wrapping them on each response
 * costs more than everything else that a request does here. A response without a gate passes through at the price of one
 * look-up.
 */
import { ServerResponse } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { Attachment, isPlain } from './attachment.js';
import { Failure, startOver } from './failure.js';
import { freezeHead, isHead, sendWithCookie, SENDING, type Method, type Response, type Sending } from './head.js';

const kHooked = Symbol('agai-session.hooked');
const kGate = Symbol('agai-session.gate');
type Gated = { [kGate]?: Gate };

/** The gate of each response that was put up last. */
const gates = new Attachment<Gate>({
  get: (res: Gated) => res[kGate],
  set: (res: Gated, gate) => {
    res[kGate] = gate;
  },
});

/** The gate that was put up last. */
export function gateOf(res: object): Gate | undefined {
  return gates.get(res);
}

type Headed = { readonly _header?: string | boolean | null };

/** Whether the headers have left, or wait for a commit that is under way: what is set now counts for nothing. */
export function areHeadersSent(res: Pick<Response, 'headersSent'>, gate: Gate | undefined): boolean {
  if (gate?.isWaiting) return true;
  // What `headersSent` looks at, for half the price; a boolean in HTTP/2.
  // oxlint-disable-next-line no-underscore-dangle -- Node's own
  const header = isPlain(res) ? (res as Headed)._header : (Reflect.get(res, '_header') as Headed['_header']);
  return header === undefined ? res.headersSent : Boolean(header);
}

/** Cookie names of which was warned. */
const warnedOf = new Set<string>();

/** `refused`: the commit failed, and the one who is to answer for it has not been told yet. `failed`: now it has. */
type State = 'closed' | 'waiting' | 'open' | 'refused' | 'failed';

/** A call of a sending method. */
interface Call {
  readonly name: Sending;
  readonly method: Method;
  readonly args: unknown[];
}

const NONE: readonly Call[] = [];

/**
 * One response's gate: closed until what is behind it is committed, waiting while a backend answers, open afterwards. Several managers may
 * gate one response; each commits its own.
 */
export abstract class Gate {
  /** The gate of another manager on the same response, passed afterwards. */
  readonly #next: Gate | undefined;
  #state: State = 'closed';
  /** Headers left before `end`: the handler may have changed the session since. */
  #streams = false;
  /** Calls that wait for the commit, the first of them with the cookie. */
  #calls: readonly Call[] = NONE;
  #failure: Failure | undefined;

  /** `next` is what `gateOf` answers. */
  constructor(next: Gate | undefined) {
    this.#next = next;
  }

  /** The name that the session's cookie has on this connection. */
  abstract get cookieName(): string;

  /** Writes the session; answers the `Set-Cookie` text if one is to be sent. */
  protected abstract commit(): MaybePromise<string | undefined>;

  /** Writes what changed since, after the headers have left. */
  protected abstract commitLate(): MaybePromise<undefined>;

  /**
   * Told, once nothing of the handler is on the stack any more, that the session could not be written. What the handler sent is
   * dropped up to here, and the status is 500 until somebody sets another.
   */
  protected abstract onError(error: unknown): void;

  /** Stands before the response from here on. */
  protected putUp(res: object): void {
    if (this.#next) this.#warnOfTwins();
    if (!(res instanceof ServerResponse)) hook(prototypeWith('writeHead', res));
    gates.set(res, this);
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting' || (this.#next?.isWaiting ?? false);
  }

  /** Passes a call of a sending method on to `method`: at once, or when the session is committed, or never if that failed. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    switch (this.#state) {
      case 'closed': {
        // Headers that left by a way of their own, as HTTP/2's `respond`: what can still be stored is, the rest is an error.
        const areSent = areHeadersSent(res, this.#next);
        this.#streams = name !== 'end' && !areSent;
        return this.#run(res, { name, method, args }, areSent);
      }
      case 'waiting':
        return this.#wait(res, { name, method, args });
      case 'open':
        if (name !== 'end' || !this.#streams) return this.#onward(res, name, method, args);
        this.#streams = false;
        return this.#run(res, { name, method, args }, true);
      case 'refused':
        this.#failure!.drop(name);
        return answerOf(name, res);
      case 'failed':
        if (!this.#failure!.passes(res, name)) return answerOf(name, res);
        return this.#failure!.pass((...args) => this.#onward(res, name, method, args), args);
    }
  }

  /** Two stores behind one cookie name on one response: each overwrites the other's cookie, and every request loses a session. */
  #warnOfTwins(): void {
    const { cookieName } = this;
    for (let other = this.#next; other; other = other.#next) {
      if (other.cookieName !== cookieName || warnedOf.has(cookieName)) continue;
      warnedOf.add(cookieName);
      process.emitWarning(
        `two session middlewares with different stores answer one request under the cookie name "${cookieName}", and overwrite ` +
          'each other: give them one store, or one of them another cookie name',
        { type: 'SessionWarning', code: 'SESSION_COOKIE_SHARED' },
      );
    }
  }

  /** To the next gate, or out. */
  #onward(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    return this.#next ? this.#next.pass(res, name, method, args) : method.apply(res, args);
  }

  #send(res: Response, { name, method, args }: Call, cookie: string | undefined): unknown {
    if (cookie === undefined) return this.#onward(res, name, method, args);
    return sendWithCookie(res, name, (...args) => this.#onward(res, name, method, args), args, cookie);
  }

  #run(res: Response, call: Call, isLate: boolean): unknown {
    // Open already: what the commit sends from inside must not wait for itself.
    this.#state = 'open';
    let cookie: MaybePromise<string | undefined>;
    try {
      cookie = isLate ? this.commitLate() : this.commit();
    } catch (error) {
      this.#calls = [call];
      this.#refuse(res, error);
      return answerOf(call.name, res);
    }
    if (!isPromise(cookie)) return this.#send(res, call, cookie);
    this.#state = 'waiting';
    this.#calls = [call];
    const thaw = res.headersSent ? undefined : freezeHead(res);
    Promise.resolve(cookie)
      .finally(thaw)
      .then(
        (cookie) => this.#release(res, cookie),
        (error: unknown) => this.#refuse(res, error),
      );
    return answerOf(call.name, res);
  }

  #wait(res: Response, call: Call): unknown {
    const { name } = call;
    const ended = this.#calls.some((call) => call.name === 'end');
    // Middleware that sees no header yet, such as compression, asks for it at each of its writes: the first one counts. After
    // `end` nothing counts.
    const again = isHead(name) && this.#calls.some((call) => isHead(call.name));
    if (!ended && !again) this.#calls = [...this.#calls, call];
    return answerOf(name, res);
  }

  /**
   * Drops what the handler sent and tells of the error: later, because middleware around the response, such as compression, is
   * still in the middle of the handler's call and must not be entered again. Nor is anything thrown: a handler that answers
   * from a timer would take the process down.
   */
  #refuse(res: Response, error: unknown): void {
    const failure = new Failure();
    for (const { name } of this.#calls) failure.drop(name);
    this.#calls = NONE;
    this.#failure = failure;
    this.#state = 'refused';
    process.nextTick(() => {
      if (!res.headersSent) startOver(res);
      this.#state = 'failed';
      failure.answer(res, () => this.onError(error));
    });
  }

  /** Makes the calls that waited, in their order. */
  #release(res: Response, cookie: string | undefined): void {
    this.#state = 'open';
    const [first, ...others] = this.#calls;
    this.#calls = NONE;
    if (first === undefined) return;
    try {
      this.#send(res, first, cookie);
      for (const call of others) this.#send(res, call, undefined);
    } catch (error) {
      this.#refuse(res, error);
      return;
    }
    // Those who were told to wait for "drain" go on, unless the socket itself will say so.
    if (!res.writableNeedDrain && !res.writableEnded) res.emit('drain');
  }
}

/** What a method answers that has not run: a write that asks for patience, or the response itself. */
function answerOf(name: Sending, res: Response): unknown {
  return name === 'write' ? false : res;
}

/** The object in the chain, from the object itself on, that has a method of this name. */
function prototypeWith(name: Sending, object: object): object {
  let at: object | null = object;
  while (at && !Object.hasOwn(at, name)) at = Object.getPrototypeOf(at) as object | null;
  return at ?? object;
}

/** Wraps the sending methods of `target`, which all responses of its kind inherit from, once. */
function hook(target: object): void {
  if (Object.hasOwn(target, kHooked)) return;
  Object.defineProperty(target, kHooked, { value: true });
  for (const name of SENDING) {
    if (!(name in target)) continue;
    // A method that is inherited is looked up at each call: somebody may wrap it there later.
    const own = Object.getOwnPropertyDescriptor(target, name)?.value as Method | undefined;
    const parent = Object.getPrototypeOf(target) as Record<Sending, Method>;
    const wrapped = {
      [name](this: Response, ...args: unknown[]): unknown {
        const gate = gates.get(this);
        const method = own ?? parent[name];
        return gate === undefined ? method.apply(this, args) : gate.pass(this, name, method, args);
      },
    }[name];
    Object.defineProperty(target, name, { value: wrapped, writable: true, enumerable: true, configurable: true });
  }
}

// At import, so that it is under whatever a middleware wraps around a single response.
hook(ServerResponse.prototype);
