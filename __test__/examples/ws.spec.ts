/** WebSockets with `ws`: who may connect, and what a logout does to a socket that is open. */
import { once } from 'node:events';
import type { EventEmitter } from 'node:events';
import test from 'ava';
import { requireOfExamples, startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';
import { until } from '../helpers/until.js';

interface WebSocket extends EventEmitter {
  send(text: string): void;
  close(): void;
}
type Options = { headers: Record<string, string>; origin?: string };
const { WebSocket } = requireOfExamples('ws') as { WebSocket: new (url: string, options: Options) => WebSocket };

/** Opens a socket as a page of `origin` does; resolves with the status if it is refused. */
async function connect(origin: string, cookie: string, page?: string): Promise<WebSocket | number> {
  const socket = new WebSocket(origin.replace('http', 'ws'), {
    headers: { cookie },
    ...(page ? { origin: page } : {}),
  });
  const refused = once(socket, 'unexpected-response').then(([, { statusCode }]) => statusCode as number);
  return Promise.race([once(socket, 'open').then(() => socket), refused]);
}

async function ask(socket: WebSocket, text: string): Promise<string> {
  socket.send(text);
  const [answer] = (await once(socket, 'message')) as [Buffer];
  return answer.toString();
}

test('a logged-in user talks over a socket, whose messages change the session; a logout closes it', async (t) => {
  const { origin } = await startExample(t, 'ws');
  const client = new Client(origin);
  await client.post('/login', { name: 'ann' });
  const socket = await connect(origin, client.cookie, origin);
  if (typeof socket === 'number') return t.fail(`refused with ${socket}`);
  t.is(await ask(socket, 'hello'), 'ann (1): hello');
  const other = await connect(origin, client.cookie, origin);
  if (typeof other === 'number') return t.fail(`refused with ${other}`);
  t.is(await ask(other, 'hi'), 'ann (2): hi', 'both sockets have one session');

  const closed: string[] = [];
  for (const each of [socket, other]) each.on('close', (code, reason) => closed.push(`${code} ${reason}`));
  await client.post('/logout', {});
  await until(() => closed.length === 2, 'the logout has closed both sockets');
  t.deepEqual(closed, ['4401 session ended', '4401 session ended']);
});

test('guests, other sites and pages without an origin may not connect', async (t) => {
  const { origin, errors } = await startExample(t, 'ws');
  const client = new Client(origin);
  t.is(await connect(origin, '', origin), 401, 'a guest');
  await client.post('/login', { name: 'ann' });
  const stolen = client.cookie;
  t.is(await connect(origin, stolen, 'https://evil.example'), 401, 'another site');
  t.is(await connect(origin, stolen, 'null'), 401, 'a sandboxed page');
  t.is(await connect(origin, stolen), 401, 'no page at all');
  await client.post('/logout', {});
  t.is(await connect(origin, stolen, origin), 401, 'after the logout');
  t.regex((await client.get('/')).body, /Guest/, 'and the server still answers');
  t.notRegex(errors(), /Error/);
});
