import express from 'express';
import { session } from 'agai-session/express';

/** The application. Tests pass a clock of their own, and everybody else nothing. */
export function createApp({ clock } = {}) {
  const app = express();
  app.use(session({ idleTimeout: '30m', absoluteTimeout: '12h', clock }));
  app.use(express.urlencoded({ extended: false }));

  app.get('/', (req, res) => {
    res.json({ user: req.session.uid, cart: req.session.get('cart') ?? [] });
  });
  app.post('/cart', (req, res) => {
    req.session.update('cart', (cart = []) => [...cart, req.body.item]);
    res.redirect(303, '/');
  });
  app.post('/login', (req, res) => {
    req.session.login(req.body.name); // after you checked the password
    res.redirect(303, '/');
  });
  app.post('/logout', async (req, res) => {
    await req.session.logout();
    res.redirect(303, '/');
  });
  return app;
}
