import formbody from '@fastify/formbody';
import { SessionManager } from 'agai-session';
import Fastify from 'fastify';

const app = Fastify();
const manager = new SessionManager({ idleTimeout: '30m' });

app.decorateRequest('session', null);
app.addHook('onRequest', async (request, reply) => {
  request.session = await manager.start(request.raw, reply.raw, { secure: request.protocol === 'https' });
});

app.register(formbody);
app.get('/', (request) => {
  const { session } = request;
  return { user: session.uid, visits: session.update('visits', (n = 0) => n + 1) };
});
app.post('/login', (request, reply) => {
  request.session.login(request.body.name); // after you checked the password
  reply.redirect('/', 303);
});
app.post('/logout', async (request, reply) => {
  await request.session.logout();
  return reply.redirect('/', 303);
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`http://localhost:${app.server.address().port}`);
