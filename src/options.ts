/** Checks of options and arguments. Each error names the option, says how to fix it, and shows the value received. */
import { inspect } from 'node:util';

/** A duration: milliseconds, or a number with a unit such as `'90s'`, `'30m'`, `'12h'`, `'14d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}`;

/** A size: bytes, or a number with a unit such as `'64KiB'`, `'512MiB'`, `'2GiB'`. */
export type Size = number | `${number}${'KiB' | 'MiB' | 'GiB'}`;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
/** The addon stores times in 48 bits. */
const LONGEST = 2 ** 47;

/** An error whose message is `option NAME: FIX; got VALUE`. */
function wrong(Type: typeof TypeError | typeof RangeError, option: string, value: unknown, fix: string): Error {
  return new Type(`option ${option}: ${fix}; got ${inspect(value, { depth: 0 })}`);
}

export function typeError(option: string, value: unknown, fix: string): Error {
  return wrong(TypeError, option, value, fix);
}

export function rangeError(option: string, value: unknown, fix: string): Error {
  return wrong(RangeError, option, value, fix);
}

/** Throws a TypeError unless `options` is an object that has only known names. */
export function checkNames(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw typeError(where, options, 'pass an object of options, or nothing');
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw typeError(
        `${where}.${name}`,
        (options as Record<string, unknown>)[name],
        `there is no such option, only ${known.join(', ')}`,
      );
    }
  }
}

function withUnit(value: unknown, units: Record<string, number>): number | undefined {
  if (typeof value === 'number') return value;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(String(value)) ?? [];
  const factor = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  return factor === undefined ? undefined : Math.round(Number(amount) * factor);
}

/** A duration in milliseconds; `Infinity` for no limit. @throws TypeError, RangeError. */
export function duration(option: string, value: unknown): number {
  const fix = "give milliseconds, a literal such as '30m' (units ms, s, m, h, d, w), or Infinity for no limit";
  if (typeof value !== 'number' && typeof value !== 'string') throw typeError(option, value, fix);
  const millis = withUnit(value, MILLISECONDS);
  if (millis === undefined) throw typeError(option, value, fix);
  if (millis === Infinity) return millis;
  if (!Number.isSafeInteger(millis) || millis < 1 || millis >= LONGEST) {
    throw rangeError(
      option,
      value,
      'a duration is a whole number of milliseconds, at least 1; Infinity means no limit',
    );
  }
  return millis;
}

export function optionalDuration(option: string, value: unknown): number | undefined {
  return value === undefined ? undefined : duration(option, value);
}

/** A size in bytes. @throws TypeError, RangeError. */
export function size(option: string, value: unknown): number {
  const fix = "give bytes, or a literal such as '64KiB' (units KiB, MiB, GiB)";
  if (typeof value !== 'number' && typeof value !== 'string') throw typeError(option, value, fix);
  const bytes = withUnit(value, BYTES);
  if (bytes === undefined) throw typeError(option, value, fix);
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes >= LONGEST) {
    throw rangeError(option, value, 'a size is a whole number of bytes, at least 1');
  }
  return bytes;
}

export function wholeNumber(option: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number') throw typeError(option, value, 'give a number');
  if (!Number.isInteger(value) || value < least || value > most) {
    throw rangeError(option, value, `give a whole number from ${least} to ${most}`);
  }
  return value;
}

export function oneOf<T>(option: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw typeError(option, value, `choose one of ${choices.map((choice) => inspect(choice)).join(', ')}`);
  }
  return value as T;
}
