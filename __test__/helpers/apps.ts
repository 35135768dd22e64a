/** The same routes on each kind of server that the package supports, so that a test can run on all of them. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express5 from 'express';
// oxlint-disable-next-line import/no-named-as-default -- the older Express under its alias
import express4 from 'express-4';
import { SessionManager, type Session, type SessionOptions } from 'agai-session';
import { session } from 'agai-session/express';

export interface Route {
  (req: IncomingMessage & { session: Session<Record<string, unknown>>; body?: unknown }, res: ServerResponse): unknown;
}

export interface Kind {
  readonly name: string;
  /** Makes a server in which every request has its session and goes to `route`. */
  readonly app: (options: SessionOptions, route: Route) => RequestListener;
}

type Express = typeof express5;

/** Both versions of Express, by name. */
export const expresses: Readonly<Record<string, Express>> = { 'Express 4': express4, 'Express 5': express5 };

function expressApp(express: Express): Kind['app'] {
  return (options, route) => {
    const app = express();
    app.use(session(options));
    app.use((req, res) => route(req as never, res));
    return app;
  };
}

export const kinds: readonly Kind[] = [
  {
    name: 'node:http',
    app: (options, route) => {
      const manager = new SessionManager<Record<string, unknown>>(options);
      return async (req, res) => {
        const started = await manager.start(req, res);
        await route(Object.assign(req, { session: started }), res);
      };
    },
  },
  ...Object.entries(expresses).map(([name, express]) => ({ name, app: expressApp(express) })),
];

/** Counts the visits in the session, and answers with their number. */
export const count: Route = (req, res) => {
  req.session.data['n'] = ((req.session.data['n'] as number) ?? 0) + 1;
  res.end(String(req.session.data['n']));
};

/** Answers with the session's data, and writes nothing. */
export const read: Route = (req, res) => {
  res.end(JSON.stringify(req.session.data));
};

/** What the specs of the security lines ask of an application. */
export const visit: Route = async (req, res) => {
  const { session } = req;
  const { pathname, searchParams } = new URL(req.url!, 'http://localhost');
  if (pathname === '/login') session.login(searchParams.get('as') ?? 'ann');
  else if (pathname === '/renew') void session.regenerate();
  else if (pathname === '/logout') await session.logout();
  else if (pathname === '/destroy') await session.destroy();
  else if (pathname === '/write') session.data['n'] = ((session.data['n'] as number) ?? 0) + 1;
  res.end(pathname === '/destroy' ? 'ended' : JSON.stringify([session.uid, session.data]));
};
