/**
 * The demo: `npm run demo`. PORT chooses the port (0: any free one), HOST the address, DATA the directory that sessions are kept in;
 * without one they are kept in memory alone.
 */
import { SessionStore } from 'agai-session';
import { createApp } from './app.mjs';
import { CAPACITY, SLOWEST } from './limits.mjs';
import { Watch } from './watch.mjs';

const PORT = process.env.PORT || '3000';
const HOST = process.env.HOST || '127.0.0.1';
/** How long requests in hand may take when the server stops. */
const GRACE = SLOWEST + 500;

const { DATA } = process.env;
const options = { maxSessions: CAPACITY, idleTimeout: '10m', guestIdleTimeout: '2m', absoluteTimeout: '1h' };
const store = DATA ? await SessionStore.open({ ...options, path: DATA }) : new SessionStore(options);
if (DATA) console.log(`sessions are kept in ${store.path}: ${store.recovery.sessions} came back`);
const watch = new Watch(store);
const server = createApp(store, watch).listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  const host = HOST === '127.0.0.1' ? 'localhost' : HOST;
  console.log(`agai-session demo: http://${host}:${server.address().port}`);
});

// Told twice, as by a terminal and by what started it, it still finishes the requests in hand.
function stop() {
  if (!server.listening) return;
  watch.stop();
  server.close(() => store.close());
  setTimeout(() => server.closeAllConnections(), GRACE).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
