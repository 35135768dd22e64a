// The time that a store takes to open, by the number of its sessions: the figure of scripts/figures, at several sizes.
import { recoveries } from '../../scripts/figures/durable.mjs';
import { withCandidates } from '../frame/child.mjs';
import { tableOf } from '../frame/table.mjs';

/** The number of sessions that were committed again after the snapshot. */
const BEHIND = 0.2;

export const candidates = { recovery: () => ({ measure: (options) => recoveries(options) }) };

export async function run(scale) {
  const figures = {};
  await withCandidates(import.meta.url, ['recovery'], {}, async ({ recovery }) => {
    for (const sessions of scale.sessions) {
      const rounds = Math.min(5, scale.rounds);
      const options = { sessions, commits: Math.round(sessions * BEHIND), rounds };
      const runs = await recovery('measure', options);
      figures[`${sessions.toLocaleString('en-US')} sessions`] = {
        seconds: runs.map(({ seconds }) => seconds),
        'longest stall meanwhile, ms': runs.map(({ stall }) => stall),
        'memory at the peak, against that when open': runs.map(({ peak, steady }) => peak / steady),
      };
    }
  });
  const title = 'Opening a store after a kill, sessions of 400 bytes, a fifth of them in the log behind the snapshot';
  return { tables: [tableOf({ id: 'recovery', title, unit: 'units in the columns', figures })] };
}
