// Requests without a network.
//
// Request and response are Node's own `IncomingMessage` and `ServerResponse`, so every hook that a middleware puts on a response or on its
// prototype runs as in a server, headers are really made, and each response ends. The request's headers are added raw and read once before
// the middleware, as in Node's server. Below them is a stream that discards what is written. Several lanes run at a time, each with a
// stream of its own, like connections that are kept alive; so while an asynchronous store works, the thread has other work. The cost of a
// middleware is the difference to a middleware that only calls `next`.
//
// The time is the CPU time of the JavaScript thread: on a busy machine, the work of other processes does not count.
import { IncomingMessage, ServerResponse } from 'node:http';
import { Writable } from 'node:stream';
import { threadTime } from '../../scripts/figures/common.mjs';

const LANES = 16;

class Sink extends Writable {
  /** The bytes that were written, if they are collected. */
  kept;

  _write(chunk, encoding, done) {
    this.kept?.push(chunk);
    done();
  }

  _writev(chunks, done) {
    for (const { chunk } of chunks) this.kept?.push(chunk);
    done();
  }

  setTimeout() {}
}

function pair(sink, cookie) {
  const req = new IncomingMessage(sink);
  req.method = 'GET';
  req.url = '/';
  const raw = ['Host', 'localhost:3000', 'User-Agent', 'bench', 'Accept', '*/*', ...(cookie ? ['Cookie', cookie] : [])];
  req.rawHeaders = raw;
  // oxlint-disable-next-line no-underscore-dangle -- it is what Node's own parser calls
  req._addHeaderLines(raw, raw.length);
  if (req.headers.expect !== undefined) throw new Error('never');
  const res = new ServerResponse(req);
  res.shouldKeepAlive = true;
  res.assignSocket(sink);
  return { req, res };
}

/** Ends the response; if the handler returned a promise, when that resolves. */
function answerAfter(handled, res) {
  if (typeof handled?.then === 'function') handled.then(() => res.end('ok'));
  else res.end('ok');
}

/** Runs one request through a middleware and a handler; `onEnd` is called when its response is over. */
function serve({ middleware }, sink, cookie, handler, onEnd) {
  const { req, res } = pair(sink, cookie);
  res.once('finish', () => {
    res.detachSocket(sink);
    onEnd(res);
  });
  middleware(req, res, (error) => {
    if (error) throw error;
    answerAfter(handler(req), res);
  });
}

/**
 * The `Cookie` headers of clients that logged in with this data: the genuine one, and two of attackers. `forged` names a session that is
 * not there; `altered` the client's own, but with another proof: a secret or a signature.
 */
export async function loginCookies(candidate, data, count) {
  const cookies = [];
  for (let n = 0; n < count; n += 1) {
    const own = await exchange(candidate, undefined, (req) => candidate.login(req, structuredClone(data)));
    const around = (pairs) => ['theme=dark', ...pairs, 'lang=en'].join('; ');
    const last = own.at(-1) ?? '';
    const instead = (pair) => around([...own.slice(0, -1), pair]);
    cookies.push({
      genuine: around(own),
      forged: instead(alter(last, last.indexOf('=') + 6)),
      altered: instead(alter(last, last.length - 12)),
    });
  }
  return cookies;
}

/** Changes ten characters of a cookie. */
const alter = (pair, from) => `${pair.slice(0, from)}AAAAAAAAAA${pair.slice(from + 10)}`;

/** The kinds of requests: the client, and the handler's work on the session. */
export const kinds = {
  untouched: { cookie: ({ genuine }) => genuine, handler: () => {} },
  read: { cookie: ({ genuine }) => genuine, handler: (req, candidate) => candidate.read(req) },
  write: { cookie: ({ genuine }) => genuine, handler: (req, candidate) => candidate.write(req) },
  anonymous: { cookie: () => 'theme=dark; lang=en', handler: () => {} },
  forged: { cookie: ({ forged }) => forged, handler: () => {} },
  altered: { cookie: ({ altered }) => altered, handler: () => {} },
};

/** The CPU time of a request of a kind in microseconds, measured over as many requests as fit into `ms` milliseconds. */
export async function requestTime(candidate, kind, cookies, ms) {
  const { cookie, handler } = kinds[kind];
  const headers = cookies.map(cookie);
  const run = (req) => handler(req, candidate);
  let done = 0;
  const start = threadTime();
  const end = performance.now() + ms;
  const lane = (sink) =>
    new Promise((resolve) => {
      const next = () => {
        if (performance.now() >= end) return resolve();
        done += 1;
        // Each lane uses another session, like different clients.
        serve(candidate, sink, headers[(done * 31) % headers.length], run, next);
      };
      next();
    });
  await Promise.all(Array.from({ length: LANES }, () => lane(new Sink())));
  return (threadTime() - start) / 1_000 / done;
}

/** Sends one request. Returns the cookies that the response sets. */
async function exchange(candidate, cookie, handler) {
  const sink = new Sink();
  sink.kept = [];
  await new Promise((resolve) => serve(candidate, sink, cookie, handler, resolve));
  const head = Buffer.concat(sink.kept.map((chunk) => Buffer.from(chunk))).toString('latin1');
  return [...head.matchAll(/^set-cookie: ([^;\r\n]+)/gim)].map(([, pair]) => pair);
}

/** Checks that requests of each kind find what they should: comparing middlewares that do not work is meaningless. */
export async function checkKinds(candidate, [cookie]) {
  const seen = async (header) => {
    let value;
    await exchange(candidate, header, (req) => {
      value = candidate.read(req);
    });
    return value;
  };
  const before = await seen(cookie.genuine);
  if (typeof before !== 'number') throw new Error('a client that logged in is not known');
  for (const kind of ['anonymous', 'forged', 'altered']) {
    if ((await seen(kinds[kind].cookie(cookie))) !== undefined) throw new Error(`a session for a ${kind} request`);
  }
  // A session that is stored in the cookie is sent back in a new one.
  const written = await exchange(candidate, cookie.genuine, (req) => candidate.write(req));
  const after = await seen(written.length > 0 ? written.join('; ') : cookie.genuine);
  if (after !== before + 1) throw new Error(`a write of ${before + 1} was read as ${String(after)}`);
}

/** Sends `rate` requests a second for `ms` milliseconds, nine reads and a write in turn. Returns how many were served. */
export async function atRate(candidate, cookies, rate, ms) {
  const start = performance.now();
  let [sent, served] = [0, 0];
  const idle = [];
  const send = (handler) => {
    const sink = idle.pop() ?? new Sink();
    const { genuine } = cookies[(sent * 31) % cookies.length];
    serve(
      candidate,
      sink,
      genuine,
      (req) => handler(req, candidate),
      () => {
        served += 1;
        idle.push(sink);
      },
    );
  };
  while (performance.now() - start < ms) {
    const due = ((performance.now() - start) / 1_000) * rate;
    // Delays are made up for in small steps, so that other work is not held up.
    for (let step = 0; sent < due && step < 20; step += 1) {
      sent += 1;
      send(sent % 10 === 0 ? kinds.write.handler : kinds.read.handler);
    }
    await new Promise((resolve) => (sent < due ? setImmediate(resolve) : setTimeout(resolve, 1)));
  }
  return served;
}
