/** Until `SessionData` has fields, `data` takes any. */
import express from 'express';
import { SessionManager, SessionStore } from 'agai-session';
import { session } from 'agai-session/express';

const app = express();
app.use(session());
app.get('/', (req, res) => {
  req.session.data.visits = (req.session.data.visits ?? 0) + 1;
  res.send(`${req.session.uid} ${req.session.data.visits}`);
  // @ts-expect-error -- a session has no fields but its own
  req.session.visits = 1;
});

const { id } = new SessionStore().create({ cart: ['apple'] });
export async function cart(): Promise<string[]> {
  const session = await new SessionManager().load(id);
  return session?.data.cart;
}
