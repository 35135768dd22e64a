/** The gate that holds a response's headers until a commit is done. */
import { isPromise, type MaybePromise } from '../maybe-promise.js';
import { isPlain } from './attachment.js';
import { Failure, startOver } from './failure.js';
import { freezeHead, isBare, isHead, type Method, type Response, type Sending } from './head.js';
import { withRules, type HeadChange, type HeadRules } from './head-rules.js';
import { holdOpen } from './hold.js';
import { setHook, type ResponseHook } from './hooks.js';
import { keepCookie, withCookie } from './set-cookie.js';

type Headed = { readonly _header?: string | boolean | null };

/**
 * The property behind `headersSent`, for half its price: null or the text of the headers, a boolean in HTTP/2, and `undefined` if the
 * response is not one of Node's.
 */
export function headerOf(res: object): string | boolean | null | undefined {
  // oxlint-disable-next-line no-underscore-dangle -- Node's own
  return isPlain(res) ? (res as Headed)._header : (Reflect.get(res, '_header') as Headed['_header']);
}

/** Whether the headers were sent, or wait for a commit in progress: in both cases setting more has no effect. */
export function areHeadersSent(
  res: Pick<Response, 'headersSent'>,
  hook: ResponseHook | undefined,
  header = headerOf(res),
): boolean {
  return (hook?.isWaiting ?? false) || Boolean(header === undefined ? res.headersSent : header);
}

/** `refused`: the commit failed, and `onError` has not been called yet. `failed`: it has been called. */
type GateState = 'closed' | 'waiting' | 'open' | 'refused' | 'failed';

/** A call of a sending method. */
interface Call {
  readonly name: Sending;
  readonly method: Method;
  readonly args: unknown[];
}

const NONE: readonly Call[] = [];

/**
 * The gate of one response: closed until the commit, waiting while a backend works on it, open afterwards. A response may have several
 * gates, one for each manager; each commits its own session.
 */
export abstract class Gate implements ResponseHook {
  /** The gate of another manager on the same response, through which calls go next; it may be of another copy of this package. */
  readonly #next: ResponseHook | undefined;
  #state: GateState = 'closed';
  /** True if headers were sent before `end`: the handler may have made changes since. */
  #streams = false;
  /** Calls that wait for the commit. The cookies go with the first. */
  #calls: readonly Call[] = NONE;
  /** What the head must say when it is sent, once that is known. */
  #rules: HeadRules | undefined;
  #failure: Failure | undefined;
  /** Ends what `holdOpen` began. */
  #letGo: (() => void) | undefined;

  /** `next` is the gate that the response has already: `hookOf(res)`. */
  constructor(next: ResponseHook | undefined) {
    this.#next = next;
  }

  /** Commits, before headers are sent. Returns what the head of the response needs, if anything. */
  protected abstract commit(): MaybePromise<HeadChange | undefined>;

  /** Commits what changed after the headers were sent. */
  protected abstract commitLate(): MaybePromise<undefined>;

  /** The rules for what is sent in place of a response whose commit failed. */
  protected abstract rulesOfFailure(): HeadRules | undefined;

  /**
   * Called when a commit failed, once no function of the handler is on the stack. Everything that the handler sends is dropped, and the
   * status is 500 until another is set. What it returns may be a promise.
   */
  protected abstract onError(error: unknown): unknown;

  /** Installs the gate: calls of the response's sending methods go through it from now on. */
  protected install(res: object): void {
    setHook(res, this);
  }

  /** True until the handler first sends something: a commit is still to come, and can fail the response. */
  protected get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get isWaiting(): boolean {
    return this.#state === 'waiting' || (this.#next?.isWaiting ?? false);
  }

  /** Calls `method` immediately, or when the commit is done, or never if that fails. */
  pass(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    switch (this.#state) {
      case 'closed': {
        // Headers may have been sent in another way, as by HTTP/2's `respond`: then only what needs no cookie can be committed.
        const areSent = areHeadersSent(res, this.#next);
        this.#streams = name !== 'end' && !areSent && !isBare(res);
        return this.#run(res, { name, method, args }, areSent);
      }
      case 'waiting':
        return this.#wait(res, { name, method, args });
      case 'open':
        if (name !== 'end' || !this.#streams) {
          return this.#onward(res, name, method, this.#rules === undefined ? args : this.#ruled(res, name, args));
        }
        this.#streams = false;
        return this.#run(res, { name, method, args }, true);
      case 'refused':
        this.#failure!.drop(name);
        return resultOf(name, res);
      case 'failed':
        if (!this.#failure!.passes(res, name)) return resultOf(name, res);
        return this.#failure!.pass((...args) => this.#onward(res, name, method, args), this.#ruled(res, name, args));
    }
  }

  /**
   * The arguments of a call, after the head was made to follow the rules. That is done at the first call, and again at a `writeHead` that
   * the call leads to: middleware that waits for that moment sets headers in between.
   */
  #ruled(res: Response, name: Sending, args: unknown[]): unknown[] {
    if (this.#rules === undefined || areHeadersSent(res, this.#next)) return args;
    return withRules(res, name, args, this.#rules);
  }

  /** Makes a call through the next gate, or directly. */
  #onward(res: Response, name: Sending, method: Method, args: unknown[]): unknown {
    return this.#next ? this.#next.pass(res, name, method, args) : method.apply(res, args);
  }

  #send(res: Response, call: Call, change: HeadChange | undefined): unknown {
    const { name, method, args } = call;
    if (change === undefined) return this.#onward(res, name, method, args);
    const { cookies } = change;
    this.#rules = change.rules;
    let sent = args;
    try {
      if (change.rules) sent = withRules(res, name, sent, change.rules);
      for (const cookie of cookies) sent = withCookie(res, name, sent, cookie);
    } catch (error) {
      this.#calls = [call];
      this.#refuse(res, error);
      return resultOf(name, res);
    }
    try {
      return this.#onward(res, name, method, sent);
    } catch (error) {
      // Node refused the headers that were passed.
      if (!res.headersSent) for (const cookie of cookies) keepCookie(res, cookie);
      throw error;
    }
  }

  /** Commits, then makes the call. */
  #run(res: Response, call: Call, isLate: boolean): unknown {
    // Open already: anything that the commit itself sends must not wait for the commit.
    this.#state = 'open';
    let change: MaybePromise<HeadChange | undefined>;
    try {
      change = isLate ? this.commitLate() : this.commit();
    } catch (error) {
      this.#calls = [call];
      this.#refuse(res, error);
      return resultOf(call.name, res);
    }
    if (!isPromise(change)) return this.#send(res, call, change);
    this.#state = 'waiting';
    this.#calls = [call];
    this.#letGo = holdOpen(res);
    const thaw = res.headersSent ? undefined : freezeHead(res);
    Promise.resolve(change)
      .finally(thaw)
      .then(
        (change) => this.#release(res, change),
        (error: unknown) => this.#refuse(res, error),
      );
    return resultOf(call.name, res);
  }

  #wait(res: Response, call: Call): unknown {
    const { name } = call;
    const hasEnded = this.#calls.some((call) => call.name === 'end');
    // Middleware such as compression calls writeHead at each of its writes, as long as it sees no header: the first call counts. After
    // `end` no call counts.
    const isRepeated = isHead(name) && this.#calls.some((call) => isHead(call.name));
    if (!hasEnded && !isRepeated) this.#calls = [...this.#calls, call];
    return resultOf(name, res);
  }

  /**
   * Drops what the handler sent, and calls `onError` on the next tick: middleware around the response, such as compression, is still in
   * the middle of the handler's call and must not be entered again. Nothing is thrown: in a handler that responds from a timer, an
   * exception would end the process.
   */
  #refuse(res: Response, error: unknown): void {
    const failure = new Failure();
    for (const { name } of this.#calls) failure.drop(name);
    this.#calls = NONE;
    this.#failure = failure;
    this.#rules = this.rulesOfFailure();
    this.#state = 'refused';
    process.nextTick(() => {
      if (!res.headersSent) startOver(res);
      this.#state = 'failed';
      failure.handle(res, error, () => this.onError(error));
      this.#letGo?.();
      this.#letGo = undefined;
    });
  }

  /** Makes the calls that waited, in their order. */
  #release(res: Response, change: HeadChange | undefined): void {
    this.#state = 'open';
    const [first, ...others] = this.#calls;
    this.#calls = NONE;
    if (first === undefined) return;
    const letGo = this.#letGo;
    this.#letGo = undefined;
    try {
      this.#send(res, first, change);
      // Each goes through the gate: before `end` it commits what changed since the commit that is done now.
      for (const { name, method, args } of others) this.pass(res, name, method, args);
    } catch (error) {
      this.#refuse(res, error);
    }
    if ((this.#state as GateState) === 'refused') {
      this.#letGo = letGo;
      return;
    }
    letGo?.();
    // Writes that waited have returned false, so their callers expect "drain". If the socket is full, it will emit that itself.
    if (this.#state === 'open' && !res.writableNeedDrain && !res.writableEnded) res.emit?.('drain');
  }
}

/** The result of a sending method that was not called: false for a write, which asks the caller to wait, else the response. */
function resultOf(name: Sending, res: Response): unknown {
  return name === 'write' ? false : res;
}
