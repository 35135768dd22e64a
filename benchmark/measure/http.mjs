// Real requests over the loopback interface by wrk: the throughput as a share of a bare server's.
//
// wrk uses 32 open connections from a process of its own, and the cookies of 100 clients in turn. Each server is a process of its own; one
// at a time is loaded, in turns, for a moment each. The bare server has the same handlers and no session. A second server without sessions
// parses and serialises 300 bytes of JSON for each request: its share is the maximum for a store of texts. A third has this package's
// session, which the handler does not use, and the same JSON work.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { middlewares } from '../candidates/middlewares.mjs';
import { withCandidates } from '../frame/child.mjs';
import { dataOf } from '../frame/data.mjs';
import { checkKinds, loginCookies } from '../frame/mocked.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { cellOf, goalOf, tableOf } from '../frame/table.mjs';
import { checkWrk, scriptFile, wrk } from '../frame/wrk.mjs';

const CLIENTS = 100;
const BARE = 'no session';
const JSON_ALONE = 'no session, the JSON of the data alone';
const JSON_BESIDE = 'agai-session untouched, and the JSON of the data alone';
const BY_KEY = 'agai-session, get and set';
const KINDS = ['untouched', 'read', 'write'];
/** The kinds of requests in a smoke run. */
const SMOKE = ['write'];
const compared = [
  BARE,
  JSON_ALONE,
  'agai-session',
  BY_KEY,
  JSON_BESIDE,
  'express-session + MemoryStore',
  'express-session + connect-redis',
  'cookie-session',
];
/** Shares of the bare server, by row and kind of request. */
const asked = {
  'node:http: agai-session': [0.92, 0.88, 0.82],
  [`node:http: ${BY_KEY}`]: [0.92, 0.9, 0.85],
  'Express 5: agai-session': [0.97, 0.95, 0.9],
  [`Express 5: ${BY_KEY}`]: [0.97, 0.95, 0.9],
};

const handlers = (candidate) => ({
  untouched: () => {},
  read: (req) => candidate.read(req),
  write: (req) => candidate.write(req),
});

const servers = {
  'node:http': async (candidate) => {
    const run = handlers(candidate);
    return createServer((req, res) => {
      candidate.middleware(req, res, (error) => {
        if (error) throw error;
        run[req.url.slice(1)](req);
        res.setHeader('Content-Type', 'text/plain');
        res.end('ok');
      });
    });
  },
  'Express 5': async (candidate) => {
    const { default: express } = await import('express');
    const app = express();
    app.use(candidate.middleware);
    for (const [kind, handler] of Object.entries(handlers(candidate))) {
      app.get(`/${kind}`, (req, res) => {
        handler(req);
        res.type('text').send('ok');
      });
    }
    return createServer(app);
  },
};

async function listen(server, cookies, close) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    facts: () => ({ port: server.address().port, cookies }),
    cpu: () => process.cpuUsage(),
    close() {
      server.closeAllConnections();
      server.close();
      return close();
    },
  };
}

/** Beside a middleware, parses a session's data, and serialises it again if it was changed. */
async function jsonBeside(name) {
  const text = JSON.stringify(dataOf(300));
  return {
    ...(await middlewares[name]()),
    read: () => JSON.parse(text).visits,
    write() {
      const data = JSON.parse(text);
      data.visits += 1;
      return JSON.stringify(data);
    },
  };
}

async function open(kind, name) {
  const beside = { [JSON_ALONE]: BARE, [JSON_BESIDE]: 'agai-session' }[name];
  const candidate = await (beside ? jsonBeside(beside) : middlewares[name]());
  const cookies = await loginCookies(candidate, dataOf(300), CLIENTS);
  if (!beside && name !== BARE) await checkKinds(candidate, cookies);
  const all = cookies.map(({ genuine }) => genuine);
  return listen(await servers[kind](candidate), all, () => candidate.close());
}

/** Fastify, which has hooks instead of middleware: bare, and with its own session plugin. */
async function fastify(isBare) {
  const [{ default: create }, { default: cookie }, { default: session }] = [
    await import('fastify'),
    await import('@fastify/cookie'),
    await import('@fastify/session'),
  ];
  const app = create();
  if (!isBare) {
    await app.register(cookie);
    await app.register(session, {
      secret: 'a secret of the benchmark, of more than 32 characters',
      saveUninitialized: false,
      cookie: { secure: false },
    });
  }
  const of = isBare ? () => ({ visits: 0 }) : (request) => request.session;
  const login = async (request, reply) => {
    Object.assign(of(request), dataOf(300));
    return reply.send('ok');
  };
  app.get('/login', login);
  app.get('/untouched', (request, reply) => reply.send('ok'));
  app.get('/read', (request, reply) => reply.send(of(request).visits < 0 ? 'no' : 'ok'));
  app.get('/write', (request, reply) => {
    of(request).visits += 1;
    reply.send('ok');
  });
  const cookies = [];
  for (let n = 0; n < CLIENTS; n += 1) {
    const { cookies: set } = await app.inject('/login');
    cookies.push(
      ['theme=dark', ...set.map(({ name, value }) => `${name}=${encodeURIComponent(value)}`), 'lang=en'].join('; '),
    );
  }
  await app.ready();
  return listen(app.server, cookies, () => {});
}

export const candidates = Object.fromEntries([
  ...Object.keys(servers).flatMap((kind) => compared.map((name) => [`${kind}: ${name}`, () => open(kind, name)])),
  [`Fastify: ${BARE}`, () => fastify(true)],
  ['Fastify: @fastify/session', () => fastify(false)],
]);

/** Loads the servers of one framework, and adds to `figures` by table, row and kind of request. */
async function framework(kind, scale, seconds, folder, figures) {
  const names = Object.keys(candidates).filter((name) => name.startsWith(`${kind}: `));
  return withCandidates(import.meta.url, names, {}, async (started) => {
    const scripts = {};
    for (const [name, ask] of Object.entries(started)) {
      const { port, cookies } = await ask('facts');
      const file = scriptFile(folder, port, cookies);
      scripts[name] = { file, url: `http://127.0.0.1:${port}` };
    }
    for (const what of scale.name === 'smoke' ? SMOKE : KINDS) {
      const measure = async (ask, name) => {
        const { file, url } = scripts[name];
        const before = await ask('cpu');
        const result = await wrk(`${url}/${what}`, file, seconds);
        const after = await ask('cpu');
        const [user, system] = ['user', 'system'].map((mode) => (after[mode] - before[mode]) / result.requests);
        return { ...result, cpu: user + system, user };
      };
      if (scale.name !== 'smoke') await takeTurns(1, started, measure);
      const rounds = await takeTurns(scale.httpRounds, started, measure);
      const bare = rounds[`${kind}: ${BARE}`];
      const facts = {
        share: ({ rate }, round) => (100 * rate) / bare[round].rate,
        latency: ({ p99 }) => p99,
        cpu: ({ cpu }) => cpu,
        user: ({ user }) => user,
      };
      for (const [name, all] of Object.entries(rounds)) {
        for (const [table, fact] of Object.entries(facts)) {
          ((figures[table][name] ??= {})[what] ??= []).push(...all.map(fact));
        }
      }
    }
  });
}

export async function run(scale) {
  const seconds = scale.name === 'full' ? 4 : 1;
  const figures = { share: {}, latency: {}, cpu: {}, user: {} };
  const folder = mkdtempSync(join(tmpdir(), 'bench-http-'));
  try {
    await checkWrk();
    for (const kind of [...Object.keys(servers), 'Fastify']) {
      // A process whose code is compiled badly is slower by half for its whole life.
      for (let launch = 0; launch < scale.httpLaunches; launch += 1) {
        await framework(kind, scale, seconds, folder, figures);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const main = tableOf({
    id: 'http-share',
    title: 'Requests a second over HTTP',
    unit: 'per cent of the bare server',
    figures: figures.share,
  });
  main.goals = Object.entries(asked).flatMap(([row, bounds]) =>
    KINDS.map((what, n) =>
      goalOf(`${row}, ${what}`, cellOf(main, row, what), 100 * bounds[n], {
        unit: ' %',
        atLeast: true,
      }),
    ),
  );
  main.goals = main.goals.filter(Boolean);
  return {
    tables: [
      main,
      tableOf({
        id: 'http-latency',
        title: 'Latency under that load, 99th percentile',
        unit: 'milliseconds',
        figures: figures.latency,
      }),
      tableOf({
        id: 'http-cpu',
        title: 'CPU of the server process',
        unit: 'microseconds a request',
        figures: figures.cpu,
      }),
      tableOf({
        id: 'http-user',
        title: 'The same outside the kernel',
        unit: 'microseconds a request',
        figures: figures.user,
      }),
    ],
    bars: [{ name: 'http', table: tableOf({ ...main, figures: only(figures.share, 'Express 5') }), column: 'write' }],
  };
}

const only = (figures, kind) => Object.fromEntries(Object.entries(figures).filter(([name]) => name.startsWith(kind)));
