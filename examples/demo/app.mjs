/** The demo's routes. Every form works without JavaScript: it posts, the answer redirects to the page. */
import { fileURLToPath } from 'node:url';
import express from 'express';
import { SessionError } from 'agai-session';
import { csrf } from 'agai-session/express';
import { field } from './form.mjs';
import { securityHeaders } from './guards.mjs';
import { COLOURS, FLOOD, IDLE_STEPS } from './limits.mjs';
import { errorPage, homePage } from './pages.mjs';
import { livePage } from './panel.mjs';
import { stories } from './stories.mjs';

/**
 * @param {object} demo
 * @param {import('agai-session/express').SessionMiddleware} demo.sessions
 * @param {import('agai-session').DurableSessionStore} demo.store
 * @param {import('./watch.mjs').Watch} demo.watch
 * @param {import('./life.mjs').Life} demo.life
 * @param {(() => void) | undefined} demo.kill Undefined where killing is not offered.
 */
export function createApp({ sessions, store, watch, life, kill }) {
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders, csrf());
  app.use(express.static(fileURLToPath(new URL('public', import.meta.url)), { cacheControl: false }));

  // Before the session middleware: a page that is only open and watching lets its session expire.
  app.get('/live', (req, res) => {
    res.send(String(livePage(watch.look(String(req.query.handle ?? '')))));
  });
  app.get('/life', (_req, res) => res.json(life));

  // #region kill
  app.use(sessions);
  // #endregion
  app.use(express.urlencoded({ extended: false, limit: '8kb' }));
  app.use('/stories', stories({ store, kill }));

  const sendHome = (req, res, problem) => {
    const live = watch.look(req.session.handle);
    res.send(String(homePage({ session: req.session, live, problem, mayKill: kill !== undefined })));
  };
  app.get('/', (req, res) => sendHome(req, res));

  app.post('/login', (req, res) => {
    const problem = logIn(req);
    if (problem) sendHome(req, res.status(422), problem);
    else res.redirect(303, '/');
  });

  app.post('/logout', async (req, res) => {
    await req.session.logout();
    res.redirect(303, '/');
  });

  app.post('/apples', (req, res) => {
    const { data } = req.session;
    data.apples = Math.max(0, (data.apples ?? 0) + (field(req, 'by') === '-1' ? -1 : 1));
    res.redirect(303, '/');
  });

  app.post('/colour', (req, res) => {
    const colour = field(req, 'colour');
    if (COLOURS.includes(colour)) req.session.data.colour = colour;
    res.redirect(303, '/');
  });

  app.post('/idle', async (req, res) => {
    const seconds = IDLE_STEPS[Number(field(req, 'step'))];
    if (seconds !== undefined) await req.session.touch({ idleTimeout: seconds * 1_000 });
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

  app.use((_req, res) => {
    res.status(404).send(String(errorPage({ status: 404 })));
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
  const visits = Array.from({ length: guests }, () => {
    const idleTimeout = shortest + Math.floor(Math.random() * (longest - shortest));
    return store.create({ apples: 1 }, { idleTimeout });
  });
  await Promise.all(visits);
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
  const isOurs = status < 500 || error instanceof SessionError;
  // Who is refused reads what that means, and not what the application could do about it.
  const message = isOurs && status !== 403 ? error.message : undefined;
  res.status(status).send(String(errorPage({ status, message })));
}
