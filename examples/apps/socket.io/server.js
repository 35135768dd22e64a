import { createServer } from 'node:http';
import express from 'express';
import { session } from 'agai-session/express';
import { Server } from 'socket.io';

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
const io = new Server(server);

io.engine.use(sessions); // every handshake request has its session
io.use((socket, next) => {
  const { session } = socket.request;
  // The user may have logged out since the handshake.
  const isUser = session.isLoggedIn() && !session.signal.aborted;
  next(isUser ? undefined : new Error('log in first'));
});

io.on('connection', (socket) => {
  const { id, signal } = socket.request.session;
  const end = () => socket.disconnect(true);
  signal.addEventListener('abort', end);
  socket.on('disconnect', () => signal.removeEventListener('abort', end));

  socket.on('say', async (text, answer) => {
    const session = await manager.load(id); // counts as activity
    if (!session) return;
    const messages = session.update('messages', (n = 0) => n + 1);
    await session.save();
    answer(`${session.uid} (${messages}): ${text}`);
  });
});

server.listen(Number(process.env.PORT ?? 3000), () => console.log(`http://localhost:${server.address().port}`));
