// Where the time of a request over HTTP goes: the cost of each step on top of a bare server, one after the other in one process.
//
// wrk loads the server all the time; the handler switches to another step every 300 milliseconds. A figure is the CPU time of the process,
// user and system, for each request: the cost of a step in a server, whose caches hold everything else, and not in a tight loop.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { require } from '../../scripts/figures/common.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { tableOf } from '../frame/table.mjs';
import { checkWrk, scriptFile, wrk } from '../frame/wrk.mjs';

const CLIENTS = 100;
const MS = 300;

/** The steps, each as a middleware that does its work before the handler responds. */
function stepsOver(middleware, text) {
  const { manager } = middleware;
  const find = manager.store.backend.cookieReader('id');
  let kept;
  const before = (work) => (req, res, next) => {
    kept = work(req, res);
    if (kept === null) throw new Error('never');
    next();
  };
  return {
    nothing: (req, res, next) => next(),
    'the headers are looked at': before((req) => Reflect.get(req, 'headers').cookie),
    'and the session is found': before((req) => find(Reflect.get(req, 'headers').cookie, true).version),
    untouched: middleware,
    read: (req, res, next) =>
      middleware(req, res, () => {
        kept = req.session.data.visits;
        next();
      }),
    write: (req, res, next) =>
      middleware(req, res, () => {
        req.session.data.visits += 1;
        next();
      }),
    'JSON.parse of the data alone': before(() => JSON.parse(text).visits),
    'JSON.parse and JSON.stringify alone': before(() => JSON.stringify(JSON.parse(text))),
  };
}

const servers = {
  'node:http': async (step) =>
    createServer((req, res) => {
      step(req, res, () => {
        res.setHeader('Content-Type', 'text/plain');
        res.end('ok');
      });
    }),
  'Express 5': async (step) => {
    const { default: express } = await import('express');
    const app = express();
    app.use((req, res, next) => step(req, res, () => next()));
    app.get('/', (req, res) => res.type('text').send('ok'));
    return createServer(app);
  },
};

async function open(kind) {
  const { session } = require('agai-session/express');
  const middleware = session({ maxSessionsPerUser: Infinity, cookie: { secure: false } });
  const { store } = middleware.manager;
  const data = dataOf(300);
  const steps = stepsOver(middleware, JSON.stringify(data));
  let [step, served] = [steps.nothing, 0];
  const server = await servers[kind]((req, res, next) => {
    served += 1;
    step(req, res, next);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cookies = Array.from(
    { length: CLIENTS },
    () => `theme=dark; id=${store.create(data, { uid: 'ann' }).id}; lang=en`,
  );
  return {
    facts: () => ({ port: server.address().port, cookies, names: Object.keys(steps) }),
    /** The CPU time of a request in microseconds while one step is active. */
    async cost(name) {
      step = steps[name];
      const [before, first] = [process.cpuUsage(), served];
      await new Promise((resolve) => setTimeout(resolve, MS));
      const { user, system } = process.cpuUsage(before);
      return (user + system) / (served - first);
    },
    close() {
      server.closeAllConnections();
      server.close();
      store.close();
    },
  };
}

export const candidates = Object.fromEntries(Object.keys(servers).map((kind) => [kind, () => open(kind)]));

async function of(kind, rounds, folder) {
  return withCandidates(import.meta.url, [kind], {}, async ({ [kind]: ask }) => {
    const { port, cookies, names } = await ask('facts');
    const seconds = Math.ceil(((rounds + 1) * names.length * MS) / 1_000) + 1;
    const loaded = wrk(`http://127.0.0.1:${port}/`, scriptFile(folder, port, cookies), seconds);
    const costs = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = -1; round < rounds; round += 1) {
      for (const name of names) {
        const cost = await ask('cost', name);
        // The first round is a warm-up and does not count.
        if (round >= 0) costs[name].push(cost);
      }
    }
    await loaded;
    return costs;
  });
}

export async function run(scale) {
  await checkWrk();
  const folder = mkdtempSync(join(tmpdir(), 'bench-steps-'));
  const figures = {};
  try {
    for (const kind of Object.keys(servers)) {
      const costs = await of(kind, scale.rounds, folder);
      for (const [name, all] of Object.entries(costs)) {
        (figures[name] ??= {})[kind] = all;
        if (name !== 'nothing')
          figures[name][`added to ${kind}`] = all.map((cost, round) => cost - costs.nothing[round]);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const title = 'What each step adds to a request over HTTP, 300 bytes of data';
  return { tables: [tableOf({ id: 'steps', title, unit: 'microseconds of CPU a request', figures })] };
}
