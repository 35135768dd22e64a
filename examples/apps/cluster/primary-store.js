/** One store for all processes of a cluster: the primary has it, and each worker calls it by messages. */
import cluster from 'node:cluster';
import { SessionError, SessionStore } from 'agai-session';

const methods = ['load', 'create', 'commit', 'regenerate', 'touch', 'destroy'];

/** In the primary: creates the store, and answers the workers. */
export function serveStore(options) {
  const { backend } = new SessionStore(options);
  cluster.on('message', async (worker, { call, method, args }) => {
    let answer;
    try {
      if (method === 'timeouts') answer = { call, value: backend.timeouts };
      else if (methods.includes(method)) answer = { call, value: plain(await backend[method](...args)) };
      else return;
    } catch ({ code, message }) {
      answer = { call, error: { code, message } };
    }
    if (worker.isConnected()) worker.send(answer);
  });
}

/** In a worker: resolves with a backend that calls the primary's store, to be passed to `session` as the option `store`. */
export async function primaryStore() {
  const waiting = new Map();
  let calls = 0;
  process.on('message', ({ call, value, error }) => {
    const { resolve, reject } = waiting.get(call);
    waiting.delete(call);
    if (error) reject(new SessionError(error.code, error.message));
    else resolve(value);
  });
  const ask = (method, ...args) =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve, reject });
      process.send({ call: calls, method, args });
    });
  const remote = Object.fromEntries(methods.map((method) => [method, (...args) => ask(method, ...args)]));
  return { ...remote, timeouts: await ask('timeouts'), now: Date.now };
}

const facts = [
  'id',
  'handle',
  'version',
  'createdAt',
  'lastSeenAt',
  'idleTimeout',
  'absoluteDeadline',
  'authenticatedAt',
  'epoch',
  'level',
  'remembered',
];
const fields = [...facts, 'uid', 'methods', 'data', 'form'];

/** What a backend answers, as plain objects: a message carries neither getters nor prototypes. */
function plain(answer) {
  if (typeof answer !== 'object') return answer;
  const { status } = answer;
  if (status === 'ok') return { status, facts: plain(answer.facts) };
  if (status === 'conflict') return { status, current: plain(answer.current) };
  return status ? { status } : Object.fromEntries(fields.map((name) => [name, answer[name]]));
}
