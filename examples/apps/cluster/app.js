/** The application, as each worker runs it. */
import express from 'express';
import { session } from 'agai-session/express';
import { primaryStore } from './primary-store.js';

const app = express();
app.use(session({ store: await primaryStore() }));
app.use(express.urlencoded({ extended: false }));

app.get('/', (req, res) => {
  const visits = req.session.update('visits', (n = 0) => n + 1);
  res.json({ user: req.session.uid, visits, process: process.pid });
});
app.post('/login', (req, res) => {
  req.session.login(req.body.name); // after you checked the password
  res.redirect(303, '/');
});
app.post('/logout', async (req, res) => {
  await req.session.logout();
  res.redirect(303, '/');
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`http://localhost:${server.address().port} by process ${process.pid}`);
});
