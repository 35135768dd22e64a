/** A program that imports only the middleware declares the type of `data`. */
import express from 'express';
import { session } from 'agai-session/express';

declare module 'agai-session' {
  interface SessionData {
    visits?: number;
    since?: Date;
  }
}

const app = express();
app.use(session());
app.get('/', (req, res) => {
  const { data } = req.session;
  data.visits = (data.visits ?? 0) + 1;
  const since: string | undefined = data.since;
  req.session.data = { since: new Date() };
  // @ts-expect-error -- it is a number
  data.visits = 'many';
  // @ts-expect-error -- there is no such field
  data.visitors = 1;
  // @ts-expect-error -- it is not the type of a string
  data.since?.getTime();
  res.send(since);
});
