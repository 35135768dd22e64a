/** Tests of applications with the mocks of node-mocks-http, whose responses have methods of their own. */
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import compression from 'compression';
import type { NextFunction, Request, Response } from 'express';
import test from 'ava';
import mocks, { type MockResponse } from 'node-mocks-http';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';
import { expresses } from '../helpers/apps.js';
import { remoteBackend } from '../helpers/remote-backend.js';

type Mock = MockResponse<ServerResponse>;

/** Sends a mocked request, and resolves with its response once that has ended. */
function send(app: (req: never, res: never) => unknown, options: { url: string; cookie?: string }): Promise<Mock> {
  const { url, cookie } = options;
  const req = mocks.createRequest({ method: 'GET', url, headers: cookie === undefined ? {} : { cookie } });
  const res: Mock = mocks.createResponse({ eventEmitter: EventEmitter });
  return new Promise((resolve) => {
    res.on('end', () => resolve(res));
    app(req as never, res as never);
  });
}

/** What was sent as the body. */
// oxlint-disable-next-line no-underscore-dangle -- the mock's own
const bodyOf = (res: Mock): unknown => res._getData();

const cookieOf = (res: Mock): string => /^id=[^;]+/.exec([res.getHeader('set-cookie')].flat().join())![0];

for (const [version, create] of Object.entries(expresses)) {
  for (const remote of [false, true]) {
    for (const before of [undefined, compression()]) {
      const title = `${version}${remote ? ', promises' : ''}${before ? ', compression' : ''}`;
      // The mock's own `end` does not call that of the prototype: nothing was stored, and the test saw no cookie and no error.
      test(`${title}: a mocked request stores its session and gets its cookie`, async (t) => {
        const store = new SessionStore();
        const app = create();
        if (before) app.use(before);
        app.use(
          session({ store: remote ? remoteBackend(store.backend) : store, cookie: { secure: false, name: 'id' } }),
        );
        app.get('/end', (req, res) => {
          const data = req.session.data as { n?: number };
          data.n = (data.n ?? 0) + 1;
          res.end(`n=${data.n}`);
        });
        app.get('/json', (req, res) => {
          req.session.login('ann');
          res.json({ uid: req.session.uid });
        });
        const first = await send(app as never, { url: '/end' });
        const cookie = cookieOf(first);
        const second = await send(app as never, { url: '/end', cookie });
        t.deepEqual([bodyOf(second), second.getHeader('set-cookie')], ['n=2', undefined]);
        t.is(second.headersSent, true);
        const login = await send(app as never, { url: '/json', cookie });
        t.not(cookieOf(login), cookie);
        t.deepEqual(store.get(cookieOf(login).slice(3))!.data, { n: 2 });
      });

      test(`${title}: in a mocked request, the error handler answers for a session that cannot be written`, async (t) => {
        const store = new SessionStore({ maxSessionBytes: 50 });
        const app = create();
        if (before) app.use(before);
        app.use(session({ store: remote ? remoteBackend(store.backend) : store, cookie: { secure: false } }));
        app.get('/', (req, res) => {
          (req.session.data as { big?: string }).big = 'x'.repeat(100);
          res.end('well');
        });
        // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
        app.use((error: { code: string }, _req: Request, res: Response, _next: NextFunction) => {
          res.status(413);
          res.end(error.code);
        });
        const answer = await send(app as never, { url: '/' });
        t.deepEqual([answer.statusCode, bodyOf(answer)], [413, 'ERR_SESSION_TOO_LARGE']);
      });
    }
  }
}

test('a mocked request works with a manager alone', async (t) => {
  const manager = new SessionManager<{ n?: number }>();
  const app = (req: IncomingMessage, res: ServerResponse): void => {
    const started = manager.start(req, res) as { data: { n?: number } };
    started.data.n = 1;
    res.end('ok');
  };
  const answer = await send(app as never, { url: '/' });
  t.is(bodyOf(answer), 'ok');
  t.regex(cookieOf(answer), /^id=.{43}$/);
});

// A response that can only be ended, with no way to set a header: an error from inside ended the process.
test('a response that takes no header fails with a clear error, and not in the handler', async (t) => {
  const errors: { code: string }[] = [];
  const manager = new SessionManager<{ n?: number }>({ onError: (error) => errors.push(error as never) });
  const res = { statusCode: 200, headersSent: false, writableEnded: false, end: () => res };
  const started = manager.start(mocks.createRequest({ url: '/' }) as never, res as never) as { data: { n?: number } };
  started.data.n = 1;
  t.notThrows(() => res.end());
  await new Promise(setImmediate);
  t.deepEqual(
    errors.map(({ code }) => code),
    ['ERR_SESSION_HEADERS_SENT'],
  );
});
