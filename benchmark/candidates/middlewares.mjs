// Session middlewares as `(req, res, next)`, each configured as its own documentation recommends for plain HTTP. `read` and `write` are the
// work of a handler on the session; they may return a promise.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { require } from '../../scripts/figures/common.mjs';
import { LeftOut } from '../frame/child.mjs';
import { requireBefore, withBefore, withoutUserLimit } from './before.mjs';

const secret = 'a secret of the benchmark, of more than 32 characters';
const roomy = { maxSessions: 6_000_000, maxBytes: '16GiB', absoluteTimeout: '30d' };

/** The middleware without sessions, above which the others are measured. */
function none() {
  return { middleware: (req, res, next) => next(), login() {}, read() {}, write() {}, close() {} };
}

function ours(from = require, options = {}) {
  const { session } = from('agai-session/express');
  const middleware = withoutUserLimit((unlimited) =>
    session({ ...roomy, ...unlimited, ...options, cookie: { secure: false } }),
  );
  return {
    middleware,
    login(req, data) {
      req.session.login('ann');
      req.session.data = data;
    },
    read: (req) => req.session.data.visits,
    write: (req) => (req.session.data.visits += 1),
    fill(text, count) {
      const { backend } = middleware.manager.store;
      for (let n = 0; n < count; n += 1) backend.create({ data: text, uid: 'ann' });
    },
    close: () => middleware.manager.store.close(),
  };
}

/** The same with a handler that reads and sets the one key it needs. */
function oursByKey(options) {
  return {
    ...ours(require, options),
    read: (req) => req.session.get('visits'),
    write: (req) => req.session.update('visits', (visits) => visits + 1),
  };
}

/** express-session over a store. */
async function overExpressSession(store, close = () => {}) {
  const { default: session } = await import('express-session');
  return {
    middleware: session({ store, secret, resave: false, saveUninitialized: false, cookie: { maxAge: 30 * 60_000 } }),
    login(req, data) {
      Object.assign(req.session, data, { uid: 'ann' });
    },
    read: (req) => req.session.visits,
    write: (req) => (req.session.visits += 1),
    fill(text, count) {
      const cookie = {
        originalMaxAge: 30 * 60_000,
        expires: new Date(Date.now() + 30 * 60_000),
        path: '/',
        httpOnly: true,
      };
      const value = { cookie, ...JSON.parse(text), uid: 'ann' };
      for (let n = 0; n < count; n += 1) store.set(`filled-${n}-${Math.random().toString(36).slice(2)}`, value);
    },
    close,
  };
}

async function memoryStore() {
  const { default: session } = await import('express-session');
  return overExpressSession(new session.MemoryStore());
}

async function memorystore() {
  const [{ default: session }, { default: create }] = [await import('express-session'), await import('memorystore')];
  const MemoryStore = create(session);
  const store = new MemoryStore({ checkPeriod: 86_400_000 });
  return overExpressSession(store, () => store.stopInterval());
}

/** A typical express-session store over lru-cache: JSON texts that expire with the session. */
async function lru() {
  const [{ default: session }, { LRUCache }] = [await import('express-session'), await import('lru-cache')];
  const cache = new LRUCache({ max: roomy.maxSessions, ttl: 30 * 60_000 });
  class LruStore extends session.Store {
    get(id, done) {
      const text = cache.get(id);
      setImmediate(done, null, text && JSON.parse(text));
    }
    set(id, value, done) {
      cache.set(id, JSON.stringify(value));
      if (done) setImmediate(done, null);
    }
    touch(id, value, done) {
      cache.get(id, { updateAgeOnGet: true });
      if (done) setImmediate(done, null);
    }
    destroy(id, done) {
      cache.delete(id);
      if (done) setImmediate(done, null);
    }
  }
  return overExpressSession(new LruStore());
}

async function fileStore() {
  const [{ default: session }, { default: create }] = [
    await import('express-session'),
    await import('session-file-store'),
  ];
  const FileStore = create(session);
  const path = mkdtempSync(join(tmpdir(), 'bench-session-files-'));
  const store = new FileStore({ path, logFn() {}, reapInterval: -1 });
  return overExpressSession(store, () => rmSync(path, { recursive: true, force: true }));
}

/** Starts Redis on a Unix socket, with its files in a new directory below `parent` and with additional options. */
export async function startRedis(options = ['--save', '', '--appendonly', 'no'], parent = tmpdir()) {
  const { createClient } = await import('redis');
  // The path of a socket must be short, and that of `parent` may be long.
  const [folder, socketFolder] = [
    mkdtempSync(join(parent, 'bench-redis-')),
    mkdtempSync(join(tmpdir(), 'bench-socket-')),
  ];
  const path = join(socketFolder, 'socket');
  const server = spawn('redis-server', ['--port', '0', '--unixsocket', path, '--dir', folder, ...options], {
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => server.once('close', resolve));
  const end = () => server.kill();
  process.once('exit', end);
  const close = async () => {
    end();
    await ended;
    process.off('exit', end);
    for (const path of [folder, socketFolder]) rmSync(path, { recursive: true, force: true });
  };
  try {
    await new Promise((resolve, reject) => {
      server.once('spawn', resolve);
      server.once('error', () => reject(new LeftOut('redis-server is not installed')));
    });
    const reconnectStrategy = (tries) => (tries > 100 ? new Error('Redis does not answer') : 50);
    const client = createClient({ socket: { path, reconnectStrategy } });
    client.on('error', () => {});
    await client.connect();
    return {
      client,
      async close() {
        client.destroy();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function redis() {
  const { RedisStore } = await import('connect-redis');
  const { client, close } = await startRedis();
  return overExpressSession(new RedisStore({ client, prefix: 'session:' }), close);
}

async function cookieSession() {
  const { default: create } = await import('cookie-session');
  return {
    middleware: create({ name: 'session', keys: [secret], maxAge: 24 * 60 * 60_000 }),
    login(req, data) {
      req.session = { ...data, uid: 'ann' };
    },
    read: (req) => req.session.visits,
    write: (req) => (req.session.visits += 1),
    close() {},
  };
}

async function ironSession() {
  const { getIronSession } = await import('iron-session');
  const options = { password: secret, cookieName: 'session', cookieOptions: { secure: false } };
  return {
    async middleware(req, res, next) {
      req.session = await getIronSession(req, res, options);
      next();
    },
    login(req, data) {
      Object.assign(req.session, data, { uid: 'ann' });
      return req.session.save();
    },
    read: (req) => req.session.visits,
    write(req) {
      req.session.visits += 1;
      return req.session.save();
    },
    close() {},
  };
}

const all = {
  'no session': none,
  'agai-session': () => ours(),
  'agai-session, get and set': () => oursByKey(),
  // What is left without `Vary` and `Cache-Control`, which no other candidate sets.
  'agai-session, get and set, no cache headers': () => oursByKey({ cacheHeaders: false }),
  'express-session + MemoryStore': memoryStore,
  'express-session + memorystore': memorystore,
  'express-session + lru-cache': lru,
  'express-session + session-file-store': fileStore,
  'express-session + connect-redis': redis,
  'cookie-session': cookieSession,
  'iron-session': ironSession,
};

export const middlewares = withBefore(all, () => ours(requireBefore), [
  'no session',
  'agai-session',
  'express-session + MemoryStore',
]);
