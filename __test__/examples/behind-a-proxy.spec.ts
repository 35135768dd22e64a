/** In production behind a proxy that ends TLS, with sessions on disk: proxy and application are the example's, the certificate a fixture. */
import test, { type ExecutionContext } from 'ava';
import { freshPath } from '../helpers/durable.js';
import { startExample, type Example } from '../helpers/example.js';
import { fixturePath } from '../helpers/fixture.js';
import { Client } from '../helpers/http.js';

const tls = { KEY: fixturePath('tls/key.pem'), CERT: fixturePath('tls/cert.pem') };

const start = (t: ExecutionContext, path: string): Promise<Example> =>
  startExample(t, 'behind-a-proxy', { env: { NODE_ENV: 'production', DATA: path } });

/** A browser that sees the application through a proxy of its own. */
async function browse(t: ExecutionContext, app: Example, jar: Iterable<[string, string]> = []): Promise<Client> {
  const proxy = await startExample(t, 'behind-a-proxy', { script: 'proxy', env: { ...tls, TARGET: app.origin } });
  const client = new Client(proxy.origin);
  for (const [name, value] of jar) client.jar.set(name, value);
  return client;
}

const user = async (client: Client): Promise<string> => JSON.parse((await client.get('/')).body).user;

test('a login through the proxy gets a secure cookie, and survives kill -9; a logout survives a restart', async (t) => {
  const path = freshPath(t);
  const first = await start(t, path);
  const client = await browse(t, first);
  t.deepEqual(JSON.parse((await client.get('/')).body), { user: 'Guest', secure: true });
  const { status, cookies } = await client.post('/login', { name: 'ann' });
  t.is(status, 303);
  t.regex(cookies.join(), /^__Host-id=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
  await first.end('SIGKILL');

  const second = await start(t, path);
  const returned = await browse(t, second, client.jar);
  t.is(await user(returned), 'ann');
  await returned.post('/logout', {});
  t.is(returned.cookie, '');
  await second.end('SIGTERM');

  const third = await start(t, path);
  t.is(await user(await browse(t, third, client.jar)), 'Guest');
  t.is([first, second, third].map((app) => app.errors()).join(''), '', 'no warnings');
});

test('a login that does not come through the proxy is refused, and the reason is printed', async (t) => {
  const app = await start(t, freshPath(t));
  const direct = new Client(app.origin);
  t.is(await user(direct), 'Guest');
  const { status, cookies } = await direct.post('/login', { name: 'ann' });
  t.deepEqual([status, cookies], [500, []]);
  await app.printed(/this request came over plain HTTP/);
});
