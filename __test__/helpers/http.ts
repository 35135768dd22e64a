/** A real server on the loopback interface, and a client that stores cookies and sees the bytes as they arrive. */
import { readFileSync } from 'node:fs';
import http, { type IncomingHttpHeaders, type RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { fixturePath } from './fixture.js';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The value of each `Set-Cookie` header. */
  readonly cookies: readonly string[];
  readonly body: string;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string;
}

/** Sends a request and reads the whole response. Over HTTPS the server must have the certificate of `__test__/fixtures/tls`. */
export function request(url: string, { method = 'GET', headers = {}, body }: Request = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const secure = url.startsWith('https:') && { ca: readFileSync(fixturePath('tls/cert.pem')) };
    const { request } = secure ? https : http;
    const sent = request(url, { method, headers, agent: false, ...secure }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode!,
          headers: answer.headers,
          cookies: answer.headers['set-cookie'] ?? [],
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A client that stores the cookies it receives, as a browser does. */
export class Client {
  readonly #origin: string;
  readonly jar = new Map<string, string>();

  constructor(origin: string) {
    this.#origin = origin;
  }

  get cookie(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async get(path: string, options: Request = {}): Promise<Answer> {
    const cookie = this.cookie;
    const headers = { ...(cookie === '' ? {} : { cookie }), ...options.headers };
    const answer = await request(this.#origin + path, { ...options, headers });
    for (const text of answer.cookies) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(text)!;
      if (value === '') this.jar.delete(name!);
      else this.jar.set(name!, value!);
    }
    return answer;
  }

  post(path: string, fields: Record<string, string>): Promise<Answer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.get(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }
}

/** Runs a server until the test ends. */
export async function serve(t: ExecutionContext, app: RequestListener | Server): Promise<string> {
  const server = typeof app === 'function' ? http.createServer(app) : app;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Collects the process warnings until the test ends. */
export function warnings(t: ExecutionContext): (Error & { code?: string })[] {
  const seen: Error[] = [];
  const listener = (warning: Error): number => seen.push(warning);
  process.on('warning', listener);
  t.teardown(() => process.off('warning', listener));
  return seen;
}

/** A promise, and the ways to settle it from outside. */
export function deferred<T = void>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
