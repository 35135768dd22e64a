import { createServer } from 'node:http';
import express from 'express';
import { session } from 'agai-session/express';
import { WebSocketServer } from 'ws';

const sessions = session();
const { manager } = sessions;

const app = express();
app.use(sessions);
app.use(express.urlencoded({ extended: false }));
app.get('/', (req, res) => {
  res.json({ user: req.session.uid });
});
app.post('/login', (req, res) => {
  req.session.login(req.body.name); // after you checked the password
  res.redirect(303, '/');
});
app.post('/logout', async (req, res) => {
  await req.session.logout();
  res.redirect(303, '/');
});

const server = createServer(app);
const sockets = new WebSocketServer({ noServer: true });

server.on('upgrade', async (req, socket, head) => {
  socket.on('error', () => {});
  const id = isFromOwnPage(req) ? await manager.getSessionId(req) : undefined;
  const session = id && (await manager.load(id));
  if (!session?.isLoggedIn()) {
    socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n');
    return;
  }
  sockets.handleUpgrade(req, socket, head, (ws) => {
    const { signal } = session;
    const end = () => ws.close(4401, 'session ended');
    signal.addEventListener('abort', end);
    ws.on('close', () => signal.removeEventListener('abort', end));
    ws.on('error', () => {});
    ws.on('message', (message) => {
      reply(ws, id, message).catch(() => ws.close(1011));
    });
  });
});

/** Browsers send the cookie with connections that pages of other sites open too: the origin tells which page it was. */
function isFromOwnPage({ headers: { origin, host } }) {
  return URL.canParse(origin) && new URL(origin).host === host;
}

/** Loads the session again for each message: that is the user's activity, and finds what requests have changed. */
async function reply(ws, id, message) {
  const session = await manager.load(id);
  if (!session) return;
  const messages = session.update('messages', (n = 0) => n + 1);
  await session.save();
  ws.send(`${session.uid} (${messages}): ${message}`);
}

server.listen(Number(process.env.PORT ?? 3000), () => console.log(`http://localhost:${server.address().port}`));
