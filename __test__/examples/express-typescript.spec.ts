/** Express in strict TypeScript, compiled to both module systems: the first application of most people. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { apps, startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';

const forms = [
  { name: 'express-typescript', loads: /^import \{ session \} from 'agai-session\/express';$/m },
  { name: 'express-typescript-commonjs', loads: /= require\("agai-session\/express"\);$/m },
];

for (const { name, loads } of forms) {
  test(`${name}: compiles, logs in with a checked password, and logs out`, async (t) => {
    const { origin } = await startExample(t, name);
    t.regex(readFileSync(join(apps, name, 'dist/server.js'), 'utf8'), loads);
    const client = new Client(origin);
    const post = (path: string, body: object) =>
      client.get(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

    t.deepEqual(JSON.parse((await client.get('/')).body), { user: 'Guest', visits: 1 });
    t.is((await client.get('/account')).status, 401);
    const guest = client.cookie;
    for (const wrong of [
      { name: 'ann', password: 'wrong' },
      { name: 'eve', password: 'correct horse' },
      { name: 'ann' },
    ]) {
      t.is((await post('/login', wrong)).status, 401);
    }
    t.is((await post('/login', { name: 'ann', password: 'correct horse' })).status, 200);
    t.not(client.cookie, guest);
    const account = JSON.parse((await client.get('/account')).body);
    t.is(account.user, 'ann');
    t.true(Math.abs(Date.parse(account.since) - Date.now()) < 60_000);
    t.deepEqual(JSON.parse((await client.get('/')).body), { user: 'ann', visits: 2 });

    const stolen = client.cookie;
    t.is((await post('/logout', {})).body, '{"user":"Guest"}');
    t.is(client.cookie, '', 'the cookie is removed');
    t.is((await client.get('/account', { headers: { cookie: stolen } })).status, 401);
  });
}
