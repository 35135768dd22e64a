// Installs the package as a user gets it, from two tarballs in an empty folder, and opens a store. For releases: run it on the platform of
// the addon in the root of the repository, after `npm run build`.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './setup.mjs';

const addons = readdirSync(root).filter((name) => name.endsWith('.node'));
if (addons.length !== 1) throw new Error(`want one addon in the root, found ${addons.length}: ${addons.join(', ')}`);
const platform = addons[0].split('.')[1];

const probe = `
  const s = new SessionStore();
  const r = s.create({ a: 1 });
  if (s.get(r.id).data.a !== 1) throw new Error('the session did not come back');
  s.close();
`;

const folder = mkdtempSync(join(tmpdir(), 'agai-session-smoke-'));
try {
  const binary = join(folder, 'binary');
  const app = join(folder, 'app');
  cpSync(join(root, 'npm', platform), binary, { recursive: true });
  cpSync(join(root, addons[0]), join(binary, addons[0]));
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true }\n');
  writeFileSync(join(app, 'probe.cjs'), `const { SessionStore } = require('agai-session');${probe}`);
  writeFileSync(join(app, 'probe.mjs'), `import { SessionStore } from 'agai-session';${probe}`);

  for (const from of [root, binary]) run('npm', ['pack', '--silent', '--pack-destination', app], { cwd: from });
  const tarballs = readdirSync(app).filter((name) => name.endsWith('.tgz'));
  run('npm', ['install', '--no-audit', '--no-fund', ...tarballs.map((name) => `./${name}`)], { cwd: app });
  for (const file of ['probe.cjs', 'probe.mjs']) run('node', [file], { cwd: app });
  console.log(`smoke: agai-session works on ${platform} with Node ${process.versions.node}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
