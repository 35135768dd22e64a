/**
 * Holding a response's headers until its session is committed.
 *
 * The methods that send headers are wrapped once, on the prototype that all responses share: wrapping them on each response
 * costs more than everything else that a request does here. A response without a gate passes through at the price of one
 * property read.
 */
import { ServerResponse } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { Failure, startOver } from './failure.js';
import { freezeHead, isHead, sendWithCookie, SENDING, type Method, type Response, type Sending } from './head.js';

const kGate = Symbol('agai-session.gate');
const kHooked = Symbol('agai-session.hooked');

/** A response with its gate. */
type Gated = Response & { [kGate]?: Gate | undefined };

/** What a gate does before the headers leave, and what it tells if that failed. */
export interface Commit {
  /** The name that the session's cookie has on this connection. */
  readonly cookieName: string;
  /** Writes the session; answers the `Set-Cookie` text if one is to be sent. */
  readonly commit: () => MaybePromise<string | undefined>;
  /** Writes what changed since, after the headers have left. */
  readonly commitLate: () => MaybePromise<void>;
  /**
   * Told, once nothing of the handler is on the stack any more, that the session could not be written. What the handler sent is
   * dropped up to here, and the status is 500 until somebody sets another.
   */
  readonly onError: (error: unknown) => void;
}

/** Commits `commit` before the response's headers leave. Several managers may gate one response; each commits its own. */
export function gate(res: Gated, commit: Commit): void {
  warnOfTwins(res[kGate], commit.cookieName);
  if (!(res instanceof ServerResponse)) hook(prototypeWith('writeHead', res));
  res[kGate] = new Gate(commit, res[kGate]);
}

const warnedOf = new Set<string>();

/** Two stores behind one cookie name on one response: each overwrites the other's cookie, and every request loses a session. */
function warnOfTwins(gate: Gate | undefined, cookieName: string): void {
  for (let other = gate; other; other = other.next) {
    if (other.commit.cookieName !== cookieName || warnedOf.has(cookieName)) continue;
    warnedOf.add(cookieName);
    process.emitWarning(
      `two session middlewares with different stores answer one request under the cookie name "${cookieName}", and overwrite ` +
        'each other: give them one store, or one of them another cookie name',
      { type: 'SessionWarning', code: 'SESSION_COOKIE_SHARED' },
    );
  }
}

/** `refused`: the commit failed, and the one who is to answer for it has not been told yet. `failed`: now it has. */
type State = 'closed' | 'waiting' | 'open' | 'refused' | 'failed';

/** One response's gate: closed until the commit, waiting while a backend answers, open afterwards. */
class Gate {
  readonly commit: Commit;
  /** The gate of another manager on the same response, passed afterwards. */
  readonly next: Gate | undefined;
  #state: State = 'closed';
  /** Headers left before `end`: the handler may have changed the session since. */
  #streams = false;
  /** Calls that wait for the commit, the first of them with the cookie. */
  #calls: { readonly name: Sending; readonly run: Method; readonly args: unknown[] }[] = [];
  #failure: Failure | undefined;

  constructor(commit: Commit, next: Gate | undefined) {
    this.commit = commit;
    this.next = next;
  }

  /** Passes a call of a sending method on to `method`: at once, or when the session is committed, or never if that failed. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    const next: Method = this.next
      ? (...args) => this.next!.pass(res, name, method, args)
      : (...args) => method.apply(res, args);
    switch (this.#state) {
      case 'closed':
        // Headers that left by a way of their own, as HTTP/2's `respond`: what can still be stored is, the rest is an error.
        this.#streams = name !== 'end' && !res.headersSent;
        return this.#run(res, name, next, args, res.headersSent ? this.#late : this.commit.commit);
      case 'waiting':
        return this.#wait(res, name, next, args);
      case 'open':
        if (name !== 'end' || !this.#streams) return next(...args);
        this.#streams = false;
        return this.#run(res, name, next, args, this.#late);
      case 'refused':
        this.#failure!.drop(name);
        return answerOf(name, res);
      case 'failed':
        return this.#failure!.passes(res, name) ? this.#failure!.pass(next, args) : answerOf(name, res);
    }
  }

  readonly #late = (): MaybePromise<undefined> => this.commit.commitLate() as MaybePromise<undefined>;

  #run(res: Response, name: Sending, next: Method, args: unknown[], commit: Commit['commit']): unknown {
    // Open already: what the commit sends from inside must not wait for itself.
    this.#state = 'open';
    let cookie: MaybePromise<string | undefined>;
    try {
      cookie = commit();
    } catch (error) {
      this.#calls = [{ name, run: next, args }];
      this.#refuse(res, error);
      return answerOf(name, res);
    }
    if (!isPromise(cookie)) return sendWithCookie(res, name, next, args, cookie);
    this.#state = 'waiting';
    this.#calls = [{ name, run: next, args }];
    const thaw = res.headersSent ? undefined : freezeHead(res);
    Promise.resolve(cookie)
      .finally(thaw)
      .then(
        (cookie) => this.#release(res, cookie),
        (error: unknown) => this.#refuse(res, error),
      );
    return answerOf(name, res);
  }

  #wait(res: Response, name: Sending, next: Method, args: unknown[]): unknown {
    const ended = this.#calls.some((call) => call.name === 'end');
    // Middleware that sees no header yet, such as compression, asks for it at each of its writes: the first one counts. After
    // `end` nothing counts.
    const again = isHead(name) && this.#calls.some((call) => isHead(call.name));
    if (!ended && !again) this.#calls.push({ name, run: next, args });
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
    this.#calls = [];
    this.#failure = failure;
    this.#state = 'refused';
    process.nextTick(() => {
      if (!res.headersSent) startOver(res);
      this.#state = 'failed';
      failure.answer(res, () => this.commit.onError(error));
    });
  }

  /** Makes the calls that waited, in their order. */
  #release(res: Response, cookie: string | undefined): void {
    this.#state = 'open';
    const [first, ...others] = this.#calls;
    this.#calls = [];
    if (first === undefined) return;
    try {
      sendWithCookie(res, first.name, first.run, first.args, cookie);
      for (const { run, args } of others) run(...args);
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
      [name](this: Gated, ...args: unknown[]): unknown {
        const gate = this[kGate];
        const method = own ?? parent[name];
        return gate === undefined ? method.apply(this, args) : gate.pass(this, name, method, args);
      },
    }[name];
    Object.defineProperty(target, name, { value: wrapped, writable: true, enumerable: true, configurable: true });
  }
}

// At import, so that it is under whatever a middleware wraps around a single response.
hook(ServerResponse.prototype);
