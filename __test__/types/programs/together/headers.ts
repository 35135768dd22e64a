/** What responses say to caches and browsers, and `csrf`. */
import { createServer } from 'node:http';
import http2 from 'node:http2';
import express from 'express';
import { SessionError, SessionManager, type SessionErrorCode, type SiteData } from 'agai-session';
import { csrf, session, type CsrfOptions } from 'agai-session/express';

new SessionManager({ cacheHeaders: false, clearSiteData: true });
const kept: readonly SiteData[] = ['cache', 'cookies', 'storage'];
session({ clearSiteData: kept });
session({ clearSiteData: false });
// @ts-expect-error -- executionContexts is of no browser
session({ clearSiteData: ['executionContexts'] });
// @ts-expect-error
session({ cacheHeaders: 'no-store' });

const options: CsrfOptions = { trustedOrigins: ['https://login.example.com'], strict: true };
const checked = csrf(options);
express().use(csrf(), session());
express().post(
  '/',
  csrf({ trustedOrigins: ['https://a.example'] as const }),
  (req, res) => void res.send(req.session.uid),
);
createServer((req, res) => checked(req, res, (error) => res.end(String(error))));
http2.createServer((req, res) => checked(req, res, () => res.end()));
// @ts-expect-error
csrf({ trustedOrigins: 'https://login.example.com' });

export function statusOf(error: unknown): number {
  if (!(error instanceof SessionError)) return 500;
  const code: SessionErrorCode = error.code;
  return code === 'ERR_SESSION_CSRF' ? 403 : (error.status ?? 500);
}
