/** A response that was sent reaches the client, even if the handler then throws or ends the connection while the session is written. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { openStore } from '../helpers/durable.js';
import { request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type After = (req: IncomingMessage, res: ServerResponse) => void;

/** What a handler does after it has sent its response. */
const afters: Record<string, After> = {
  'a throw': () => {
    throw new Error('after the response');
  },
  'req.destroy()': (req) => void req.destroy(),
  'req.socket.destroy()': (req) => void req.socket.destroy(),
  'req.socket.end()': (req) => void req.socket.end(),
  'req.socket.destroySoon()': (req) => req.socket.destroySoon(),
  'res.destroy()': (_req, res) => void res.destroy(),
};

for (const [version, create] of Object.entries(expresses)) {
  for (const [name, after] of Object.entries(afters)) {
    // In memory the response was on its way already; over a store on disk it still waited, and the client got ECONNRESET.
    test(`${version}: a response survives ${name} over every store`, async (t) => {
      const memory = new SessionStore();
      for (const store of [memory, remoteBackend(memory.backend), await openStore(t)]) {
        const app = create();
        app.set('env', 'test');
        app.use(session({ store }));
        app.get('/', (req, res) => {
          (req.session.data as { n?: number }).n = 1;
          res.send('x');
          after(req, res);
        });
        const answer = await request(await serve(t, app));
        t.deepEqual([answer.status, answer.body, answer.cookies.length], [200, 'x', 1]);
      }
    });
  }
}

test('the connection is ended afterwards, and not kept', async (t) => {
  const app = expresses['Express 5']!();
  app.use(session({ store: await openStore(t) }));
  app.get('/', (req, res) => {
    (req.session.data as { n?: number }).n = 1;
    res.send('x');
    req.socket.destroy();
  });
  const { port } = new URL(await serve(t, app));
  const socket = net.connect(Number(port), '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => socket.on('close', resolve));
  t.regex(text, /^HTTP\/1\.1 200 OK[^]*\r\n\r\nx$/);
});

// Two responses wait on one connection, and a later one's handler ends it.
test('the end of a connection does not overtake the response of a request before', async (t) => {
  const memory = new SessionStore();
  for (const store of [memory, remoteBackend(memory.backend), await openStore(t)]) {
    const app = expresses['Express 5']!();
    app.use(session({ store }));
    app.get('/:name', (req, res) => {
      (req.session.data as { n?: number }).n = 1;
      res.send(req.params.name);
      if (req.params.name === 'second') req.socket.destroy();
    });
    const { port } = new URL(await serve(t, app));
    const socket = net.connect(Number(port), '127.0.0.1');
    socket.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => socket.on('close', resolve));
    t.regex(text, /\r\n\r\nfirst/);
  }
});

test('a connection serves further requests after one that waited', async (t) => {
  const app = expresses['Express 5']!();
  app.use(session({ store: await openStore(t) }));
  const own: boolean[] = [];
  app.get('/', (req, res) => {
    own.push(Object.hasOwn(req.socket, 'destroy'));
    (req.session.data as { n?: number }).n = Math.random();
    res.send('x');
  });
  const { port } = new URL(await serve(t, app));
  const socket = net.connect(Number(port), '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  for (let n = 1; n <= 3; n++) {
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    while (text.split('HTTP/1.1 200').length <= n) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.destroy();
  t.deepEqual(own, [false, false, false], "the socket's methods are its own again");
});

// A body in HTTP/2 has frames of its own and need not have a length in its headers: the form of such a request was not seen.
test('HTTP/2: a form without Content-Length is one of this request', async (t) => {
  const manager = new SessionManager();
  const server = http2.createServer(async (req, res) => {
    const started = await manager.start(req as never, res as never);
    let body = '';
    for await (const chunk of req) body += String(chunk);
    (req as unknown as { body: object }).body = Object.fromEntries(new URLSearchParams(body));
    res.end(JSON.stringify(started.postParameters));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => {
    connection.destroy();
    server.close();
  });
  const post = async (body: string | undefined): Promise<unknown> => {
    const stream = connection.request(
      { ':path': '/', ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    let text = '';
    for await (const chunk of stream.setEncoding('utf8')) text += chunk;
    return JSON.parse(text);
  };
  t.deepEqual(await post('name=ann&city=rome'), { name: 'ann', city: 'rome' });
  t.deepEqual(await post(undefined), {}, 'no body, no form');
});
