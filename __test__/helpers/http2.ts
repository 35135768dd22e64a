/** A real HTTP/2 server on the loopback interface, through the compatibility API, and requests to it. */
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import type { Answer, Request } from './http.js';

/** Runs a server until the test ends. Returns a function that sends it a request. */
export async function serveHttp2(
  t: ExecutionContext,
  listener: (req: Http2ServerRequest, res: Http2ServerResponse) => unknown,
): Promise<(path: string, request?: Request) => Promise<Answer>> {
  const server = http2.createServer((req, res) => void listener(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connection = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => {
    connection.destroy();
    server.close();
  });
  return (path, { method = 'GET', headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const stream = connection.request({ ':path': path, ':method': method, ...headers });
      const chunks: Buffer[] = [];
      let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
      stream.on('response', (headers) => (head = headers));
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () =>
        resolve({
          status: head[':status'] ?? 0,
          headers: head,
          cookies: head['set-cookie'] ?? [],
          body: Buffer.concat(chunks).toString(),
        }),
      );
      stream.end(body);
    });
}
