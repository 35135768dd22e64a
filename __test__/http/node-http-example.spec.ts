/** The original's canonical handler, made to work: the example of the documentation, run as a person runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'ava';
import { Client } from '../helpers/http.js';

test('first visit, return, login and logout on plain node:http', async (t) => {
  const example = new URL('../../examples/node-http/server.mjs', import.meta.url);
  const child = spawn(process.execPath, [example.pathname], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill());
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const client = new Client(/http:\/\/\S+/.exec(line)![0].replace('localhost', '127.0.0.1'));

  const first = await client.get('/');
  t.regex(first.body, /this is your first visit/);
  t.is(first.cookies.length, 1, 'a first visitor gets a session');
  const second = await client.get('/');
  t.regex(second.body, /this is visit 2/, 'a returning one keeps it');
  t.is(second.cookies.length, 0);

  const guest = client.cookie;
  const login = await client.post('/login', { name: 'Ann <b>' });
  t.deepEqual([login.status, login.cookies.length], [303, 1]);
  t.not(client.cookie, guest, 'a login gives a new id');
  t.regex((await client.get('/')).body, /this is visit 3[^]*You are Ann &#60;b&#62;\./);
  t.regex((await client.get('/', { headers: { cookie: guest } })).body, /first visit/, 'and the old one is dead');

  await client.post('/logout', {});
  t.regex((await client.get('/')).body, /first visit/);
});
