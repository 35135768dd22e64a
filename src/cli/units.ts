/** Numbers, sizes and times, for people. */

export function count(value: number): string {
  return value.toLocaleString('en');
}

/** `1 session`, `2 sessions`. */
export function several(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

const SIZES = ['KiB', 'MiB', 'GiB', 'TiB'];

export function size(bytes: number): string {
  if (bytes < 1024) return several(bytes, 'byte');
  const steps = Math.min(Math.floor(Math.log2(bytes) / 10), SIZES.length);
  const value = bytes / 1024 ** steps;
  return `${value.toFixed(value < 10 ? 1 : 0)} ${SIZES[steps - 1]}`;
}

const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** A duration in its largest unit. */
export function span(millis: number): string {
  for (const [unit, length] of SPANS) {
    if (millis >= length) return several(Math.floor(millis / length), unit);
  }
  return 'under a second';
}

/** How long ago an instant was. It may be in the future, if the clock was set back since. */
export function ago(instant: number, now: number): string {
  return instant > now ? `${span(instant - now)} ahead of the clock` : `${span(now - instant)} ago`;
}
