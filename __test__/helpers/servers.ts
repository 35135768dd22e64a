/** Every kind of server that the package supports, each with one route. */
import type { ExecutionContext } from 'ava';
import Koa from 'koa';
import { SessionManager, type SessionOptions } from 'agai-session';
import { kinds, type Route } from './apps.js';
import { request, serve, type Answer, type Request } from './http.js';
import { serveHttp2 } from './http2.js';

export type Send = (path: string, options?: Request) => Promise<Answer>;

export interface ServerKind {
  readonly name: string;
  readonly isHttp2: boolean;
  /** Starts a server in which every request has its session and goes to `route`. Returns a function that sends a request. */
  readonly start: (t: ExecutionContext, options: SessionOptions, route: Route) => Promise<Send>;
}

const overHttp1 = kinds.map(({ name, app }): ServerKind => {
  return {
    name,
    isHttp2: false,
    async start(t, options, route) {
      const origin = await serve(t, app(options, route));
      return (path, options) => request(origin + path, options);
    },
  };
});

const koa: ServerKind = {
  name: 'Koa',
  isHttp2: false,
  async start(t, options, route) {
    const manager = new SessionManager(options);
    const app = new Koa();
    app.use(async (ctx) => {
      ctx.respond = false;
      const session = await manager.start(ctx.req, ctx.res);
      await route(Object.assign(ctx.req, { session }) as never, ctx.res);
    });
    const origin = await serve(t, app.callback());
    return (path, options) => request(origin + path, options);
  },
};

const overHttp2: ServerKind = {
  name: 'HTTP/2',
  isHttp2: true,
  start(t, options, route) {
    const manager = new SessionManager(options);
    return serveHttp2(t, async (req, res) => {
      const session = await manager.start(req, res);
      await route(Object.assign(req, { session }) as never, res as never);
    });
  },
};

export const servers: readonly ServerKind[] = [...overHttp1, koa, overHttp2];
