/** The session of a WebSocket's handshake: the middleware under socket.io, whose response to an upgrade has few of Node's methods. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Server } from 'socket.io';
import { io, type Socket } from 'socket.io-client';
import { SessionStore } from 'agai-session';
import { session, type SessionMiddleware } from 'agai-session/express';
import { openStore } from '../helpers/durable.js';
import { warnings } from '../helpers/http.js';

type Use = Parameters<Server['engine']['use']>[0];
interface Handshake {
  /** The `Set-Cookie` headers of the 101, as they were received. */
  readonly cookies: string[];
  readonly uid: string;
  /** Resolves once the connection has ended. */
  readonly ended: Promise<void>;
}

/** Connects by WebSocket alone, so that the handshake is the only response. Rejects if the server refuses. */
async function connect(
  t: ExecutionContext,
  sessions: SessionMiddleware,
  others: Use[],
  headers: Record<string, string> = {},
): Promise<Handshake> {
  const server = http.createServer();
  const sockets = new Server(server, { transports: ['websocket'] });
  for (const use of [sessions as unknown as Use, ...others]) sockets.engine.use(use);
  sockets.on('connection', (socket) =>
    socket.emit('uid', (socket.request as unknown as { session: { uid: string } }).session.uid),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client: Socket = io(url, {
    transports: ['websocket'],
    reconnection: false,
    extraHeaders: headers,
    forceNew: true,
  });
  t.teardown(async () => {
    client.close();
    await sockets.close();
  });
  const cookies: string[] = [];
  // The client's transport is the package `ws`, which shows the response to its handshake.
  const engine = client.io.engine as unknown as {
    transport: { ws: { on(name: 'upgrade', listener: (answer: http.IncomingMessage) => void): void } };
  };
  engine.transport.ws.on('upgrade', (answer) => cookies.push(...(answer.headers['set-cookie'] ?? [])));
  const ended = new Promise<void>((resolve) => client.on('disconnect', () => resolve()));
  const uid = await new Promise<string>((resolve, reject) => {
    client.on('uid', resolve);
    client.on('connect_error', reject);
    client.on('disconnect', (reason) => reject(new Error(reason)));
  });
  return { cookies, uid, ended };
}

const visit: Use = (req: { session?: { data: { n?: number } } }, _res: unknown, next: () => void) => {
  req.session!.data.n = 1;
  next();
};

// The first write on an upgrade called `appendHeader`, which this response does not have, and ended the process.
test('a session that begins with the handshake gets its cookie in the 101', async (t) => {
  const store = new SessionStore();
  const { cookies, uid } = await connect(t, session({ store }), [visit]);
  t.is(uid, 'Guest');
  t.is(cookies.length, 1);
  t.deepEqual(store.get(/^id=([^;]+)/.exec(cookies[0]!)![1]!)!.data, { n: 1 });
});

test('the handshake finds the session of the cookie', async (t) => {
  const store = new SessionStore();
  const { id } = store.create({}, { uid: 'ann' });
  const { cookies, uid } = await connect(t, session({ store }), [visit], { cookie: `id=${id}` });
  t.deepEqual({ cookies, uid }, { cookies: [], uid: 'ann' });
  t.deepEqual(store.get(id)!.data, { n: 1 });
});

test('the cookies of other middleware and of a second session stay cookies of their own', async (t) => {
  const [store, admins] = [new SessionStore(), new SessionStore()];
  const other: Use = (_req: unknown, res: { setHeader(name: string, value: string): void }, next: () => void) => {
    res.setHeader('set-cookie', 'theme=dark; Path=/');
    next();
  };
  const second = session({ store: admins, cookie: { name: 'admin' } });
  const both: Use = (req: never, res: never, next: () => void) =>
    second(req, res, () => {
      (second.manager.start(req, res) as { data: { a?: number } }).data.a = 1;
      next();
    });
  const sessions = session({ store });
  const write: Use = (req: never, res: never, next: () => void) => {
    (sessions.manager.start(req, res) as { data: { n?: number } }).data.n = 1;
    next();
  };
  const { cookies } = await connect(t, sessions, [other, write, both]);
  t.deepEqual(cookies.map((cookie) => cookie.split('=')[0]).toSorted(), ['admin', 'id', 'theme']);
});

test('over a store on disk, a session that was saved before the handshake gets its cookie', async (t) => {
  const store = await openStore(t);
  const save: Use = async (req: { session?: { save(): unknown } }, _res: unknown, next: (error?: unknown) => void) => {
    try {
      await req.session!.save();
      next();
    } catch (error) {
      next(error);
    }
  };
  const { cookies } = await connect(t, session({ store }), [visit, save]);
  t.is(cookies.length, 1);
  t.deepEqual(store.get(/^id=([^;]+)/.exec(cookies[0]!)![1]!)!.data, { n: 1 });
});

/** Waits until a connection is refused, or has ended. */
async function ends(connecting: Promise<Handshake>): Promise<void> {
  const handshake = await connecting.catch(() => undefined);
  await handshake?.ended;
}

// The handshake is sent without waiting, so a cookie that is there later is lost: the connection must not go on as if nothing had happened.
test('a session that cannot be written, or not in time, ends the connection with a warning', async (t) => {
  const seen = warnings(t);
  const disk = await openStore(t);
  await ends(connect(t, session({ store: disk }), [visit]));
  t.true(
    seen.some(({ code, message }) => code === 'ERR_SESSION_HEADERS_SENT' && message.includes('await session.save()')),
  );
  const small = session({ maxSessionBytes: 10 });
  const big: Use = (req: { session?: { data: { big?: string } } }, _res: unknown, next: () => void) => {
    req.session!.data.big = 'x'.repeat(100);
    next();
  };
  await ends(connect(t, small, [big]));
  t.true(seen.some(({ code }) => code === 'ERR_SESSION_TOO_LARGE'));
});
