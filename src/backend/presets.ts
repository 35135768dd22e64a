/** Presets: timeouts after NIST SP 800-63B-4, beyond which no session of a store goes. */
import { optionalTimeout, rangeError } from '../options.js';

/** A level of authenticator assurance (AAL). */
export type Preset = 'aal1' | 'aal2' | 'aal3';

/** What a preset allows, in milliseconds. */
export interface TimeoutBounds {
  readonly preset: Preset;
  readonly idleTimeout: number;
  readonly absoluteTimeout: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** NIST SP 800-63B-4 sections 2.1.3, 2.2.3 and 2.3.3. The first demands no reauthentication for inactivity. */
export const PRESETS: Readonly<Record<Preset, TimeoutBounds>> = {
  aal1: { preset: 'aal1', idleTimeout: 30 * DAY, absoluteTimeout: 30 * DAY },
  aal2: { preset: 'aal2', idleTimeout: HOUR, absoluteTimeout: DAY },
  aal3: { preset: 'aal3', idleTimeout: 15 * MINUTE, absoluteTimeout: 12 * HOUR },
};

/** What a backend says of all timeouts. */
interface Limits {
  readonly isTest?: boolean;
  readonly bounds?: TimeoutBounds | undefined;
}

/** The kinds of timeouts that a preset bounds. */
export type Bounded = 'idleTimeout' | 'absoluteTimeout';

/** @throws RangeError for a timeout beyond the preset. */
export function checkBound(bounds: TimeoutBounds | undefined, kind: Bounded, option: string, millis: number): void {
  if (bounds === undefined || millis <= bounds[kind]) return;
  throw rangeError(
    option,
    millis,
    `the preset ${bounds.preset} allows at most ${bounds[kind] / MINUTE} minutes: shorten it, or leave the preset out`,
  );
}

/** The timeout of one session in milliseconds, if it is given. @throws TypeError, RangeError. */
export function sessionTimeout(
  timeouts: Limits,
  kind: Bounded,
  value: unknown,
  option: string = kind,
): number | undefined {
  const millis = optionalTimeout(option, value, timeouts.isTest ?? false);
  if (millis !== undefined) checkBound(timeouts.bounds, kind, option, millis);
  return millis;
}
