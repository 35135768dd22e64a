// Medians and spreads.

/** The value below which `share` of the values lie, between two of them if it falls there. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const median = (values) => quantile(values, 0.5);

/** What a table's cell holds: the median of the rounds, and where their middle half lies. */
export function summary(values) {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75), rounds: values.length };
}
