/** A warning for applications that run in several processes, each with a store of its own. */
import cluster from 'node:cluster';
import { warnOnce } from '../warnings.js';

/**
 * Warns if this process seems to be one of several and the sessions of its manager are in this process only: a user whose requests reach
 * different processes would flip between guest and logged in. pm2 sets its variables for a single process too, which may well have a
 * store on disk: it is warned only over a store in memory.
 */
export function warnIfNotShared(isOnDisk: boolean): void {
  const sign = signOfSeveral(isOnDisk);
  if (sign === undefined) return;
  warnOnce(
    'SESSION_NOT_SHARED',
    `this process seems to be one of several (${sign}), and its sessions are in this process only: a user whose requests reach ` +
      'another process is a guest there. Run one process, send each user to the same process (sticky sessions), or pass a ' +
      '`store` that all of them share',
  );
}

function signOfSeveral(isOnDisk: boolean): string | undefined {
  if (cluster.isWorker) return 'it is a worker of node:cluster';
  if (isOnDisk) return undefined;
  const name = ['NODE_APP_INSTANCE', 'pm_id'].find((name) => process.env[name] !== undefined);
  return name && `the environment has ${name}, as under pm2`;
}
