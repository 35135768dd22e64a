/**
 * Loaded before a code block that is run. A port number becomes 0, so that blocks do not meet; a server does not keep the process alive,
 * and is asked for `/` once, unless the block asks it itself.
 */
import http2 from 'node:http2';
import { Server } from 'node:net';

const { listen } = Server.prototype;
/** What fetches of the block's own have asked, by port. */
const asked = new Set();
const { fetch } = globalThis;

Server.prototype.listen = function (first, ...rest) {
  const isPort = typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first));
  this.once('listening', () => {
    this.unref();
    if (isPort && first !== 0 && this.listenerCount('request') > 0) setImmediate(() => visit(this));
  });
  return listen.call(this, isPort ? 0 : first, ...rest);
};

async function visit(server) {
  const { port } = server.address();
  if (asked.has(port)) return;
  const status = isHttp2(server) ? await statusOverHttp2(port) : (await fetch(`http://127.0.0.1:${port}/`)).status;
  if (status >= 500) fail(`GET / was answered with ${status}`);
  server.closeAllConnections?.();
}

function isHttp2(server) {
  return typeof server.updateSettings === 'function';
}

function statusOverHttp2(port) {
  return new Promise((resolve, reject) => {
    const client = http2.connect(`http://127.0.0.1:${port}`);
    client.on('error', reject);
    const stream = client.request({ ':path': '/' });
    stream.on('error', reject);
    stream.on('response', (headers) => {
      resolve(headers[':status']);
      client.close();
    });
    stream.resume().end();
  });
}

globalThis.fetch = (input, init) => {
  const { port } = new URL(input instanceof Request ? input.url : input);
  asked.add(Number(port));
  return fetch(input, init);
};

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}
