/** socket.io: who may connect, by both transports, and what a logout does to a socket that is open. */
import type { EventEmitter } from 'node:events';
import test from 'ava';
import { requireOfExamples, startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';
import { until } from '../helpers/until.js';

interface Socket extends EventEmitter {
  emitWithAck(event: string, text: string): Promise<string>;
  disconnect(): void;
}
type Options = { transports: string[]; extraHeaders: Record<string, string>; reconnection: boolean; forceNew: boolean };
const { io } = requireOfExamples('socket.io-client') as { io: (origin: string, options: Options) => Socket };

/** Connects; resolves with the message if it is refused. */
async function connect(origin: string, cookie: string, transport: string): Promise<Socket | string> {
  const socket = io(origin, {
    transports: [transport],
    extraHeaders: { cookie },
    reconnection: false,
    forceNew: true,
  });
  const connected = new Promise<Socket>((resolve) => socket.on('connect', () => resolve(socket)));
  const refused = new Promise<string>((resolve) => socket.on('connect_error', ({ message }) => resolve(message)));
  return Promise.race([connected, refused]);
}

for (const transport of ['polling', 'websocket']) {
  test(`${transport}: a logged-in user's events change the session, and a logout disconnects`, async (t) => {
    const { origin, errors } = await startExample(t, 'socket.io');
    const client = new Client(origin);
    t.is(await connect(origin, '', transport), 'log in first');
    await client.post('/login', { name: 'ann' });
    const socket = await connect(origin, client.cookie, transport);
    if (typeof socket === 'string') return t.fail(`refused: ${socket}`);
    t.teardown(() => socket.disconnect());
    t.is(await socket.emitWithAck('say', 'hello'), 'ann (1): hello');
    t.is(await socket.emitWithAck('say', 'again'), 'ann (2): again');

    const stolen = client.cookie;
    let reason = '';
    socket.on('disconnect', (why: string) => (reason = why));
    await client.post('/logout', {});
    await until(() => reason !== '', 'the logout has disconnected the socket');
    t.is(reason, 'io server disconnect');
    t.is(await connect(origin, stolen, transport), 'log in first');
    t.regex((await client.get('/')).body, /Guest/);
    t.notRegex(errors(), /Error/);
  });
}

test('a logout between the handshake and the connection counts', async (t) => {
  const { origin } = await startExample(t, 'socket.io');
  const client = new Client(origin);
  await client.post('/login', { name: 'ann' });
  const headers = { cookie: client.cookie };
  const polling = '/socket.io/?EIO=4&transport=polling';
  const { sid } = JSON.parse((await client.get(polling)).body.slice(1));
  await client.post('/logout', {});
  const poll = `${polling}&sid=${sid}`;
  await client.get(poll, { method: 'POST', headers: { ...headers, 'content-type': 'text/plain' }, body: '40' });
  t.is((await client.get(poll, { headers })).body, '44{"message":"log in first"}');
});
