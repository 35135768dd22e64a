import type { AddressInfo } from 'node:net';
import express from 'express';
import type { NextFunction, Request, Response } from 'express';
import type { Session } from 'agai-session';
import { session } from 'agai-session/express';
import { addUser, isPassword } from './users.js';

// What `req.session.data` contains.
declare module 'agai-session' {
  interface SessionData {
    visits?: number;
  }
}

const app = express();
app.use(session({ idleTimeout: '30m' }));
app.use(express.json());

app.get('/', (req, res) => {
  res.json({ user: req.session.uid, visits: countVisit(req.session) });
});

app.post('/login', async (req, res) => {
  const { name, password } = req.body as { name?: unknown; password?: unknown };
  if (typeof name !== 'string' || typeof password !== 'string' || !(await isPassword(name, password))) {
    res.status(401).json({ error: 'wrong name or password' });
    return;
  }
  req.session.login(name);
  res.json({ user: req.session.uid });
});

app.post('/logout', async (req, res) => {
  await req.session.logout();
  res.json({ user: req.session.uid });
});

app.get('/account', requireUser, (req, res) => {
  res.json({ user: req.session.uid, since: req.session.authenticatedAt });
});

function countVisit({ data }: Session): number {
  data.visits = (data.visits ?? 0) + 1;
  return data.visits;
}

function requireUser(req: Request, res: Response, next: NextFunction): void {
  if (req.session.isLoggedIn()) next();
  else res.status(401).json({ error: 'log in first' });
}

addUser('ann', 'correct horse');
const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${(server.address() as AddressInfo).port}`);
});
