/** `csrf()`: what other sites make a browser send is refused, and nothing else. */
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type express5 from 'express';
import { SessionError } from 'agai-session';
import { csrf, session, type CsrfOptions } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { fixturePath } from '../helpers/fixture.js';
import { request, serve } from '../helpers/http.js';
import { serveHttp2 } from '../helpers/http2.js';

type Headers = Readonly<Record<string, string>>;
/** Sends a request; resolves with the status. */
type Ask = (headers: Headers, method?: string) => Promise<number>;

const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'];

/** A middleware of Express, called without it. */
function answer(middleware: ReturnType<typeof csrf>) {
  return (req: unknown, res: unknown): void => {
    middleware(req as IncomingMessage, res as ServerResponse, (error) => {
      (res as ServerResponse).statusCode = error === undefined ? 200 : (error as SessionError).status!;
      (res as ServerResponse).end();
    });
  };
}

const kinds: Readonly<Record<string, (t: ExecutionContext, options?: CsrfOptions) => Promise<Ask>>> = {
  async 'node:http'(t, options) {
    const url = await serve(t, answer(csrf(options)));
    return async (headers, method = 'POST') => (await request(url, { method, headers })).status;
  },
  async 'HTTP/2'(t, options) {
    const send = await serveHttp2(t, answer(csrf(options)));
    return async ({ Host, ...headers }, method = 'POST') => {
      return (await send('/', { method, headers: { ...headers, ...(Host && { ':authority': Host }) } })).status;
    };
  },
  ...Object.fromEntries(
    Object.entries(expresses).map(([name, express]) => [
      name,
      async (t: ExecutionContext, options?: CsrfOptions) => {
        const app = express();
        app.set('env', 'test');
        app.use(csrf(options));
        app.use((_req, res) => res.end());
        const url = await serve(t, app);
        return async (headers: Headers, method = 'POST') => (await request(url, { method, headers })).status;
      },
    ]),
  ),
};

const Host = 'shop.example:3000';

/** What browsers and others send, whether it passes, and whether it does with `strict`. */
const table: readonly (readonly [what: string, headers: Headers, passes: boolean, strict?: boolean])[] = [
  ['a form of the same origin', { 'Sec-Fetch-Site': 'same-origin', Origin: 'http://shop.example:3000' }, true],
  ['a form of the same origin that hides its origin', { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }, true],
  ['what the user repeats', { 'Sec-Fetch-Site': 'none' }, true],
  ['another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' }, false],
  [
    'another site that claims our origin',
    { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://shop.example:3000' },
    false,
  ],
  ['a sister domain', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://blog.shop.example:3000' }, false],
  ['another port', { 'Sec-Fetch-Site': 'same-site', Origin: 'http://shop.example:4000' }, false],
  ['several values', { 'Sec-Fetch-Site': 'same-origin, cross-site' }, false],
  ['a value that does not exist', { 'Sec-Fetch-Site': 'Same-Origin' }, false],
  ['an older browser, or plain HTTP', { Origin: 'http://shop.example:3000' }, true],
  ['its capitals', { Origin: 'http://shop.example:3000', Host: 'Shop.Example:3000' }, true],
  ['behind a proxy that ends TLS and was not told to Express', { Origin: 'https://shop.example:3000' }, true],
  ['an older browser on another site', { Origin: 'https://evil.example' }, false],
  ['an older browser on another port', { Origin: 'http://shop.example:4000' }, false],
  ['an older browser without a port', { Origin: 'http://shop.example' }, false],
  ['an older browser on a sister domain', { Origin: 'http://blog.shop.example:3000' }, false],
  ['a name that begins like ours', { Origin: 'http://shop.example:3000.evil.example' }, false],
  ['ours as a user name', { Origin: 'http://shop.example:3000@evil.example' }, false],
  ['a sandboxed page', { Origin: 'null' }, false],
  ['a file', { Origin: 'file://' }, false],
  ['another scheme', { Origin: 'app://shop.example:3000' }, false],
  ['several origins', { Origin: 'http://shop.example:3000, https://evil.example' }, false],
  ['what is no origin', { Origin: 'shop.example:3000' }, false],
  ['the default port of http', { Origin: 'http://shop.example', Host: 'shop.example:80' }, true],
  ['the default port of https', { Origin: 'https://shop.example', Host: 'shop.example:443' }, true],
  ['the port of the other scheme', { Origin: 'https://shop.example', Host: 'shop.example:80' }, false],
  ['an address', { Origin: 'http://[::1]:3000', Host: '[::1]:3000' }, true],
  ['a host that cannot be read', { Origin: 'http://shop.example', Host: '[::' }, false],
  ['a program', {}, true, false],
  ['a program with empty headers', { 'Sec-Fetch-Site': '', Origin: '' }, true, false],
  ['a proxy that is not trusted', { Origin: 'https://evil.example', 'X-Forwarded-Host': 'evil.example' }, false],
];

for (const [name, start] of Object.entries(kinds)) {
  test(`csrf, ${name}: what passes and what is refused`, async (t) => {
    const [ask, strictly] = [await start(t), await start(t, { strict: true })];
    for (const [what, headers, passes, strict = passes] of table) {
      // HTTP/2's client refuses a host that cannot be read.
      if (name === 'HTTP/2' && headers['Host'] === '[::') continue;
      const sent = { Host, ...headers };
      t.is(await ask(sent), passes ? 200 : 403, what);
      t.is(await strictly(sent), strict ? 200 : 403, `${what}, strict`);
    }
  });

  test(`csrf, ${name}: all methods but GET, HEAD and OPTIONS are checked`, async (t) => {
    const ask = await start(t, { strict: true });
    const evil = { Host, 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' };
    for (const method of ['GET', 'HEAD', 'OPTIONS']) t.is(await ask(evil, method), 200, method);
    for (const method of UNSAFE) t.is(await ask(evil, method), 403, method);
  });

  test(`csrf, ${name}: a trusted origin passes, as it is written and no other`, async (t) => {
    const trustedOrigins = ['https://login.example', 'http://localhost:5173', 'capacitor://localhost'];
    const ask = await start(t, { trustedOrigins, strict: true });
    // The list was read when the middleware was made.
    trustedOrigins.push('https://evil.example');
    for (const site of [{}, { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }]) {
      for (const Origin of ['https://login.example', 'http://localhost:5173', 'capacitor://localhost']) {
        t.is(await ask({ Host, ...site, Origin }), 200, Origin);
      }
      for (const Origin of [
        'http://login.example',
        'https://login.example:8443',
        'https://a.login.example',
        'https://login.example.evil.example',
        'http://localhost:5174',
        'https://evil.example',
        'null',
      ]) {
        t.is(await ask({ Host, ...site, Origin }), 403, Origin);
      }
    }
    t.is(await ask({ Host, 'Sec-Fetch-Site': 'cross-site' }), 403, 'no origin');
  });
}

for (const [name, express] of Object.entries(expresses)) {
  const app = (trust: unknown): express5.Express => {
    const app = express();
    app.set('trust proxy', trust);
    app.set('env', 'test');
    app.use(csrf());
    app.use((_req, res) => res.end());
    return app;
  };

  test(`csrf, ${name}: behind a proxy the host and the scheme are those that a trusted proxy tells`, async (t) => {
    const proxied = { Host: '10.0.0.1:3000', 'X-Forwarded-Host': 'shop.example:8443', 'X-Forwarded-Proto': 'https' };
    const trusting = await serve(t, app(1));
    const wary = await serve(t, app(false));
    const ask = async (url: string, headers: Headers) => (await request(url, { method: 'POST', headers })).status;
    const own = { ...proxied, Origin: 'https://shop.example:8443' };
    t.is(await ask(trusting, own), 200);
    t.is(await ask(wary, own), 403);
    t.is(await ask(trusting, { ...own, Origin: 'https://shop.example' }), 403, 'ports count');
    t.is(
      await ask(trusting, { ...own, Origin: 'http://shop.example:8443' }),
      403,
      'an origin without TLS is another one',
    );
    t.is(await ask(trusting, { ...own, Origin: 'http://10.0.0.1:3000' }), 403, 'the inner host');
    t.is(await ask(trusting, { Host, 'X-Forwarded-Proto': 'https', Origin: `https://${Host}` }), 200, 'no other host');
    const two = { ...proxied, 'X-Forwarded-Host': 'shop.example , inner.example' };
    t.is(await ask(trusting, { ...two, Origin: 'https://shop.example' }), 200, 'a chain of proxies');
    // What a browser says of itself needs no host.
    t.is(await ask(wary, { ...own, 'Sec-Fetch-Site': 'same-origin' }), 200);
  });

  test(`csrf, ${name}: the error has a code and the status 403, and repeats nothing of the request`, async (t) => {
    const app = express();
    const errors: unknown[] = [];
    app.use(csrf({ strict: true }), session());
    app.post('/', () => t.fail());
    // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
    app.use((error: unknown, _req: express5.Request, res: express5.Response, _next: express5.NextFunction) => {
      errors.push(error);
      res.status((error as SessionError).status!).end();
    });
    const url = await serve(t, app);
    for (const headers of [{ Origin: 'https://hunter2.example' }, { 'Sec-Fetch-Site': 'hunter2' }, {}]) {
      const { status, cookies } = await request(url, { method: 'POST', headers });
      t.deepEqual([status, cookies], [403, []]);
    }
    t.is(errors.length, 3);
    for (const error of errors) {
      t.true(error instanceof SessionError);
      const { code, status, message } = error as SessionError;
      t.deepEqual([code, status], ['ERR_SESSION_CSRF', 403]);
      t.false(message.includes('hunter2'));
    }
  });

  test(`csrf, ${name}: without an error handler the client gets a 403`, async (t) => {
    const url = await serve(t, app(false));
    const { status } = await request(url, { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } });
    t.is(status, 403);
  });
}

// Who can change what is sent in plain HTTP can serve a page under our name.
test('csrf over TLS: our host without TLS is another origin', async (t) => {
  const file = (name: string): Buffer => readFileSync(fixturePath(`tls/${name}.pem`));
  const server = https.createServer({ key: file('key'), cert: file('cert') }, answer(csrf()));
  await serve(t, server);
  const { port } = server.address() as AddressInfo;
  const ask = async (Origin: string) =>
    (await request(`https://localhost:${port}`, { method: 'POST', headers: { Origin } })).status;
  t.is(await ask(`https://localhost:${port}`), 200);
  t.is(await ask(`http://localhost:${port}`), 403);
});

test('csrf: a request without a host does not pass by its origin', async (t) => {
  const url = await serve(t, http.createServer({ requireHostHeader: false }, answer(csrf())));
  const status = await new Promise((resolve, reject) => {
    const headers = { Origin: url };
    const sent = http.request(url, { method: 'POST', setHost: false, headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on('error', reject).end();
  });
  t.is(status, 403);
});
