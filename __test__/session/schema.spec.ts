/** The option `data`: what is read passes the schema, and what is written; what does not is dealt with as `onInvalid` says. */
import { type } from 'arktype';
import express, { type NextFunction, type Request, type Response } from 'express';
import test from 'ava';
import * as v from 'valibot';
import { z } from 'zod';
import { SessionManager, SessionStore, type OnInvalid, type SessionOptions, type StandardSchema } from 'agai-session';
import { session } from 'agai-session/express';
import { Client, serve } from '../helpers/http.js';

const visits = z.object({ visits: z.number().default(0) });

/** The same schema, written for three libraries. */
const schemas: Readonly<Record<string, StandardSchema<unknown, { visits: number; theme?: string | undefined }>>> = {
  zod: z.object({ visits: z.number().default(0), theme: z.enum(['light', 'dark']).optional() }),
  valibot: v.object({ visits: v.optional(v.number(), 0), theme: v.optional(v.picklist(['light', 'dark'])) }),
  arktype: type({ visits: 'number = 0', 'theme?': "'light' | 'dark'" }),
};

for (const [library, data] of Object.entries(schemas)) {
  test(`${library}: an application counts visits without a check, and a wrong value is refused before it is stored`, async (t) => {
    const store = new SessionStore();
    const app = express();
    app.use(session({ store, data }));
    app.get('/', (req, res) => {
      req.session.data.visits += 1;
      if (req.query['theme']) req.session.data.theme = String(req.query['theme']);
      res.json(req.session.data);
    });
    app.use((error: Error & { code?: string }, _req: Request, res: Response, _next: NextFunction) => {
      res.status(500).json({ code: error.code, message: error.message });
    });
    const client = new Client(await serve(t, app));
    t.is((await client.get('/')).body, '{"visits":1}');
    t.is((await client.get('/?theme=dark')).body, '{"visits":2,"theme":"dark"}');
    const { status, body } = await client.get('/?theme=hunter2');
    t.is(status, 500);
    t.like(JSON.parse(body), { code: 'ERR_SESSION_DATA' });
    t.regex(body, /to be written.* not what the schema accepts: theme"/);
    t.notRegex(body, /hunter2/, "values are the user's");
    t.is((await client.get('/')).body, '{"visits":3,"theme":"dark"}', 'the stored session is unchanged');
  });

  test(`${library}: stored data that it refuses is an error, unless the options say otherwise`, async (t) => {
    const store = new SessionStore();
    const { id } = store.create({ visits: 'many', theme: 'blue' });
    const load = async (options: SessionOptions) => (await new SessionManager({ store, ...options }).load(id))!;
    const refused = await load({ data });
    const error = t.throws(() => refused.data, { code: 'ERR_SESSION_DATA' });
    t.regex(error.message, /stored.* accepts: (visits, theme|theme, visits)$/);
    t.notRegex(error.message, /many|blue/);
    const discarded = await load({ data, onInvalid: 'discard' });
    t.deepEqual({ ...discarded.data }, { visits: 0 });
    const migrated = await load({
      data,
      onInvalid: (raw) => ({ visits: 7, theme: (raw as { theme: string }).theme === 'blue' ? 'dark' : 'light' }),
    });
    t.deepEqual({ ...migrated.data }, { visits: 7, theme: 'dark' });
    t.deepEqual(store.get(id)?.data, { visits: 'many', theme: 'blue' }, 'reading does not write');
    migrated.data.visits += 1;
    await migrated.save();
    t.deepEqual(store.get(id)?.data, { visits: 8, theme: 'dark' }, 'a change is stored in the new form');
    t.deepEqual({ ...(await load({ data })).data }, { visits: 8, theme: 'dark' });
  });
}

test('what onInvalid returns is checked, and what it throws is thrown', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({ visits: 'many' });
  const load = async (onInvalid: OnInvalid) =>
    (await new SessionManager({ store, data: visits as StandardSchema<unknown, object>, onInvalid }).load(id))!;
  const wrong = await load(() => ({ visits: 'few' }));
  t.throws(() => wrong.data, { code: 'ERR_SESSION_DATA', message: /returned by onInvalid.*: visits$/ });
  const throwing = await load(() => {
    throw new Error('a bug of the application');
  });
  t.throws(() => throwing.data, { message: 'a bug of the application' });
  t.deepEqual(store.get(id)?.data, { visits: 'many' });
});

test('a Date that the schema makes of a string is a Date in every request, and changing it in place is noticed', async (t) => {
  const data = z.object({ since: z.coerce.date().default(() => new Date(0)) });
  const manager = new SessionManager({ data });
  const first = manager.create();
  first.data.since = new Date(1_000);
  await first.save();
  const second = (await manager.load(first.id!))!;
  t.is(second.data.since.getTime(), 1_000);
  second.data.since.setTime(2_000);
  await second.save();
  t.deepEqual(manager.store.get(first.id!)?.data, { since: '1970-01-01T00:00:02.000Z' });
});

test('defaults alone are no change: a visitor who writes nothing gets no session, and a read writes nothing', async (t) => {
  const manager = new SessionManager({ data: visits });
  const guest = manager.create();
  t.is(guest.data.visits, 0);
  await guest.save();
  t.is(manager.store.size, 0);
  guest.login('ada');
  await guest.save();
  const again = (await manager.load(guest.id!))!;
  t.is(again.data.visits, 0);
  const { committed } = manager.store.stats();
  await again.save();
  t.is(manager.store.stats().committed, committed);
});

test('two requests that change different keys both keep their change', async (t) => {
  const data = z.object({ cart: z.array(z.string()).default([]), theme: z.string().default('light') });
  const manager = new SessionManager({ data });
  const session = manager.create();
  session.data.cart = ['apple'];
  await session.save();
  const one = (await manager.load(session.id!))!;
  const two = (await manager.load(session.id!))!;
  one.data.cart.push('pear');
  two.data.theme = 'dark';
  await one.save();
  await two.save();
  await two.reload();
  t.deepEqual({ ...two.data }, { cart: ['apple', 'pear'], theme: 'dark' });
  t.deepEqual(manager.store.get(session.id!)?.data, { cart: ['apple', 'pear'], theme: 'dark' });
});

test('a login as another user, and a logout, begin with the data of a new session', async (t) => {
  const manager = new SessionManager({ data: visits });
  const session = manager.create();
  session.login('ada');
  session.data.visits = 5;
  await session.save();
  session.login('bob');
  t.is(session.data.visits, 0);
  session.data.visits += 1;
  await session.save();
  await session.logout();
  t.is(session.data.visits, 0);
});

test('data that would not be accepted when it is read again is refused when it is written', async (t) => {
  // The handler gets a number, and the schema wants a string.
  const data = z.object({ n: z.string().default('0').transform(Number) });
  const manager = new SessionManager({ data });
  const session = manager.create();
  t.is(session.data.n, 0);
  session.data.n = 1;
  await t.throwsAsync(async () => session.save(), { code: 'ERR_SESSION_DATA', message: /accepts: n$/ });
  t.is(manager.store.size, 0);
});

test('an error names at most ten places, the whole if there is none', async (t) => {
  const many = new SessionManager({ data: z.record(z.string(), z.number()) });
  const session = many.create();
  session.data = Object.fromEntries(Array.from({ length: 12 }, (_, n) => [`k${n}`, 'x'])) as never;
  await t.throwsAsync(async () => session.save(), { message: /accepts: k0, k1, .*k9 and 2 more$/ });
  const whole = new SessionManager({ data: z.object({ a: z.number().optional() }).refine((data) => data.a !== 1) });
  const another = whole.create();
  another.data.a = 1;
  await t.throwsAsync(async () => another.save(), { message: /accepts: the whole$/ });
});

const wrong: Readonly<Record<string, readonly [options: unknown, message: RegExp]>> = {
  'no schema': [
    { data: { visits: 'number' } },
    /option data: pass a schema of zod, valibot, arktype or the like; got an object/,
  ],
  'a class': [{ data: Map }, /option data: pass a schema/],
  null: [{ data: null }, /option data: pass a schema.*; got null/],
  'a schema that a new session would fail': [
    { data: z.object({ user: z.string(), cart: z.object({ n: z.number() }) }) },
    /every session begins with \{\}, which the schema refuses: give these a default, or make them optional: user, cart$/,
  ],
  'an asynchronous schema': [{ data: v.objectAsync({ n: v.optional(v.number()) }) }, /the schema is asynchronous/],
  'a schema of something else': [
    { data: z.any().transform(() => 'text') },
    /make an object of the session's data, not a string/,
  ],
  'onInvalid without a schema': [{ onInvalid: 'discard' }, /option onInvalid: .* give the option data as well/],
  'an unknown onInvalid': [{ data: visits, onInvalid: 'ignore' }, /option onInvalid: choose 'error' or 'discard'/],
};

for (const [what, [options, message]] of Object.entries(wrong)) {
  test(`refused at start: ${what}`, (t) => {
    t.throws(() => new SessionManager(options as SessionOptions), { instanceOf: TypeError, message });
  });
}

test("a schema that turns out to be asynchronous is refused when it is used, and its promise is nobody's problem", async (t) => {
  const data: StandardSchema<unknown, { n?: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        Object.keys(value as object).length === 0 ? { value: {} } : Promise.reject(new Error('late')),
    },
  };
  const session = new SessionManager({ data }).create();
  session.data.n = 1;
  await t.throwsAsync(async () => session.save(), { message: /the schema is asynchronous/ });
});
