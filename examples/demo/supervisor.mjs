/**
 * Starts the demo's server and starts it again when it was killed: `npm run demo`. It has no sessions; it keeps the port and the
 * picture of the last two minutes for the next process.
 */
import { fork } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url));

/** What a server process gets from the one before it. The port 0 becomes the one that the first process was given. */
let inherited = {};
let server;
let isStopping = false;

function start() {
  const started = fork(SERVER, { env: { ...process.env, ...inherited } });
  server = started;
  let wasListening = false;
  started.on('message', ({ port, watched, kill }) => {
    if (port) {
      wasListening = true;
      inherited = { PORT: String(port) };
    }
    if (watched) inherited.WATCHED = watched;
    if (kill) {
      inherited.KILLED_AT = String(Date.now());
      started.kill('SIGKILL');
    }
  });
  started.on('exit', (code, signal) => {
    if (isStopping || code === 0 || !wasListening) process.exit(code ?? 128 + constants.signals[signal]);
    // Whoever killed it: the page's button, `kill -9` in a terminal, or a fault of its own.
    console.error(`demo: process ${started.pid} ended by ${signal ?? `exit code ${code}`}; starting another`);
    inherited = { KILLED_AT: String(Date.now()), ...inherited, KILLED_PID: String(started.pid) };
    start();
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    isStopping = true;
    server.kill('SIGTERM');
  });
}
start();
