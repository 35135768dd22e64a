/** How sure it is that the user is there: level, freshness, presets, and being remembered. */
import test from 'ava';
import express from 'express';
import { SessionManager, SessionStore, type Session } from 'agai-session';
import { requireAuth, session } from 'agai-session/express';
import { ManualClock } from 'agai-session/testing';
import { expresses } from '../helpers/apps.js';
import { freshPath } from '../helpers/durable.js';
import { Client, request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function open() {
  const clock = new ManualClock();
  const store = new SessionStore<{ n?: number }>({ clock, idleTimeout: '1d', absoluteTimeout: '30d' });
  const manager = new SessionManager<{ n?: number }>({ store });
  const again = async (session: Session<{ n?: number }>): Promise<Session<{ n?: number }>> =>
    (await manager.load(session.id!))!;
  return { clock, store, manager, again };
}

const codeOf = (use: () => void): string | undefined => {
  try {
    use();
    return undefined;
  } catch (error) {
    const { code, status } = error as { code: string; status: number };
    return `${code.replace('ERR_SESSION_', '')} ${status}`;
  }
};

test('S11 one call of login renews the id and records user, time, level and methods', async (t) => {
  const { clock, manager, again } = open();
  const session = manager.create();
  session.set('n', 1);
  await session.save();
  const before = session.id;
  t.deepEqual([session.level, session.methods], [0, []]);
  clock.advance('5m');
  session.login('ann', { level: 2, methods: ['pwd', 'otp'] });
  t.deepEqual([session.level, session.methods], [2, ['pwd', 'otp']], 'at once');
  await session.save();
  t.not(session.id, before);
  for (const seen of [session, await again(session)]) {
    t.deepEqual([seen.uid, seen.level, seen.methods, seen.get('n')], ['ann', 2, ['pwd', 'otp'], 1]);
    t.is(seen.authenticatedAt!.getTime(), clock.now());
  }
  session.methods.concat('forged');
  (session.methods as string[]).push('forged');
  t.deepEqual(session.methods, ['pwd', 'otp'], 'a copy is handed out');
  session.login('ann');
  await session.save();
  t.deepEqual([(await again(session)).level, (await again(session)).methods], [1, []], 'a plain login is of level 1');
  await session.logout();
  t.deepEqual([session.level, session.methods], [0, []]);
});

test('S24 requireFresh demands a login, its age and its level', async (t) => {
  const { clock, manager, again } = open();
  const session = manager.create();
  t.is(
    codeOf(() => session.requireFresh('10m')),
    'GUEST 401',
  );
  session.login('ann', { level: 2 });
  t.is(
    codeOf(() => session.requireFresh('10m')),
    undefined,
    'before it is written',
  );
  await session.save();
  clock.advance('10m');
  t.is(
    codeOf(() => session.requireFresh('10m', { level: 2 })),
    undefined,
  );
  t.is(
    codeOf(() => session.requireFresh('10m', { level: 3 })),
    'LEVEL 403',
  );
  clock.advance('1ms');
  t.is(
    codeOf(() => session.requireFresh('10m')),
    'STALE 401',
  );
  session.set('n', 1);
  await session.regenerate();
  await session.save();
  const later = await again(session);
  t.is(
    codeOf(() => later.requireFresh('10m')),
    'STALE 401',
    'neither activity nor a new id makes a login younger',
  );
  later.login('ann');
  t.is(
    codeOf(() => later.requireFresh('10m')),
    undefined,
  );
  await later.save();
  t.is((await again(later)).get('n'), 1, 'logging in again keeps the data');
  t.is(
    codeOf(() => later.requireFresh('10m', { level: 2 })),
    'LEVEL 403',
  );
});

test('S24 it is the same over a backend that answers promises, and after a restart', async (t) => {
  const path = freshPath(t);
  const first = await SessionStore.open({ path });
  const manager = new SessionManager({ store: remoteBackend(first.backend) });
  const session = manager.create();
  session.login('ann', { level: 3, methods: ['hwk'], remember: '30d' });
  await session.save();
  await first.close();
  const second = await SessionStore.open({ path });
  const loaded = (await new SessionManager({ store: second }).load(session.id!))!;
  t.deepEqual([loaded.level, loaded.methods, loaded.uid], [3, ['hwk'], 'ann']);
  t.is(
    codeOf(() => loaded.requireFresh('10m', { level: 3 })),
    undefined,
  );
  t.is(second.get(session.id!)!.idleTimeout, 30 * DAY);
  await second.close();
});

for (const [name, make] of Object.entries(expresses)) {
  test(`S24 requireAuth answers what is refused with 401 or 403, ${name}`, async (t) => {
    const clock = new ManualClock();
    const app = make();
    app.use(session({ cookie: { secure: false }, clock }));
    app.get('/login/:level', (req, res) => {
      (req as never as { session: Session }).session.login('ann', { level: Number(req.params['level']) as 1 });
      res.end();
    });
    app.get('/any', requireAuth(), (_, res) => void res.end('any'));
    app.get('/fresh', requireAuth({ maxAge: '10m' }), (_, res) => void res.end('fresh'));
    app.get('/sure', requireAuth({ level: 2 }), (_, res) => void res.end('sure'));
    const toLogin = requireAuth({
      level: 2,
      onRefused: (error, _req, res: express.Response) => {
        res.redirect(303, `/login?why=${error.code}`);
      },
    });
    app.get('/page', toLogin, (_, res) => void res.end('page'));
    const client = new Client(await serve(t, app as never));
    const api = { headers: { accept: 'application/json' } };
    const answer = async (path: string): Promise<unknown[]> => {
      const { status, headers, body } = await client.get(path, api);
      return [
        status,
        headers['www-authenticate'],
        status === 200 ? body : (JSON.parse(body) as { error: string }).error,
      ];
    };
    t.deepEqual(await answer('/any'), [401, 'Bearer realm="session"', 'ERR_SESSION_GUEST']);
    t.is((await client.get('/any')).status, 401, 'a browser gets the page of the application, here that of Express');
    t.is((await client.get('/page')).headers.location, '/login?why=ERR_SESSION_GUEST');
    await client.get('/login/1');
    t.deepEqual(await answer('/any'), [200, undefined, 'any']);
    t.deepEqual(await answer('/fresh'), [200, undefined, 'fresh']);
    const level =
      'Bearer error="insufficient_user_authentication", error_description="the login is of level 1, and this needs level 2"';
    t.deepEqual(await answer('/sure'), [403, level, 'ERR_SESSION_LEVEL']);
    t.is((await client.get('/page')).headers.location, '/login?why=ERR_SESSION_LEVEL');
    clock.advance('11m');
    const [status, challenge, code] = await answer('/fresh');
    t.deepEqual([status, code], [401, 'ERR_SESSION_STALE']);
    t.regex(String(challenge), /^Bearer error="insufficient_user_authentication", .*, max_age="600"$/);
    await client.get('/login/2');
    t.deepEqual(
      [await answer('/fresh'), await answer('/sure')],
      [
        [200, undefined, 'fresh'],
        [200, undefined, 'sure'],
      ],
    );
  });
}

test('S24 requireAuth without a session before it, and wrong arguments, say what to do', async (t) => {
  const app = express().use(requireAuth());
  app.use(
    ((error: Error, _req, res, _next) => void res.status(500).send(error.message)) as express.ErrorRequestHandler,
  );
  t.regex((await request(await serve(t, app))).body, /req\.session is undefined: put app\.use\(session\(\)\) before/);
  const { manager } = open();
  const session = manager.create();
  for (const [use, says] of [
    [() => requireAuth({ level: 4 as never }), /^option level: give a whole number from 1 to 3; got 4/],
    [() => requireAuth({ maxAge: 'soon' as never }), /^option maxAge: /],
    [() => requireAuth({ roles: [] } as never), /^option requireAuth\.roles: /],
    [() => requireAuth({ onRefused: 'login' } as never), /^option requireAuth\.onRefused: pass a function/],
    [() => session.requireFresh(undefined as never), /pass a duration/],
    [() => session.requireFresh('10m', { level: 0 as never }), /^option level: /],
    [() => session.login('ann', { level: 0 as never }), /^option login\.level: /],
    [() => session.login('ann', { level: '2' as never }), /^option login\.level: /],
    [() => session.login('ann', { methods: 'pwd' as never }), /^option login\.methods: give an array/],
    [() => session.login('ann', { methods: ['a,b'] }), /^option login\.methods: give an array/],
    [
      () => session.login('ann', { methods: Array.from({ length: 9 }, (_, n) => `m${n}`) }),
      /^option login\.methods: give at most 8 names; got 9/,
    ],
    [() => session.login('ann', { remember: '401d' }), /^option login\.remember: .*400/],
    [
      () => session.login('ann', { remember: '30d', absoluteTimeout: '1d' }),
      /^option login\.remember: .*leave absoluteTimeout out/,
    ],
    [() => session.login('ann', { remember: true as never }), /^option login\.remember: /],
  ] as const) {
    t.regex(t.throws(use)!.message, says);
  }
  t.is(session.uid, 'Guest', 'a login that is refused is none');
});

test('S39 the cookie of a remembered session is persistent, and no other', async (t) => {
  const clock = new ManualClock();
  const app = express().use(session({ cookie: { secure: false }, clock }));
  app.get('/remember', (req, res) => void res.end(req.session.login('ann', { remember: '30d' })));
  app.get('/login', (req, res) => void res.end(req.session.login('ann')));
  app.get('/renew', async (req, res) => {
    await req.session.regenerate();
    res.end();
  });
  app.get('/who', (req, res) => void res.json([req.session.uid, req.session.expirationTime]));
  const client = new Client(await serve(t, app));
  const cookieOf = async (path: string): Promise<string> =>
    (await client.get(path)).cookies[0]!.replace(/=[\w-]{43}/, '=ID');
  t.is(await cookieOf('/login'), 'id=ID; Path=/; HttpOnly; SameSite=Lax');
  t.is(await cookieOf('/remember'), `id=ID; Max-Age=${(30 * DAY) / 1_000}; Path=/; HttpOnly; SameSite=Lax`);
  clock.advance('10d');
  t.deepEqual(
    JSON.parse((await client.get('/who')).body),
    ['ann', new Date(clock.now() + 20 * DAY).toJSON()],
    'it is both timeouts',
  );
  t.is(
    await cookieOf('/renew'),
    `id=ID; Max-Age=${(20 * DAY) / 1_000}; Path=/; HttpOnly; SameSite=Lax`,
    'for the rest of the time',
  );
  t.is(await cookieOf('/login'), 'id=ID; Path=/; HttpOnly; SameSite=Lax', 'a plain login is not remembered any more');
  clock.advance('31m');
  t.deepEqual((JSON.parse((await client.get('/who')).body) as string[])[0], 'Guest', 'and has the usual timeouts');
});

test('S31 no cookie is kept longer than 400 days', async (t) => {
  const { manager } = open();
  const session = manager.create();
  session.login('ann', { remember: '400d' });
  await session.save();
  t.is((session as never as { cookieMaxAge: number }).cookieMaxAge, 400 * 86_400);
});

test('S14 a preset sets the timeouts of NIST SP 800-63B-4, and nothing goes beyond them', async (t) => {
  const of = (options: object): number[] => {
    const { idleTimeout, guestIdleTimeout, absoluteTimeout } = new SessionStore(options).backend.timeouts;
    return [idleTimeout / MINUTE, guestIdleTimeout / MINUTE, absoluteTimeout / MINUTE];
  };
  t.deepEqual(of({}), [30, 30, 720]);
  t.deepEqual(of({ preset: 'aal1' }), [30, 30, 30 * 1_440]);
  t.deepEqual(of({ preset: 'aal2' }), [60, 60, 1_440]);
  t.deepEqual(of({ preset: 'aal3' }), [15, 15, 720]);
  t.deepEqual(of({ preset: 'aal2', idleTimeout: '20m', absoluteTimeout: '8h' }), [20, 20, 480]);
  t.deepEqual(of({ preset: 'aal1', idleTimeout: '30d' }), [30 * 1_440, 30 * 1_440, 30 * 1_440]);
  for (const [options, name] of [
    [{ preset: 'aal1', absoluteTimeout: '31d' }, 'absoluteTimeout'],
    [{ preset: 'aal2', idleTimeout: '61m' }, 'idleTimeout'],
    [{ preset: 'aal2', idleTimeout: '10m', guestIdleTimeout: '2h' }, 'guestIdleTimeout'],
    [{ preset: 'aal3', absoluteTimeout: Infinity }, 'absoluteTimeout'],
  ] as const) {
    const message = new RegExp(`^option ${name}: the preset ${options.preset} allows at most \\d+ minutes`);
    t.throws(() => new SessionStore(options), { instanceOf: RangeError, message });
    t.throws(() => session(options), { instanceOf: RangeError, message });
  }
  t.throws(() => new SessionStore({ preset: 'aal4' as never }), {
    instanceOf: TypeError,
    message: /'aal1', 'aal2', 'aal3'/,
  });

  const store = new SessionStore({ preset: 'aal2' });
  const manager = new SessionManager({ store });
  const beyond = { instanceOf: RangeError, message: /the preset aal2 allows/ };
  const { id } = store.create({}, { uid: 'ann', idleTimeout: '1h', absoluteTimeout: '1d' });
  const own = (await manager.load(id))!;
  t.throws(() => own.login('ann', { absoluteTimeout: '25h' }), beyond);
  t.throws(() => own.login('ann', { remember: '2h' }), beyond, 'it is the idle timeout too');
  t.throws(() => own.touch({ idleTimeout: '61m' }), beyond);
  t.throws(() => store.touch(id, { idleTimeout: '61m' }), beyond);
  t.throws(() => store.create({}, { idleTimeout: Infinity }), beyond);
  t.throws(() => store.regenerate(id, { uid: 'ann', absoluteTimeout: '2d' }), beyond);
  t.notThrows(() => own.login('ann', { remember: '1h' }));
});

test('S13 an idle timeout of one user is not that of the next, and the last call counts', async (t) => {
  const { store, manager } = open();
  const session = manager.create();
  session.login('ann');
  await session.save();
  await session.touch({ idleTimeout: '20d' });
  session.login('bob');
  await session.save();
  t.is(store.get(session.id!)!.idleTimeout, DAY, 'it was the one of ann');
  session.login('bob', { remember: '20d' });
  await session.touch({ idleTimeout: '15m' });
  await session.save();
  t.is(store.get(session.id!)!.idleTimeout, 15 * MINUTE, 'the later call is stricter');
});
