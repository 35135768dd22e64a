// Medians and spreads.

/** The quantile: the value below which `share` of the values lie, interpolated between two of them. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.ceil(at);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

export const median = (values) => quantile(values, 0.5);

/** The content of a table's cell: the median of the rounds, and the quartiles. */
export function summary(values) {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75), rounds: values.length };
}
