/** How figures, times and handles are written. */
import { html } from './html.mjs';
import { clock } from './public/clock.mjs';

const number = new Intl.NumberFormat('en');
const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

export const count = (value) => number.format(value);

export function bytes(value) {
  return value < 2 ** 20 ? `${count(Math.round(value / 2 ** 10))} KiB` : `${(value / 2 ** 20).toFixed(1)} MiB`;
}

/** A duration as people say it: 45 s, 5 min. */
export function span(milliseconds) {
  const seconds = Math.round(milliseconds / 1_000);
  return seconds < 60 ? `${seconds} s` : `${+(seconds / 60).toFixed(1)} min`;
}

/** An instant of today. */
export function moment(instant) {
  return html`<time datetime="${new Date(instant).toISOString()}">${time.format(instant)}</time>`;
}

/** The time left until an instant; the script keeps it running. */
export function countdown(deadline, now) {
  return html`<span class="countdown" data-deadline="${deadline}">${clock(deadline - now)}</span>`;
}

/** A handle in short, whole in its tooltip. */
export function handleName(handle) {
  return html`<code title="${handle}">${handle.slice(0, 8)}</code>`;
}

/** When a session ends unless there is activity. */
export function deadlineOf(session) {
  return Math.min(session.lastSeenAt + session.idleTimeout, session.absoluteDeadline);
}
