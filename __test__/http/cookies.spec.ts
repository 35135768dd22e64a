/** The cookie: when it is secure, and which options it takes. What attackers may try with it is in `__test__/security`. */
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { SessionManager, SessionStore, type CookieOptions } from 'agai-session';
import { session } from 'agai-session/express';
import { count, kinds } from '../helpers/apps.js';
import { request, serve, warnings } from '../helpers/http.js';
import { productionApp } from '../helpers/production.js';

test('a TLS connection is secure without a proxy', async (t) => {
  const manager = new SessionManager<{ n?: number }>();
  const file = (name: string): Buffer => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url));
  const server = https.createServer({ key: file('key'), cert: file('cert') }, (req, res) => {
    const started = manager.start(req, res);
    if (started instanceof Promise) return;
    started.data.n = 1;
    res.end();
  });
  await serve(t, server);
  const cookies = await new Promise<string[]>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    https
      .get({ port, host: '127.0.0.1', ca: file('cert'), servername: 'localhost', agent: false }, (answer) => {
        answer.resume();
        resolve(answer.headers['set-cookie'] ?? []);
      })
      .on('error', reject);
  });
  t.regex(cookies[0] ?? '', /^__Host-id=.*; Secure$/);
});

test.serial('on plain HTTP outside production the cookie is id without Secure, and one warning says why', async (t) => {
  const seen = warnings(t);
  const url = await serve(t, kinds[2]!.app({}, count));
  for (let n = 0; n < 3; n++) {
    const { cookies } = await request(url);
    t.regex(cookies[0]!, /^id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  }
  await new Promise(setImmediate);
  const ours = seen.filter(
    ({ code, message }) => code === 'SESSION_INSECURE_COOKIE' && message.includes('"__Host-id"'),
  );
  t.is(ours.length, 1);
});

test('secure: false and secure: true apply whatever the connection is', async (t) => {
  const plain = await request(await serve(t, productionApp({ cookie: { secure: false } }, count)));
  t.regex(plain.cookies[0]!, /^id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
  const url = await serve(
    t,
    kinds[0]!.app(
      { cookie: { secure: true }, onError: (error, _, res) => res.end((error as { code: string }).code) },
      count,
    ),
  );
  t.is((await request(url)).body, 'ERR_SESSION_INSECURE');
});

const wrong: [CookieOptions, RegExp][] = [
  [null as unknown as CookieOptions, /cookie: pass an object/],
  ['id' as CookieOptions, /cookie/],
  [{ sameSite: 'Lax' as 'lax' }, /cookie\.sameSite/],
  [{ httpOnly: 1 as unknown as boolean }, /cookie\.httpOnly/],
];
for (const [cookie, message] of wrong) {
  test(`invalid cookie options are refused at construction: ${JSON.stringify(cookie)}`, (t) => {
    t.throws(() => session({ cookie }), { instanceOf: TypeError, message });
  });
}

test('options that contradict each other or do not exist are refused', (t) => {
  const store = new SessionStore();
  t.throws(() => session({ store, maxSessions: 5 }), {
    instanceOf: TypeError,
    message: /option maxSessions: the store is given/,
  });
  t.notThrows(() => session({ store, ...({ maxSessions: undefined } as object) }));
  for (const options of [null, 5, []] as never[]) {
    t.throws(() => session(options), { instanceOf: TypeError, message: /option session: pass an object/ });
  }
  t.throws(() => session({ store: {} as never }), {
    instanceOf: TypeError,
    message: /option store: pass a SessionStore/,
  });
  t.throws(() => session({ ttl: 5 } as never), {
    instanceOf: TypeError,
    message: /option session\.ttl: set idleTimeout/,
  });
  t.throws(() => session({ concurrency: 'last' as never }), {
    instanceOf: TypeError,
    message: /option concurrency: choose one of/,
  });
});
