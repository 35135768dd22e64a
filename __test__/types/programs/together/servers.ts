/** The servers of Node.js, HTTP/1 and HTTP/2, need no casts. */
import { createServer } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { SessionManager, type Session } from 'agai-session';
import { session } from 'agai-session/express';

const manager = new SessionManager();
const sessions = session();

createServer(async (req, res) => {
  const session: Session = await manager.start(req, res);
  res.end(session.uid);
});
https.createServer(async (req, res) => res.end((await manager.start(req, res)).uid));
http2.createServer(async (req, res) => {
  const session: Session = await manager.start(req, res);
  const id: string | undefined = await manager.getSessionId(req);
  res.end(session.id === id ? 'known' : 'new');
});
http2.createSecureServer({ allowHTTP1: true }, (req, res) => sessions(req, res, () => res.end()));
createServer((req, res) => sessions(req, res, () => res.end()));
// @ts-expect-error -- both are needed
createServer((req) => manager.start(req));
