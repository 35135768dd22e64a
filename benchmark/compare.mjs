/** Measures candidates in turn, round by round, and prints their medians side by side. */

export function median(figures) {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * `candidates`: by name, what opens one. `measure`: a figure of an open one. Each round measures all of them, in an order that moves on by
 * one, so that none is always first. Answers the figures of all rounds by name.
 */
export async function compare({ unit, rounds, candidates, measure }) {
  const names = Object.keys(candidates);
  const open = {};
  for (const name of names) open[name] = await candidates[name]();
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(round + at) % names.length];
      figures[name].push(await measure(open[name]));
    }
  }
  for (const name of names) await open[name].close();
  const base = median(figures[names[0]]);
  const width = Math.max(...names.map((name) => name.length));
  console.log(`${unit}; medians of ${rounds} interleaved rounds (lowest to highest)`);
  for (const name of names) {
    const [low, middle, high] = [Math.min(...figures[name]), median(figures[name]), Math.max(...figures[name])];
    const range = `${low.toFixed(0)} to ${high.toFixed(0)}`;
    console.log(
      `  ${name.padEnd(width)}  ${middle.toFixed(0).padStart(9)}  ${`(${range})`.padEnd(20)}  1 : ${(base / middle).toFixed(2)}`,
    );
  }
  return figures;
}
