/** A check of what `manager.start` is called with. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { kindOf } from '../options.js';

const RAW =
  "pass Node's own request and response: in Koa `ctx.req, ctx.res`, in Fastify `request.raw, reply.raw`, in Hono `c.env.incoming, c.env.outgoing`";

/** Throws a TypeError unless the two are a request and its response, or are used like them as mocks are. */
export function checkPair(req: unknown, res: unknown): void {
  if (!(res instanceof ServerResponse) && !hasMethod(res, 'end')) {
    const what =
      res === undefined ? 'the response is missing' : `the second argument is no response but ${kindOf(res)}`;
    throw new TypeError(`manager.start(req, res): ${what}; ${RAW}`);
  }
  if (!(req instanceof IncomingMessage) && !isHeaded(req)) {
    throw new TypeError(`manager.start(req, res): the first argument is no request but ${kindOf(req)}; ${RAW}`);
  }
}

function hasMethod(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, name) === 'function';
}

function isHeaded(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'headers') === 'object';
}
