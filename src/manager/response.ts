/**
 * Holding a response's headers until its session is committed.
 *
 * The methods that send headers are wrapped once, on the prototype that all responses share: wrapping them on each response
 * costs more than everything else that a request does here. A response without a gate passes through at the price of one
 * property read.
 */
import { ServerResponse, type OutgoingHttpHeader, type OutgoingHttpHeaders } from 'node:http';
import { isPromise, type MaybePromise } from '../maybe-promise.js';

const kGate = Symbol('agai-session.gate');
const kHooked = Symbol('agai-session.hooked');

/** The parts of a response that are used here: `node:http`'s, and the HTTP/2 compatibility API's. */
export type Response = Pick<
  ServerResponse,
  'headersSent' | 'writableEnded' | 'statusCode' | 'emit' | 'writableNeedDrain'
> &
  Pick<ServerResponse, 'appendHeader' | 'getHeaderNames' | 'removeHeader'> &
  Record<Sending, Method> & { [kGate]?: Gate | undefined };

/** The methods that send headers, or make them be sent. */
const SENDING = ['writeHead', 'flushHeaders', 'write', 'end'] as const;
type Sending = (typeof SENDING)[number];
type Method = (...args: unknown[]) => unknown;

/** What a gate does before the headers leave, and what it tells if that failed. */
export interface Commit {
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
export function gate(res: Response, commit: Commit): void {
  if (!(res instanceof ServerResponse)) hook(prototypeWith('writeHead', res));
  res[kGate] = new Gate(commit, res[kGate]);
}

/** `refused`: the commit failed, and the one who is to answer for it has not been told yet. */
type State = 'closed' | 'waiting' | 'refused' | 'open';

/** One response's gate: closed until the commit, waiting while a backend answers, open afterwards. */
class Gate {
  readonly #commit: Commit;
  /** The gate of another manager on the same response, passed afterwards. */
  readonly #next: Gate | undefined;
  #state: State = 'closed';
  #failed = false;
  /** Headers left before `end`: the handler may have changed the session since. */
  #streams = false;
  /** Of a response whose session was refused: whether `onError` is on the stack, and status and headers when it was called. */
  #answering = false;
  #head = '';
  #calls: [Method, unknown[]][] = [];
  /** A call of writeHead is among those that wait. */
  #hasHead = false;

  constructor(commit: Commit, next: Gate | undefined) {
    this.#commit = commit;
    this.#next = next;
  }

  /** Passes a call of a sending method on to `method`: at once, or when the session is committed, or never if that failed. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    const next: Method = this.#next
      ? (...args) => this.#next!.pass(res, name, method, args)
      : (...args) => method.apply(res, args);
    switch (this.#state) {
      case 'waiting':
        // Middleware that sees no header yet, such as compression, asks for it at each of its writes: the first one counts.
        if (name === 'writeHead' && this.#hasHead) return answerOf(name, res);
        this.#hasHead ||= name === 'writeHead';
        this.#calls.push([next, args]);
        return answerOf(name, res);
      case 'refused':
        return answerOf(name, res);
      case 'open':
        if (this.#failed && this.#isTheHandlers(res)) return answerOf(name, res);
        if (name !== 'end' || !this.#streams || this.#failed) return next(...args);
        this.#streams = false;
        return this.#run(res, name, next, args, () => this.#commit.commitLate() as MaybePromise<undefined>);
      case 'closed':
        if (res.headersSent) {
          this.#state = 'open';
          return next(...args);
        }
        this.#streams = name !== 'end';
        return this.#run(res, name, next, args, this.#commit.commit);
    }
  }

  #run(res: Response, name: Sending, next: Method, args: unknown[], commit: Commit['commit']): unknown {
    // Open already: what the commit sends from inside must not wait for itself.
    this.#state = 'open';
    let cookie: MaybePromise<string | undefined>;
    try {
      cookie = commit();
    } catch (error) {
      this.#refuse(res, error);
      return answerOf(name, res);
    }
    if (!isPromise(cookie)) return next(...withCookie(res, name, args, cookie));
    this.#state = 'waiting';
    this.#hasHead = name === 'writeHead';
    cookie.then(
      (cookie) => this.#release(res, () => next(...withCookie(res, name, args, cookie))),
      (error: unknown) => this.#refuse(res, error),
    );
    return answerOf(name, res);
  }

  /**
   * Drops what the handler sent and tells of the error: later, because middleware around the response, such as compression, is
   * still in the middle of the handler's call and must not be entered again. Nor is anything thrown: a handler that answers
   * from a timer would take the process down.
   */
  #refuse(res: Response, error: unknown): void {
    this.#state = 'refused';
    this.#failed = true;
    this.#calls = [];
    process.nextTick(() => {
      if (!res.headersSent) startOver(res);
      this.#head = headOf(res);
      this.#state = 'open';
      this.#answering = true;
      try {
        this.#commit.onError(error);
      } finally {
        this.#answering = false;
      }
    });
  }

  /**
   * Whether a call after a failure is still the handler's, as of a stream that it goes on to pipe, rather than that of whoever
   * answers for the failure. That one does so at once, or begins by setting a status or a header of its own.
   */
  #isTheHandlers(res: Response): boolean {
    return res.writableEnded || (!this.#answering && !res.headersSent && headOf(res) === this.#head);
  }

  /** Makes the calls that waited, in their order. */
  #release(res: Response, first: () => unknown): void {
    this.#state = 'open';
    const calls = this.#calls;
    this.#calls = [];
    try {
      first();
      for (const [method, args] of calls) method(...args);
    } catch (error) {
      this.#refuse(res, error);
      return;
    }
    // Those who were told to wait for "drain" go on, unless the socket itself will say so.
    if (!res.writableNeedDrain && !res.writableEnded) res.emit('drain');
  }
}

/**
 * Makes a response of which nothing was sent one that can still be answered: without what was said of the old body, and without
 * what middleware put around this response alone. Compression, for one, has begun to compress and takes no second body.
 */
function startOver(res: Response): void {
  for (const name of SENDING) Reflect.deleteProperty(res, name);
  for (const name of res.getHeaderNames()) {
    if (name.startsWith('content-') || name === 'etag' || name === 'last-modified') res.removeHeader(name);
  }
  res.statusCode = 500;
}

/** What a response would say before its body. */
function headOf(res: Response): string {
  return `${res.statusCode} ${res.getHeaderNames().join()}`;
}

/** What a method answers that has not run: a write that asks for patience, or the response itself. */
function answerOf(name: Sending, res: Response): unknown {
  return name === 'write' ? false : res;
}

/**
 * Adds `Set-Cookie` beside those that are there. Headers given to `writeHead` replace those of the same name set before, so if
 * it brings cookies of its own, ours joins them.
 */
function withCookie(res: Response, name: Sending, args: unknown[], cookie: string | undefined): unknown[] {
  if (cookie === undefined) return args;
  const at = args.length - 1;
  const headers = args[at];
  if (name === 'writeHead' && at > 0 && typeof headers === 'object' && headers !== null) {
    const joined = joinCookie(headers as OutgoingHttpHeaders | OutgoingHttpHeader[], cookie);
    if (joined) return [...args.slice(0, at), joined];
  }
  res.appendHeader('Set-Cookie', cookie);
  return args;
}

const isCookie = (name: unknown): boolean => String(name).toLowerCase() === 'set-cookie';

/**
 * The headers with `cookie` beside their own cookies; `undefined` if they have none. All go into one entry, because where
 * other headers were set before, Node lets the last of several entries replace the others.
 */
function joinCookie(headers: OutgoingHttpHeaders | OutgoingHttpHeader[], cookie: string): unknown {
  if (!Array.isArray(headers)) {
    const name = Object.keys(headers).find(isCookie);
    return name && { ...headers, [name]: [headers[name] ?? []].flat().map(String).concat(cookie) };
  }
  const nested = Array.isArray(headers[0]);
  const entries = nested ? (headers as unknown as [unknown, unknown][]) : pairs(headers);
  const cookies = entries.filter(([name]) => isCookie(name)).flatMap(([, value]) => value);
  if (cookies.length === 0) return undefined;
  const joined = [...entries.filter(([name]) => !isCookie(name)), ['Set-Cookie', [...cookies, cookie]]];
  return nested ? joined : joined.flat();
}

function pairs(flat: readonly unknown[]): [unknown, unknown][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at], flat[2 * at + 1]]);
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
    // A method that is inherited is looked up at each call: somebody may wrap it there later.
    const own = Object.getOwnPropertyDescriptor(target, name)?.value as Method | undefined;
    const parent = Object.getPrototypeOf(target) as Record<Sending, Method>;
    const wrapped = {
      [name](this: Response, ...args: unknown[]): unknown {
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
