/** An application as in production: Express behind a proxy that ends TLS. */
import express from 'express';
import { session } from 'agai-session/express';
import type { SessionOptions } from 'agai-session';
import type { Route } from './apps.js';

/** The header with which the proxy says that the client came over TLS. */
export const OVER_TLS = { 'x-forwarded-proto': 'https' };

/** Calls a function while `NODE_ENV` is `production`. */
export function inProduction<T>(make: () => T): T {
  const before = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = before;
  }
}

/** An application in which every request goes to `route`, and every error is answered with its code. */
export function productionApp(options: SessionOptions, route: Route): express.Express {
  return inProduction(() => {
    const app = express();
    app.set('trust proxy', 1);
    app.use(session(options));
    app.use((req, res) => route(req as never, res));
    // oxlint-disable-next-line no-unused-vars -- Express tells an error handler by its four parameters
    app.use(
      (error: Error & { code?: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
        res.status(500).send(error.code);
      },
    );
    return app;
  });
}
