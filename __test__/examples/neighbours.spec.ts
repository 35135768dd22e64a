/** Middleware that expects to keep its own things in the session: connect-flash and csrf-sync, as their READMEs show them with three lines more. */
import test from 'ava';
import { startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';

test('connect-flash: a message is shown once, on the page after the redirect', async (t) => {
  const { origin } = await startExample(t, 'connect-flash');
  const client = new Client(origin);
  const home = async () => JSON.parse((await client.get('/')).body);
  await client.post('/order', { item: 'tea & cake' });
  t.deepEqual(await home(), { info: ['Ordered: tea & cake'], errors: [] });
  t.deepEqual(await home(), { info: [], errors: [] });
  await client.post('/order', { item: '' });
  await client.post('/order', { item: 'milk' });
  t.deepEqual(await home(), { info: ['Ordered: milk'], errors: ['What would you like?'] });
  t.deepEqual(JSON.parse((await new Client(origin).get('/')).body), { info: [], errors: [] }, 'nobody else sees it');
});

test('csrf-sync: a form with the token of its session is accepted, and no other', async (t) => {
  const { origin } = await startExample(t, 'csrf-sync');
  const client = new Client(origin);
  const token = async (of: Client) => /name="csrfToken" value="(\w+)"/.exec((await of.get('/')).body)![1]!;
  const own = await token(client);
  t.is(await token(client), own, 'the token stays');
  const foreign = await token(new Client(origin));
  t.not(foreign, own);

  for (const csrfToken of ['', 'x', foreign]) {
    t.is((await client.post('/login', { name: 'ann', csrfToken })).status, 403);
  }
  t.is((await new Client(origin).post('/login', { name: 'ann', csrfToken: own })).status, 403, 'nor without a session');
  t.regex((await client.get('/')).body, /a guest/);
  t.is((await client.post('/login', { name: 'ann', csrfToken: own })).status, 303);
  t.regex((await client.get('/')).body, /logged in/);
  t.is(await token(client), own, 'the login keeps it');
});
