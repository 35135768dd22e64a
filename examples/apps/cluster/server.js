import cluster from 'node:cluster';
import { serveStore } from './primary-store.js';

if (cluster.isPrimary) {
  cluster.setupPrimary({ serialization: 'advanced' }); // keeps Infinity and undefined in messages
  serveStore({ idleTimeout: '30m' });
  for (let n = 0; n < 2; n++) cluster.fork();
} else {
  await import('./app.js');
}
