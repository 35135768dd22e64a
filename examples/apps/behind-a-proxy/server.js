import express from 'express';
import { session } from 'agai-session/express';

const sessions = session({ path: process.env.DATA ?? 'sessions.data', durability: 'disk' });

const app = express();
// Only this address may say, in X-Forwarded-Proto, that the browser's connection is secure.
app.set('trust proxy', 'loopback');
app.use(sessions);
app.use(express.urlencoded({ extended: false }));

app.get('/', (req, res) => {
  res.json({ user: req.session.uid, secure: req.secure });
});
app.post('/login', (req, res) => {
  req.session.login(req.body.name); // after you checked the password
  res.redirect(303, '/');
});
app.post('/logout', async (req, res) => {
  await req.session.logout();
  res.redirect(303, '/');
});

const store = await sessions.ready;
const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}`);
});
process.once('SIGTERM', () => {
  server.close(() => store.close());
  server.closeIdleConnections();
});
