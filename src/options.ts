/** Checks of options and arguments. Each error names the option, says how to fix it, and shows the value received. */
import { inspect } from 'node:util';

/** A duration: milliseconds, or a number with a unit such as `'90s'`, `'30m'`, `'12h'`, `'14d'`. `Infinity` is no limit. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}`;

/** A size: bytes, or a number with a unit such as `'64KiB'`, `'512MiB'`, `'2GiB'`. */
export type Size = number | `${number}${'KiB' | 'MiB' | 'GiB'}`;

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
const BYTES = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
/** The addon stores times in 48 bits: this is about 4,460 years. */
const LONGEST = 2 ** 47;
/** A number below this was probably not meant in milliseconds: see `timeout`. */
const SHORTEST_OPTION = 10_000;
/** The same for a single session, whose timeout may well be computed. */
const SHORTEST_ARGUMENT = 1_000;
/** Longer texts are not shown: a text that was passed by mistake may be anything. */
const MAX_SHOWN = 40;

/** An error whose message is `option NAME: FIX; got VALUE`. */
function wrong(Type: typeof TypeError | typeof RangeError, option: string, value: unknown, fix: string): Error {
  return new Type(`option ${option}: ${fix}; got ${received(value)}`);
}

/** For options that are text or a number: the message shows the value, if it is short. */
export function typeError(option: string, value: unknown, fix: string): Error {
  return wrong(TypeError, option, value, fix);
}

export function rangeError(option: string, value: unknown, fix: string): Error {
  return wrong(RangeError, option, value, fix);
}

/** For options that are objects or functions: the message says only of what kind the value is, because a text may be a secret. */
export function kindError(option: string, value: unknown, fix: string): Error {
  return new TypeError(`option ${option}: ${fix}; got ${kindOf(value)}`);
}

/** A value for a message. Of objects only the kind, because what is in them may be secret. */
function received(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > MAX_SHOWN ? `a string of ${value.length} characters` : inspect(value);
  }
  return isShown(value) ? inspect(value) : kindOf(value);
}

function isShown(value: unknown): boolean {
  return (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') || value === null;
}

/** What a value is, without its contents. */
export function kindOf(value: unknown): string {
  if (typeof value === 'string') return 'a string';
  if (isShown(value)) return inspect(value);
  if (typeof value === 'symbol') return 'a symbol';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return typeof name !== 'string' || name === 'Object' || name === '' ? 'an object' : `an object of the class ${name}`;
}

/** A copy of an object's own properties that inherits nothing: what somebody has put on `Object.prototype` is no property of it. */
export function bare<T extends object>(object: T): T {
  return Object.assign(Object.create(null) as T, object);
}

/**
 * Options that a caller passed, by their own properties alone: a polluted `Object.prototype` must not change how sessions are kept. Values of
 * unknown options are never shown: one of them may be a secret. `instead` says for names of other packages' options what to use here.
 * @throws TypeError unless `options` is an object that has only known names.
 */
export function ownOptions<T extends object>(
  where: string,
  options: T,
  known: readonly string[],
  instead: Readonly<Record<string, string>> = {},
): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw kindError(where, options, 'pass an object of options, or nothing');
  }
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const similar = known.find((other) => other.toLowerCase() === name.toLowerCase());
    const fix = Object.hasOwn(instead, name)
      ? instead[name]
      : `there is no such option, only ${known.join(', ')}${similar === undefined ? '' : `: did you mean ${similar}?`}`;
    throw new TypeError(`option ${where}.${name}: ${fix}`);
  }
  return bare(options);
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
      `a duration is a whole number of milliseconds from 1 to ${LONGEST - 1} (about 4,460 years); Infinity means no limit`,
    );
  }
  return millis;
}

/**
 * The timeout of all sessions in milliseconds; `Infinity` for no limit. A bare number below 10,000 is refused unless a test moves the
 * clock: who writes `30` or `3600` thinks of minutes or seconds, and every session would end at once.
 * @throws TypeError, RangeError.
 */
export function timeout(option: string, value: unknown, isTest: boolean, least: number = SHORTEST_OPTION): number {
  const millis = duration(option, value);
  if (typeof value === 'number' && value < least && !isTest) {
    const meant = value < 180 ? `${value}m` : `${value}s`;
    throw rangeError(
      option,
      value,
      `${value} milliseconds: did you mean '${meant}'? If not, write '${value}ms', or give the store a ManualClock in a test`,
    );
  }
  return millis;
}

/** The timeout of one session, if it is given. A bare number below 1,000 is refused. @throws TypeError, RangeError. */
export function optionalTimeout(option: string, value: unknown, isTest: boolean): number | undefined {
  return value === undefined ? undefined : timeout(option, value, isTest, SHORTEST_ARGUMENT);
}

/** A size in bytes. @throws TypeError, RangeError. */
export function size(option: string, value: unknown): number {
  const fix = "give bytes, or a literal such as '64KiB' (units KiB, MiB, GiB)";
  if (typeof value !== 'number' && typeof value !== 'string') throw typeError(option, value, fix);
  const bytes = withUnit(value, BYTES);
  if (bytes === undefined) throw typeError(option, value, fix);
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes >= LONGEST) {
    throw rangeError(option, value, `a size is a whole number of bytes from 1 to ${LONGEST - 1} (128 TiB)`);
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

/** A whole number from 1 to `most`, or `Infinity` for no limit. @throws TypeError, RangeError. */
export function limit(option: string, value: unknown, most: number): number {
  const fix = `give a whole number from 1 to ${most}, or Infinity for no limit`;
  if (typeof value !== 'number') throw typeError(option, value, fix);
  if (value === Infinity) return value;
  if (!Number.isInteger(value) || value < 1 || value > most) throw rangeError(option, value, fix);
  return value;
}

export function oneOf<T>(option: string, value: unknown, choices: readonly T[]): T {
  if (!choices.includes(value as T)) {
    throw typeError(option, value, `choose one of ${choices.map((choice) => inspect(choice)).join(', ')}`);
  }
  return value as T;
}
