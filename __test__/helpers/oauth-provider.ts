/** An OAuth 2 provider for tests: its authorization endpoint logs everybody in at once, its token endpoint checks what it gave out. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';

export const CLIENT = { clientID: 'client', clientSecret: 'the secret of the client' };

/** Returns the listener of a server with the paths /authorize, /token and /profile. */
export function oauthProvider(user: { id: number; name: string }): RequestListener {
  const codes = new Map<string, string>();
  const tokens = new Set<string>();
  return async (req, res) => {
    const url = new URL(req.url!, 'http://provider');
    const json = (status: number, body: object): void => {
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (url.pathname === '/authorize') {
      const code = randomUUID();
      const back = new URL(url.searchParams.get('redirect_uri')!);
      codes.set(code, back.href);
      back.searchParams.set('code', code);
      back.searchParams.set('state', url.searchParams.get('state')!);
      res.writeHead(302, { location: back.href }).end();
    } else if (url.pathname === '/token') {
      const form = new URLSearchParams(await bodyOf(req));
      const code = form.get('code') ?? '';
      const isRight = form.get('client_secret') === CLIENT.clientSecret && codes.get(code) === form.get('redirect_uri');
      codes.delete(code);
      if (!isRight) return json(401, { error: 'invalid_grant' });
      const access = randomUUID();
      tokens.add(access);
      json(200, { access_token: access, token_type: 'bearer' });
    } else if (url.pathname === '/profile') {
      const token = /^Bearer (.*)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
      json(tokens.has(token) ? 200 : 401, user);
    } else {
      json(404, {});
    }
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req) text += String(chunk);
  return text;
}
