/** Every way to send a response commits the session first and leaves the response as it was. */
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { SessionStore } from 'agai-session';
import { kinds, type Route } from '../helpers/apps.js';
import { Client, request, serve } from '../helpers/http.js';
import { remoteBackend } from '../helpers/remote-backend.js';

const body = 'x'.repeat(300);

/** Ways to answer; each is to arrive as `status` and `text` whatever the session does. */
const ways: Record<string, { send: Route; status?: number; text?: string; length?: string | undefined }> = {
  'end with a body': { send: (_, res) => res.end(body), length: '300' },
  'end with nothing': { send: (_, res) => res.end(), text: '', length: '0' },
  'end with a callback': { send: (_, res) => res.end(body, () => undefined), length: '300' },
  'end called twice': {
    send: (_, res) => {
      res.end(body);
      res.end();
    },
    length: '300',
  },
  'writeHead with a status': {
    send: (_, res) => {
      res.writeHead(202);
      res.end(body);
    },
    status: 202,
  },
  'writeHead with an object': {
    send: (_, res) => res.writeHead(201, { 'X-A': 'a', 'Content-Length': '300' }).end(body),
    status: 201,
    length: '300',
  },
  'writeHead with a message and an object': {
    send: (_, res) => res.writeHead(201, 'Made', { 'X-A': 'a' }).end(body),
    status: 201,
  },
  'writeHead with a flat array': {
    send: (_, res) => res.writeHead(201, ['X-A', 'a', 'Content-Length', '300']).end(body),
    status: 201,
    length: '300',
  },
  'write and end': {
    send: (_, res) => {
      res.write(body.slice(0, 100));
      res.write(body.slice(100, 200));
      res.end(body.slice(200));
    },
  },
  'a later end': {
    send: (_, res) => {
      res.write(body.slice(0, 100));
      setImmediate(() => res.end(body.slice(100)));
    },
  },
  'a stream': { send: (_, res) => Readable.from([body.slice(0, 150), body.slice(150)]).pipe(res) },
  flushHeaders: {
    send: (_, res) => {
      res.flushHeaders();
      setImmediate(() => res.end(body));
    },
  },
  'a status without a body': {
    send: (_, res) => {
      res.statusCode = 304;
      res.end();
    },
    status: 304,
    text: '',
  },
};

for (const { name, app } of kinds) {
  for (const remote of [false, true]) {
    const store = remote ? 'a store that answers promises' : 'a native store';
    for (const [way, { send, status = 200, text = body, length }] of Object.entries(ways)) {
      test(`${name} over ${store}: ${way} is sent whole, after the session is committed`, async (t) => {
        const sessions = new SessionStore();
        const url = await serve(
          t,
          app({ store: remote ? remoteBackend(sessions.backend) : sessions }, (req, res) => {
            req.session.data['seen'] = way;
            return send(req, res);
          }),
        );
        const answer = await request(url);
        t.is(answer.status, status);
        t.is(answer.body, text);
        if (length !== undefined) t.is(answer.headers['content-length'], length);
        t.is(sessions.size, 1);
        t.is(answer.cookies.length, 1);
        const id = answer.cookies[0]!.slice('id='.length, 'id='.length + 43);
        t.deepEqual(sessions.get(id)?.data, { seen: way });
      });
    }
  }

  test(`${name}: HEAD sends the headers of GET, and commits the session`, async (t) => {
    const url = await serve(
      t,
      app({}, (req, res) => {
        req.session.data['n'] = ((req.session.data['n'] as number) ?? 0) + 1;
        res.setHeader('Content-Length', '300');
        res.end(body);
      }),
    );
    const client = new Client(url);
    const head = await client.get('/', { method: 'HEAD' });
    t.is(head.headers['content-length'], '300');
    t.is(head.body, '');
    t.is(head.cookies.length, 1);
    t.is((await client.get('/')).cookies.length, 0, 'the session is known');
  });
}

/** System calls that write to the socket of the answer to one request. */
async function writesOf(t: ExecutionContext, app: Parameters<typeof serve>[1], cookie?: string): Promise<number> {
  let writes = 0;
  const url = await serve(t, (req, res) => {
    // oxlint-disable-next-line no-underscore-dangle -- Node's own, the last stop before the system
    const handle = (req.socket as unknown as { _handle: Record<string, (...args: unknown[]) => unknown> })._handle;
    for (const name of ['writev', 'writeBuffer', 'writeUtf8String', 'writeLatin1String', 'writeAsciiString']) {
      const write = handle[name]!;
      handle[name] = (...args) => {
        writes += 1;
        return write.apply(handle, args);
      };
    }
    (app as (req: unknown, res: unknown) => void)(req, res);
  });
  await request(url, cookie === undefined ? {} : { headers: { cookie } });
  return writes;
}

test('a response with a session is sent in one socket write, as without a session', async (t) => {
  const bare = await writesOf(t, (_, res) => res.end(body));
  t.is(bare, 1);
  for (const { name, app } of kinds) {
    const store = new SessionStore();
    const { id } = store.create({ n: 1 });
    t.is(
      await writesOf(
        t,
        app({ store }, (_, res) => res.end(body)),
        `id=${id}`,
      ),
      1,
      `${name}, untouched`,
    );
    const write: Route = (req, res) => {
      req.session.data['n'] = 2;
      res.end(body);
    };
    t.is(await writesOf(t, app({ store }, write), `id=${id}`), 1, `${name}, written`);
    t.is(await writesOf(t, app({ store }, write)), 1, `${name}, created`);
  }
});
