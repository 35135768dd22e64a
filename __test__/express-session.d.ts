/** express-session, without its own types: those declare `req.session`, as this package's do. */
declare module 'express-session' {
  import type { RequestHandler } from 'express';
  export default function session(options: object): RequestHandler;
}
