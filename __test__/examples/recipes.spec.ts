/** The frameworks for which the documentation has a recipe: a guest, a login, a logout, and a session that cannot be written. */
import test from 'ava';
import { startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';

const recipes = ['nest', 'fastify', 'koa', 'hono'];

for (const name of recipes) {
  test(`${name}: a guest's session is kept through the login, and ends with the logout`, async (t) => {
    const { origin } = await startExample(t, name);
    const client = new Client(origin);
    const home = async () => JSON.parse((await client.get('/')).body);

    t.is((await client.get('/favicon.ico')).status, 404);
    t.is(client.cookie, '', 'who writes nothing gets no cookie');
    t.deepEqual(await home(), { user: 'Guest', visits: 1 });
    t.deepEqual(await home(), { user: 'Guest', visits: 2 });
    const guest = client.cookie;
    const login = await client.post('/login', { name: 'ann' });
    t.true(login.status < 400, `${login.status} ${login.body}`);
    t.not(client.cookie, guest, 'a login gives a new id');
    t.deepEqual(await home(), { user: 'ann', visits: 3 });
    t.regex((await client.get('/', { headers: { cookie: guest } })).body, /"Guest","visits":1/);

    const stolen = client.cookie;
    await client.post('/logout', {});
    t.is(client.cookie, '', 'the cookie is removed');
    t.regex((await client.get('/', { headers: { cookie: stolen } })).body, /"Guest","visits":1/);
  });

  test(`${name}: a login that is refused is the framework's error`, async (t) => {
    const { origin } = await startExample(t, name);
    const client = new Client(origin);
    t.is((await client.post('/login', { name: 'x'.repeat(256) })).status, 500);
    t.is((await client.post('/login', {})).status, 500);
    t.regex((await client.get('/')).body, /"Guest","visits":1/);
  });

  // In production the cookie needs a secure connection. Whoever forgot the proxy's setting must get an answer, and the reason in the log.
  test(`${name}: a session that cannot be written is a 500, and the reason is printed`, async (t) => {
    const { origin, printed } = await startExample(t, name, { env: { NODE_ENV: 'production' } });
    const answer = await new Client(origin).get('/');
    t.deepEqual([answer.status, answer.cookies], [500, []]);
    t.notRegex(answer.body, /visits/);
    await printed(/this request came over plain HTTP/);
  });
}
