// Two worker threads of one process, each with its own store: their throughput as a share of twice one worker's.
import { Worker } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { withCandidates } from '../frame/child.mjs';
import { takeTurns } from '../frame/rounds.mjs';
import { tableOf } from '../frame/table.mjs';

const script = fileURLToPath(new URL('../candidates/worker.mjs', import.meta.url));
const compared = ['agai-session', 'JavaScript Map', 'lru-cache'];

/** The calls a second of all workers together. */
async function rate(name, workers, ms) {
  const started = Array.from({ length: workers }, () => new Worker(script, { workerData: { name, ms } }));
  const next = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
  try {
    await Promise.all(started.map(next));
    for (const worker of started) worker.postMessage('go');
    const rates = await Promise.all(started.map(next));
    return rates.reduce((sum, one) => sum + one, 0);
  } finally {
    await Promise.all(started.map((worker) => worker.terminate()));
  }
}

const candidate = (name) => () => ({
  async measure(ms) {
    const [one, two] = [await rate(name, 1, ms), await rate(name, 2, ms)];
    return { one, two, share: (100 * two) / (2 * one) };
  },
});

export const candidates = Object.fromEntries(compared.map((name) => [name, candidate(name)]));

export async function run(scale) {
  return withCandidates(import.meta.url, compared, {}, async (started) => {
    const rounds = await takeTurns(scale.rounds, started, (ask) => ask('measure', scale.ms * 2));
    const figures = Object.fromEntries(
      Object.entries(rounds).map(([name, all]) => [
        name,
        {
          'one worker, calls a second': all.map(({ one }) => one),
          'two workers, calls a second': all.map(({ two }) => two),
          'two, per cent of twice one': all.map(({ share }) => share),
        },
      ]),
    );
    const title = 'Two workers in one process, each with 10,000 sessions: nine gets and an overwrite in turn';
    return { tables: [tableOf({ id: 'workers', title, unit: 'units in the columns', figures })] };
  });
}
