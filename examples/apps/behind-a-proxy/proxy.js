// A proxy that ends TLS: what nginx, Caddy or a load balancer does in front of an application.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const { KEY, CERT, PORT = 8443, TARGET = 'http://localhost:3000' } = process.env;

const proxy = https.createServer({ key: readFileSync(KEY), cert: readFileSync(CERT) }, (req, res) => {
  const headers = {
    ...req.headers,
    'x-forwarded-for': req.socket.remoteAddress,
    'x-forwarded-host': req.headers.host,
    'x-forwarded-proto': 'https',
  };
  const forwarded = http.request(new URL(req.url, TARGET), { method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(res);
  });
  forwarded.on('error', () => res.writeHead(502).end());
  req.pipe(forwarded);
});

proxy.listen(Number(PORT), '127.0.0.1', () => console.log(`https://localhost:${proxy.address().port}`));
