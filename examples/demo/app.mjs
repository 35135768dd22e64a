/** The demo's routes. Every form works without JavaScript: it posts, the answer redirects to the page. */
import { fileURLToPath } from 'node:url';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import express from 'express';
import { SessionError } from 'agai-session';
import { session } from 'agai-session/express';
import { sameOriginOnly, securityHeaders } from './guards.mjs';
import { COLOURS, FLOOD, IDLE_STEPS, MOST_NOTES, SLOWEST } from './limits.mjs';
import { errorPage, homePage } from './pages.mjs';
import { livePage } from './panel.mjs';

/**
 * @param {import('agai-session').SessionStore} store
 * @param {import('./watch.mjs').Watch} watch
 */
export function createApp(store, watch) {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders, sameOriginOnly);
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url)), { cacheControl: false }));

  // Before the session middleware: a page that is only open and watching lets its session expire.
  app.get('/live', (req, res) => {
    res.send(String(livePage(watch.look(String(req.query.handle ?? '')))));
  });

  app.use(session({ store }));
  app.use(express.urlencoded({ extended: false, limit: '8kb' }));

  const sendHome = (req, res, problem) => {
    res.send(String(homePage({ session: req.session, live: watch.look(req.session.handle), problem })));
  };
  app.get('/', (req, res) => sendHome(req, res));

  app.post('/login', (req, res) => {
    const problem = logIn(req);
    if (problem) sendHome(req, res.status(422), problem);
    else res.redirect(303, '/');
  });

  app.post('/logout', (req, res) => {
    req.session.logout();
    res.redirect(303, '/');
  });

  app.post('/counter', (req, res) => {
    const { data } = req.session;
    data.counter = (data.counter ?? 0) + (field(req, 'by') === '-1' ? -1 : 1);
    res.redirect(303, '/');
  });

  app.post('/colour', (req, res) => {
    const colour = field(req, 'colour');
    if (COLOURS.includes(colour)) req.session.data.colour = colour;
    res.redirect(303, '/');
  });

  // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 passes a rejection on
  app.post('/notes', loggedInOnly, async (req, res) => {
    const { data } = req.session;
    const text = field(req, 'text').slice(0, 200);
    await delay(Math.min(Number(field(req, 'slow')) || 0, SLOWEST));
    if (text !== '') data.notes = [...(data.notes ?? []), { id: randomUUID(), text }].slice(-MOST_NOTES);
    res.redirect(303, '/');
  });

  app.post('/notes/remove', loggedInOnly, (req, res) => {
    const { data } = req.session;
    data.notes = (data.notes ?? []).filter((note) => note.id !== field(req, 'id'));
    res.redirect(303, '/');
  });

  app.post('/idle', (req, res) => {
    const seconds = IDLE_STEPS[Number(field(req, 'step'))];
    if (seconds !== undefined) req.session.touch({ idleTimeout: seconds * 1_000 });
    res.redirect(303, '/');
  });

  app.post('/guests', async (_req, res) => {
    await sendGuests(store);
    res.redirect(303, '/');
  });

  // An operator's page in a real application; here whoever is logged in may try it.
  app.post('/sessions/end', loggedInOnly, async (req, res) => {
    // On the disk, before anybody is told.
    await store.destroyByHandle(field(req, 'handle'));
    res.redirect(303, '/');
  });

  app.use(sendError);
  return app;
}

/** Any password will do. It is read from the body, where it stays; the user name comes from the session's form parameters. */
function logIn(req) {
  const { session, body } = req;
  const { name } = session.postParameters;
  const uid = typeof name === 'string' ? name.trim() : '';
  session.clean();
  if (uid === '' || !body?.password) return 'Give a user name and a password. Any will do.';
  try {
    session.login(uid);
  } catch (error) {
    if (error instanceof SessionError) return error.message;
    throw error;
  }
  return undefined;
}

/** Visitors who put something into a basket and leave. */
async function sendGuests(store) {
  const { guests, shortest, longest } = FLOOD;
  const visits = Array.from({ length: guests }, (_, guest) => {
    const idleTimeout = shortest + Math.floor(Math.random() * (longest - shortest));
    return store.create({ basket: [`item ${guest}`] }, { idleTimeout });
  });
  await Promise.all(visits);
}

/** One field of the posted form, which may have come in any shape. */
function field(req, name) {
  const value = req.body?.[name];
  return typeof value === 'string' ? value.trim() : '';
}

function loggedInOnly(req, res, next) {
  if (req.session.isAuthenticated) next();
  else res.redirect(303, '/');
}

// Express knows an error handler by its four parameters.
function sendError(error, _req, res, next) {
  if (res.headersSent) {
    next(error);
    return;
  }
  const status = error.status ?? (error.code === 'ERR_SESSION_FULL' ? 503 : 500);
  if (status === 500) console.error(error);
  res.status(status).send(String(errorPage(status < 500 || error instanceof SessionError ? error.message : undefined)));
}
