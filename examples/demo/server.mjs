/**
 * The server of the demo, as the supervisor starts it. PORT chooses the port (0: any free one), HOST the address, DATA the directory that
 * sessions are kept in.
 */
import { session } from 'agai-session/express';
import { createApp } from './app.mjs';
import { isLoopback } from './guards.mjs';
import { Life } from './life.mjs';
import { LIMITS, SLOW } from './limits.mjs';
import { Watch } from './watch.mjs';

const PORT = process.env.PORT || '3000';
const HOST = process.env.HOST || '127.0.0.1';
/** How long requests in hand may take when the server stops. */
const GRACE = SLOW + 1_500;

const path = process.env.DATA || 'sessions.data';
// #region kill
const sessions = session({ path, ...LIMITS });
const store = await sessions.ready;
// #endregion
const life = new Life(store.recovery, process.env);
const watch = new Watch(store, { earlier: process.env.WATCHED, life });
// Only whoever sits at this machine may kill, and only where somebody starts it again.
const kill = process.connected && isLoopback(HOST) ? () => process.send({ kill: true }) : undefined;

const server = createApp({ sessions, store, watch, life, kill }).listen(Number(PORT), HOST, (error) => {
  if (error) throw error;
  life.begin();
  const { port } = server.address();
  tell({ port });
  watch.onSample = (watched) => tell({ watched });
  const host = HOST === '127.0.0.1' ? 'localhost' : HOST;
  if (life.killed) console.log(`agai-session demo: back with ${life.sessions} sessions`);
  else console.log(`agai-session demo: http://${host}:${port} (${life.sessions} sessions from ${store.path})`);
});

function tell(message) {
  // A supervisor that has just ended is no error: `disconnect` follows.
  if (process.connected) process.send(message, () => {});
}

// Told twice, as by a terminal and by the supervisor, it still finishes the requests in hand.
function stop() {
  if (!server.listening) return;
  watch.stop();
  server.close(() => store.close().then(() => process.connected && process.disconnect()));
  setTimeout(() => server.closeAllConnections(), GRACE).unref();
}

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('disconnect', stop);
