// The scales of a run: how much it measures.

const million = 1_000_000;

export const scales = {
  /** A few seconds, only to check that everything works. Its figures mean nothing. */
  smoke: {
    name: 'smoke',
    rounds: 2,
    launches: 1,
    httpRounds: 1,
    httpLaunches: 1,
    ms: 10,
    sessions: [100, 1_000],
    sizes: [300],
    resident: [1_000],
    load: 200,
  },
  /** About twenty minutes. */
  quick: {
    name: 'quick',
    rounds: 7,
    launches: 2,
    httpRounds: 1,
    httpLaunches: 5,
    ms: 150,
    sessions: [1_000, 100_000, million],
    sizes: [300, 2_048],
    resident: [million],
    load: 5_000,
  },
  full: {
    name: 'full',
    rounds: 15,
    launches: 5,
    httpRounds: 3,
    httpLaunches: 3,
    ms: 300,
    sessions: [1_000, 100_000, million, 5 * million],
    sizes: [50, 300, 2_048, 10_240],
    resident: [million, 5 * million],
    load: 8_000,
  },
};
