/** The cookie: its name and attributes, what browsers would drop, and what is found in a `Cookie` header. */
import { createServer } from 'node:http';
import * as fc from 'fast-check';
import test from 'ava';
import { SessionManager, SessionStore, type CookieOptions } from 'agai-session';
import { session } from 'agai-session/express';
import { count, kinds, read, visit, type Route } from '../helpers/apps.js';
import { request, serve } from '../helpers/http.js';
import { inProduction, OVER_TLS, productionApp } from '../helpers/production.js';
import { remoteBackend } from '../helpers/remote-backend.js';

/** The name, the value and the attributes of a `Set-Cookie` header, split as browsers do: RFC 6265bis section 5.6. */
function parsed(text: string): { name: string; value: string; attributes: [string, string][] } {
  const [pair, ...rest] = text.split(';');
  const split = (part: string): [string, string] => {
    const at = part.indexOf('=');
    return at < 0 ? [part.trim(), ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
  };
  const [name, value] = split(pair!);
  return { name, value, attributes: rest.map(split) };
}

test('S27 the default cookie has the prefix __Host-, and all that browsers demand with it', async (t) => {
  const url = await serve(t, productionApp({}, count));
  const { cookies } = await request(url, { headers: OVER_TLS });
  t.is(cookies.length, 1);
  t.regex(cookies[0]!, /^__Host-id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
});

/** Cookies that browsers would silently drop, and what the error names. */
const dropped: [CookieOptions, RegExp][] = [
  [{ name: '__Host-x', path: '/app' }, /cookie\.name.*__Host-/],
  [{ name: '__Host-x', domain: 'example.com' }, /cookie\.name.*__Host-/],
  [{ name: '__Host-x', secure: false }, /cookie\.name.*secure/],
  [{ domain: 'example.com' }, /cookie\.name.*__Host-/],
  [{ path: '/app' }, /cookie\.name.*__Host-/],
  [{ name: '__Secure-x', secure: false }, /cookie\.name.*secure/],
  [{ name: '__Host-' }, /cookie\.name/],
  [{ sameSite: 'none' }, /cookie\.sameSite.*secure: true/],
  [{ sameSite: 'none', secure: false }, /cookie\.sameSite.*secure: true/],
  [{ partitioned: true }, /cookie\.partitioned.*secure: true/],
  [{ partitioned: true, secure: false }, /cookie\.partitioned.*secure: true/],
];
for (const [cookie, message] of dropped) {
  test(`S28 a cookie that browsers would drop is refused at start: ${JSON.stringify(cookie)}`, (t) => {
    t.throws(() => session({ cookie }), { instanceOf: TypeError, message });
    t.throws(() => new SessionManager({ cookie }), { instanceOf: TypeError, message });
  });
}

/** Some of the ways to write a text in upper and lower case. */
function casings(text: string): string[] {
  const alternating = [...text].map((c, at) => (at % 2 ? c.toUpperCase() : c.toLowerCase())).join('');
  return [...new Set([text, text.toLowerCase(), text.toUpperCase(), alternating])];
}

test('S29 the prefixes are recognised in any case, as browsers do', async (t) => {
  for (const [{ name, ...cookie }, message] of dropped) {
    if (name === undefined) continue;
    for (const cased of casings(name))
      t.throws(() => session({ cookie: { ...cookie, name: cased } }), { message }, cased);
  }
  for (const prefix of ['__Host-', '__Secure-', '__Http-', '__Host-Http-'].flatMap(casings)) {
    const cookie = { name: `${prefix}sid` };
    const secure = await request(await serve(t, productionApp({ cookie }, count)), { headers: OVER_TLS });
    t.regex(secure.cookies[0]!, /; Secure$/);
    t.is(parsed(secure.cookies[0]!).name, cookie.name);
    const plain = await request(await serve(t, kinds[2]!.app({ cookie }, count)));
    t.regex(
      plain.cookies[0]!,
      /^sid=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
      'in development it loses the prefix',
    );
  }
});

test('S30 a name or an attribute that makes the cookie too long for browsers is refused, and the longest are accepted', async (t) => {
  const long: [CookieOptions, RegExp][] = [
    [{ name: 'n'.repeat(257) }, /cookie\.name/],
    [{ name: 'n'.repeat(4_097) }, /cookie\.name/],
    [{ name: 'sid', path: `/${'p'.repeat(1_024)}` }, /cookie\.path.*1024/],
    [{ name: 'sid', domain: `${'d.'.repeat(600)}com` }, /cookie\.domain/],
  ];
  for (const [cookie, message] of long) t.throws(() => session({ cookie }), { instanceOf: TypeError, message });
  const cookie = {
    name: 'n'.repeat(256),
    path: `/${'p'.repeat(1_023)}`,
    domain: `${'d.'.repeat(125)}com`,
    sameSite: 'strict',
    secure: true,
    partitioned: true,
  } as const;
  const url = await serve(t, productionApp({ cookie }, count));
  const { cookies } = await request(url, { headers: OVER_TLS });
  const { name, value, attributes } = parsed(cookies[0]!);
  t.true(name.length + value.length <= 4_096);
  t.true(attributes.every(([, text]) => text.length <= 1_024));
  t.deepEqual([name, attributes.find(([name]) => name === 'Path')?.[1]], [cookie.name, cookie.path]);
});

const DAYS_400 = 400 * 24 * 3_600_000;

test('S31 no cookie lasts longer than 400 days, whatever the timeouts are: it has no expiry at all', async (t) => {
  for (const options of [{}, { idleTimeout: Infinity, absoluteTimeout: Infinity }, { absoluteTimeout: 2 * DAYS_400 }]) {
    const url = await serve(t, productionApp(options, visit));
    const set = (await request(`${url}/login`, { headers: OVER_TLS })).cookies;
    t.notRegex(set[0]!, /max-age|expires/i);
    const headers = { ...OVER_TLS, cookie: set[0]!.split(';')[0]! };
    const { attributes } = parsed((await request(`${url}/logout`, { headers })).cookies[0]!);
    const of = (name: string): string => attributes.find(([found]) => found === name)![1];
    t.deepEqual([of('Max-Age'), Date.parse(of('Expires'))], ['0', 0], 'only its removal has one');
  }
});

/** Cookies with one character put into one of their parts. */
const spoiled = fc
  .record({
    part: fc.constantFrom('name', 'path', 'domain' as const),
    text: fc.oneof(
      fc.constantFrom(
        ';',
        ',',
        '=',
        ' ',
        '"',
        '\\',
        '\t',
        '\r\n',
        '\r\nSet-Cookie: evil=1',
        '; Domain=evil.com',
        '\0',
        '\x7f',
        'é',
        '漢',
      ),
      fc.string({ maxLength: 3 }),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    at: fc.nat(20),
  })
  .map(({ part, text, at }): CookieOptions => {
    const whole = { name: 'sid', path: '/app/x', domain: 'app.example.com' };
    const base = whole[part];
    const from = Math.min(at, base.length);
    return { ...whole, [part]: base.slice(0, from) + text + base.slice(from) };
  });

test('S32 whatever name, path and domain are configured: they are refused, or the cookie says just that, for browsers as well', async (t) => {
  const store = new SessionStore();
  let manager: SessionManager<Record<string, unknown>>;
  const url = await serve(t, async (req, res) => {
    const started = await manager.start(req, res, { secure: true });
    started.data['n'] = 1;
    res.end('done');
  });
  const seen = { refused: 0, accepted: 0 };
  const property = fc.asyncProperty(spoiled, async (cookie) => {
    try {
      manager = new SessionManager<Record<string, unknown>>({ store, cookie });
    } catch (error) {
      seen.refused += 1;
      return error instanceof TypeError && /^option cookie\.(name|path|domain): /.test(error.message);
    }
    seen.accepted += 1;
    const answer = await request(url);
    const { name, value, attributes } = parsed(answer.cookies[0] ?? '');
    const expected = [
      ['Path', cookie.path],
      ['Domain', cookie.domain],
      ['HttpOnly', ''],
      ['SameSite', 'Lax'],
      ['Secure', ''],
    ];
    return (
      answer.cookies.length === 1 &&
      // oxlint-disable-next-line no-control-regex -- what must not be there
      !/[\x00-\x1f\x7f-\uffff]/.test(answer.cookies[0]!) &&
      name === cookie.name &&
      /^[\w-]{43}$/.test(value) &&
      JSON.stringify(attributes) === JSON.stringify(expected)
    );
  });
  await fc.assert(property, { numRuns: 1_000 });
  t.true(seen.refused > 100 && seen.accepted > 50, JSON.stringify(seen));
});

const wrong: [CookieOptions, RegExp][] = [
  [{ name: 'a b' }, /cookie\.name/],
  [{ name: '' }, /cookie\.name/],
  [{ name: 'a=b' }, /cookie\.name/],
  [{ path: 'app' }, /cookie\.path/],
  [{ path: '/a;b' }, /cookie\.path/],
  [{ path: '/a\r\nSet-Cookie: x=y' }, /cookie\.path/],
  // Browsers take the space at the end away.
  [{ name: 'id', path: '/app ' }, /cookie\.path/],
  [{ domain: 'exa mple' }, /cookie\.domain/],
];
for (const [cookie, message] of wrong) {
  test(`S32 a control character or a delimiter is refused at start: ${JSON.stringify(cookie)}`, (t) => {
    t.throws(() => session({ cookie }), { instanceOf: TypeError, message });
  });
}

test('S33 a partitioned cookie says so, with Secure, also under the prefix __Host-', async (t) => {
  for (const sameSite of ['none', 'lax', 'strict'] as const) {
    const cookie = { secure: true, partitioned: true, sameSite };
    const { cookies } = await request(await serve(t, productionApp({ cookie }, count)), { headers: OVER_TLS });
    t.regex(cookies[0]!, /^__Host-id=[\w-]{43}; Path=\/; HttpOnly; SameSite=\w+; Partitioned; Secure$/);
  }
});

for (const remote of [false, true]) {
  const over = remote ? 'over a store that answers promises' : 'over a native store';
  const app = (store: SessionStore, route: Route): ReturnType<(typeof kinds)[0]['app']> =>
    kinds[0]!.app({ store: remote ? remoteBackend(store.backend) : store }, route);

  test(`S34 ${over}: a cookie without a name, or whose name is percent-encoded or quoted, is not ours`, async (t) => {
    const store = new SessionStore();
    const url = await serve(t, app(store, read));
    const { id } = store.create({ secret: 1 });
    const others = [
      `=id=${id}`,
      ` =id=${id}`,
      `= id=${id}`,
      `;=id=${id};`,
      `%69d=${id}`,
      `i%64=${id}`,
      `id%20=${id}`,
      `"id"=${id}`,
      `id[]=${id}`,
      `id.=${id}`,
      `id;=${id}`,
      `id; ${id}`,
      `i d=${id}`,
      id,
      `=${id}`,
    ];
    for (const cookie of others) {
      const { body, cookies } = await request(url, { headers: { cookie } });
      t.deepEqual([body, cookies], ['{}', []], cookie);
    }
    t.is((await request(url, { headers: { cookie: `=; %69d=x; id=${id}; =x` } })).body, '{"secret":1}');
  });

  test(`S34 ${over}: a thousand cookies of 64 KiB are looked at, and what is beyond is not`, async (t) => {
    const store = new SessionStore();
    const url = await serve(t, createServer({ maxHeaderSize: 2 ** 21 }, app(store, read)));
    const { id } = store.create({ secret: 1 });
    const behind = async (before: string): Promise<boolean> => {
      const { status, body } = await request(url, { headers: { cookie: `${before}id=${id}` } });
      t.is(status, 200);
      return body === '{"secret":1}';
    };
    t.true(await behind('a=b; '.repeat(999)));
    t.false(await behind('a=b; '.repeat(1_000)));
    t.false(await behind(';'.repeat(2_000)));
    const room = 64 * 1_024 - `id=${id}`.length;
    t.true(await behind(`a=${'x'.repeat(room - 4)}; `));
    t.false(await behind(`a=${'x'.repeat(room - 3)}; `));
    t.false(await behind(`a=${'x'.repeat(1_000_000)}; `));
    t.false(await behind('=; '.repeat(300_000)));
  });
}

test('S36 on plain HTTP in production a new session is refused, and the error says why and what to do', async (t) => {
  const store = new SessionStore();
  const url = await serve(t, productionApp({ store }, count));
  const refused = await request(url);
  t.deepEqual([refused.status, refused.body, refused.cookies], [500, 'ERR_SESSION_INSECURE', []]);
  t.is(store.size, 0, 'nothing is stored that no client could ever use');
  t.is((await request(await serve(t, productionApp({ store }, read)))).status, 200, 'who writes nothing is served');
  const told: Error[] = [];
  const app = inProduction(() =>
    kinds[0]!.app({ store, onError: (error, _, res) => (told.push(error as Error), res.end()) }, count),
  );
  await request(await serve(t, app));
  t.regex(told[0]!.message, /Secure.*plain HTTP.*browser would reject it.*trust proxy/s);
});

test('S36 X-Forwarded-Proto counts only if the proxy is trusted', async (t) => {
  const trusting = await request(await serve(t, kinds[0]!.app({ trustProxy: true }, count)), { headers: OVER_TLS });
  t.regex(trusting.cookies[0]!, /^__Host-id=.*; Secure$/);
  const wary = await request(await serve(t, kinds[0]!.app({}, count)), { headers: OVER_TLS });
  t.regex(wary.cookies[0]!, /^id=/);
  const forwarded = { ...OVER_TLS, forwarded: 'proto=https', 'x-forwarded-ssl': 'on', 'front-end-https': 'on' };
  const store = new SessionStore();
  const options = {
    store,
    cookie: { secure: true },
    onError: (error: unknown, _: unknown, res: { end(text: string): void }) =>
      res.end((error as { code: string }).code),
  };
  for (const kind of [kinds[0]!, kinds[2]!]) {
    const { cookies } = await request(await serve(t, kind.app(options, count)), { headers: forwarded });
    t.deepEqual(cookies, [], kind.name);
  }
  t.is(store.size, 0);
});

for (const { name, app } of kinds) {
  test(`S38 ${name}: cookies set before, cookies passed to writeHead, and the session cookie all arrive`, async (t) => {
    const writeHeads: Record<string, (res: Parameters<Route>[1]) => void> = {
      none: (res) => res.setHeader('Set-Cookie', ['a=1', 'b=2']),
      object: (res) => res.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] }),
      text: (res) => {
        res.setHeader('X-Other', '1');
        res.writeHead(200, { 'Set-Cookie': 'a=1' });
      },
      array: (res) => res.writeHead(200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']),
    };
    for (const [form, send] of Object.entries(writeHeads)) {
      const url = await serve(
        t,
        app({}, (req, res) => {
          req.session.data['n'] = 1;
          send(res);
          res.end();
        }),
      );
      const { cookies } = await request(url);
      t.deepEqual(cookies.slice(0, -1), form === 'text' ? ['a=1'] : ['a=1', 'b=2'], form);
      t.regex(cookies.at(-1)!, /^id=/, form);
    }
  });
}

test('S39 the cookie of a session lasts until the browser is closed, and no option makes it last longer by accident', async (t) => {
  const app = kinds[2]!.app({ idleTimeout: '90d', absoluteTimeout: '365d' }, async (req, res) => {
    req.session.login('ann', { absoluteTimeout: '300d' });
    await req.session.touch({ idleTimeout: '200d' });
    res.end();
  });
  const { cookies } = await request(await serve(t, app));
  t.deepEqual(
    parsed(cookies[0]!).attributes.map(([name]) => name),
    ['Path', 'HttpOnly', 'SameSite'],
  );
  for (const name of ['maxAge', 'max-age', 'expires']) {
    t.throws(() => session({ cookie: { [name]: 1_000 } as CookieOptions }), {
      instanceOf: TypeError,
      message: new RegExp(`cookie\\.${name}`),
    });
  }
});
