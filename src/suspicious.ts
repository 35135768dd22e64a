/**
 * What looks like an attack, or like damage that an attack would make, for whoever watches: on the channel `agai-session:suspicious` of
 * `node:diagnostics_channel`.
 */
import { channel } from 'node:diagnostics_channel';
import { warnOfFailure } from './warnings.js';

/** What subscribers of the channel get. Never an id. */
export interface SuspiciousEvent {
  /** `undecodable`: a backend returned a session whose data or form is not the JSON text of an object. */
  readonly kind: 'undecodable';
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly handle: string;
}

const suspicious = channel('agai-session:suspicious');

/** Tells that a stored session cannot be read, so that it counts as none. */
export function tellUndecodable(handle: string): void {
  const event: SuspiciousEvent = { kind: 'undecodable', count: 1, since: Date.now(), handle };
  suspicious.publish(event);
  const warning = new Error(
    `a backend returned the session ${handle} with data or a form that is not the JSON text of an object: it counts as ended`,
  );
  warnOfFailure(Object.assign(warning, { name: 'SessionWarning', code: 'SESSION_UNDECODABLE' }));
}
