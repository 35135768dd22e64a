/** An application that moves from express-session step by step has the types of both. */
import express from 'express';
import expressSession from 'express-session';
import { session } from 'agai-session/express';

declare module 'express-session' {
  interface SessionData {
    user: string;
  }
}

const old = express();
old.use(expressSession({ secret: 'a secret', resave: false, saveUninitialized: false }));
old.get('/', (req, res) => {
  const user: string | undefined = req.session.user;
  req.session.destroy(() => res.send(user));
  // @ts-expect-error -- ours has it, theirs has not
  req.session.isLoggedIn();
});

const sessions = session({ cookie: { name: 'next' } });
const next = express();
next.use(sessions);
next.get('/', async (req, res) => {
  const { uid, data } = await sessions.manager.start(req, res);
  data.visits = (data.visits ?? 0) + 1;
  res.send(uid);
});
