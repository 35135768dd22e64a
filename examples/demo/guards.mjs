/** What every response says, and which requests are refused before a session is looked at. */

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** No script, style or image but the demo's own files; nothing is kept by the browser's cache. */
export function securityHeaders(_req, res, next) {
  res.set({
    'Content-Security-Policy': POLICY,
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
  });
  next();
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];

/** Whether an address is reached from this machine alone. */
export function isLoopback(host) {
  return LOOPBACK.includes(host);
}

/**
 * Refuses what was sent to another name than this machine's own. A site whose name was pointed at 127.0.0.1 after its page was loaded
 * (DNS rebinding) counts as the same origin, but its name is still in `Host`.
 */
export function localHostOnly(req, res, next) {
  const url = `http://${req.get('host')}`;
  const { hostname } = URL.canParse(url) ? new URL(url) : {};
  if (hostname && isLoopback(hostname.replace(/^\[(.*)\]$/, '$1'))) next();
  else res.status(403).type('text').send('Refused: only http://localhost may ask for this.\n');
}
