// Sessions on plain node:http, without a framework: the first visit, the return, the login.
//   npm run example:node-http    then http://localhost:3000
import { createServer } from 'node:http';
import { SessionManager } from 'agai-session';

const manager = new SessionManager({ idleTimeout: '10m' });

const server = createServer(async (req, res) => {
  // Resumes the session that the request's cookie names, or begins a new one. Nothing is stored until something is written.
  const session = manager.start(req, res);

  if (req.method === 'POST') {
    const body = await text(req);
    if (body === undefined) {
      res.writeHead(413).end();
      return;
    }
    req.body = new URLSearchParams(body);
    if (req.url === '/login') logIn(session, req.body.get('name'));
    if (req.url === '/logout') session.logout();
    // The session is committed before these headers leave, so the next request finds it.
    res.writeHead(303, { Location: '/' }).end();
    return;
  }

  session.update('visits', (n = 0) => n + 1);
  res.setHeader('Content-Type', 'text/html; charset=utf-8');
  res.end(page(session));
});

function logIn(session, name) {
  if (name) session.login(name.slice(0, 100));
}

function page(session) {
  const visits = session.get('visits');
  const greeting = visits === 1 ? 'Welcome, this is your first visit.' : `Welcome back, this is visit ${visits}.`;
  const form = session.isLoggedIn()
    ? `<p>You are ${escape(session.uid)}.</p><form method="post" action="/logout"><button>Log out</button></form>`
    : '<form method="post" action="/login"><label>Name <input name="name" required></label> <button>Log in</button></form>';
  return `<!doctype html><title>agai-session on node:http</title><h1>${greeting}</h1>${form}
    <p>Session ${session.handle ?? 'not stored yet'}, until ${session.expirationTime.toLocaleTimeString()}.</p>`;
}

function escape(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A request's body; `undefined` if it is longer than a form. */
async function text(req) {
  let body = '';
  for await (const chunk of req.setEncoding('utf8')) {
    body += chunk;
    if (body.length > 10_000) return undefined;
  }
  return body;
}

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`agai-session on node:http: http://localhost:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit());
