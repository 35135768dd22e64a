// Stores in this process, each adapted to the same six calls with an id and a text.
import { load } from '../../scripts/figures/common.mjs';
import { newId } from '../frame/data.mjs';
import { requireBefore, withBefore, withoutUserLimit } from './before.mjs';

const roomy = { maxSessions: 6_000_000, maxBytes: '16GiB', absoluteTimeout: '30d' };
const idle = 30 * 60_000;

function ours({ SessionStore } = load()) {
  const store = withoutUserLimit((unlimited) => new SessionStore({ ...roomy, ...unlimited }));
  const { backend } = store;
  return {
    backend,
    create: (text) => backend.create({ data: text, uid: 'ann' }).id,
    get: (id) => backend.load(id, false).data,
    overwrite: (id, text) => backend.commit(id, undefined, { data: text }),
    touch: (id) => backend.touch(id),
    destroy: (id) => store.destroy(id),
    close: () => store.close(),
  };
}

/** A bare map without bounds and expiry: the minimum cost of a lookup. */
function map() {
  const sessions = new Map();
  return {
    create(text) {
      const id = newId();
      sessions.set(id, text);
      return id;
    },
    get: (id) => sessions.get(id),
    overwrite: (id, text) => sessions.set(id, text),
    destroy: (id) => sessions.delete(id),
    close: () => sessions.clear(),
  };
}

async function lru() {
  const { LRUCache } = await import('lru-cache');
  const cache = new LRUCache({ max: roomy.maxSessions, ttl: idle, updateAgeOnGet: false });
  return {
    create(text) {
      const id = newId();
      cache.set(id, text);
      return id;
    },
    get: (id) => cache.get(id),
    overwrite: (id, text) => cache.set(id, text),
    touch: (id) => cache.get(id, { updateAgeOnGet: true }),
    destroy: (id) => cache.delete(id),
    purge: () => cache.purgeStale(),
    close: () => cache.clear(),
  };
}

/**
 * A store for express-session. Such stores take and return objects, so each call includes the JSON of the session. Their callbacks are
 * called later; only the work of the store is counted.
 */
function ofExpressSession(store, extra = {}) {
  const cookie = { originalMaxAge: idle, expires: new Date(Date.now() + idle), path: '/', httpOnly: true };
  const sessionOf = (text) => ({ cookie, ...JSON.parse(text) });
  const ignore = () => {};
  return {
    create(text) {
      const id = newId();
      store.set(id, sessionOf(text), ignore);
      return id;
    },
    get: (id) => store.get(id, ignore),
    overwrite: (id, text) => store.set(id, sessionOf(text), ignore),
    touch: (id) => store.touch(id, { cookie }, ignore),
    destroy: (id) => store.destroy(id, ignore),
    close: () => {},
    ...extra,
  };
}

async function memoryStore() {
  const { default: session } = await import('express-session');
  return ofExpressSession(new session.MemoryStore());
}

async function memorystore() {
  const [{ default: session }, { default: create }] = [await import('express-session'), await import('memorystore')];
  const MemoryStore = create(session);
  const store = new MemoryStore({ checkPeriod: 86_400_000 });
  return ofExpressSession(store, { purge: () => store.prune(), close: () => store.stopInterval() });
}

const all = {
  'agai-session': () => ours(),
  'JavaScript Map': map,
  'lru-cache': lru,
  'express-session MemoryStore': memoryStore,
  memorystore,
};

export const stores = withBefore(all, () => ours(requireBefore('agai-session')), ['agai-session', 'JavaScript Map']);
