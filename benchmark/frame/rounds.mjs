// Rounds in which the candidates take turns.

/**
 * Measures each candidate once a round, in an order that rotates each time, so that none is always first and a slow moment of the machine
 * affects all of them. Returns, by name, an array of the results of `measure`.
 */
export async function takeTurns(rounds, candidates, measure) {
  const names = Object.keys(candidates);
  const answers = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < names.length; at += 1) {
      const name = names[(round + at) % names.length];
      answers[name].push(await measure(candidates[name], name));
    }
  }
  return answers;
}
