import { serve } from '@hono/node-server';
import { SessionManager } from 'agai-session';
import { Hono } from 'hono';

const app = new Hono();
const manager = new SessionManager({ idleTimeout: '30m' });

app.use(async (c, next) => {
  c.set('session', await manager.start(c.env.incoming, c.env.outgoing));
  await next();
});

app.get('/', (c) => {
  const { session } = c.var;
  return c.json({ user: session.uid, visits: session.update('visits', (n = 0) => n + 1) });
});
app.post('/login', async (c) => {
  const { name } = await c.req.parseBody();
  c.var.session.login(name); // after you checked the password
  return c.redirect('/', 303);
});
app.post('/logout', async (c) => {
  await c.var.session.logout();
  return c.redirect('/', 303);
});

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) }, ({ port }) => {
  console.log(`http://localhost:${port}`);
});
