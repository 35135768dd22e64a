/** The chart of the last two minutes: the store's sessions, where it was full, and where the server was killed. */
import { count } from './format.mjs';
import { html } from './html.mjs';
import { CAPACITY } from './limits.mjs';

/** One unit across is one second, the newest at the right edge; one unit up is one session. */
const WIDTH = 119;
const TOP = CAPACITY * 1.08;
const TICKS = [CAPACITY, CAPACITY / 2, 0];

const across = (samples, at) => WIDTH - (samples.length - 1 - at);
const down = (sessions) => (TOP - sessions).toFixed();

/** @param {import('./watch.mjs').Sample[]} history */
export function chart(history) {
  const now = history.at(-1).sessions;
  const killed = history.findLastIndex((sample) => sample.killed);
  return html`<figure class="chart">
    <div class="ticks" aria-hidden="true">${TICKS.map((tick) => html`<span>${count(tick)}</span>`)}</div>
    <svg
      class="plot"
      viewBox="0 0 ${WIDTH} ${TOP}"
      preserveAspectRatio="none"
      role="img"
      aria-label="Sessions over the last two minutes; now ${count(now)}, at most ${count(CAPACITY)}"
    >
      <path class="grid" d="${TICKS.map((tick) => `M0 ${down(tick)}H${WIDTH}`).join('')}" />
      <path class="area" d="${area(history)}" />
      <path class="line" d="${line(history)}" />
      <path class="evictions" d="${evictions(history)}" />
      ${killed >= 0 && html`<path class="kill" d="M${across(history, killed)} 0V${TOP}" />`}
    </svg>
    <div class="times" aria-hidden="true"><span>2 min ago</span><span>1 min</span><span>now</span></div>
    <figcaption>
      <span class="key sessions">sessions</span>
      <span class="key evictions">full: guests make room</span>
      <span class="key kill">kill -9</span>
    </figcaption>
  </figure>`;
}

function line(history) {
  return `M${history.map(({ sessions }, at) => `${across(history, at)} ${down(sessions)}`).join('L')}`;
}

function area(history) {
  return `${line(history)}V${TOP}H${across(history, 0)}Z`;
}

function evictions(history) {
  const marks = history.map(({ guests }, at) =>
    guests.evicted > (history[at - 1] ?? history[at]).guests.evicted
      ? `M${across(history, at) - 1} ${down(CAPACITY)}h1`
      : '',
  );
  return marks.join('');
}
