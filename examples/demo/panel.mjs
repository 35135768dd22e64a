/** The parts of the page that renew themselves: the store's figures, its events, who is logged in, how long one has left. */
import { bytes, count, countdown, deadlineOf, handleName, moment, span } from './format.mjs';
import { CAPACITY } from './limits.mjs';
import { html } from './html.mjs';
import { clock } from './public/clock.mjs';

const CHART = { width: 119, height: 100, top: CAPACITY * 1.12 };

/** All of them, as the page's script fetches them every second. */
export function livePage(live) {
  return html`<!doctype html>
    <title>live</title>
    <body data-now="${live.now}">
      ${notice(live)} ${lifetime(live)} ${figures(live)} ${events(live)} ${people(live)}
    </body>`;
}

const ENDINGS = {
  'idle-timeout': 'It expired: there was no activity for as long as its idle timeout.',
  'absolute-timeout': 'It expired: it reached its absolute deadline, whatever the activity.',
  'max-sessions': 'It was evicted: the store is full, and guests make room first.',
  'max-bytes': 'It was evicted: the store is full, and guests make room first.',
  destroy: 'It was ended from the list of sessions.',
  logout: 'It was signed out in another tab.',
  clear: 'All sessions were ended.',
};

/** Says that the session which the page was made for is no more. */
export function notice({ handle, own, ending }) {
  if (!handle || own) return html`<div id="notice" data-part role="status"></div>`;
  return html`<div id="notice" data-part role="status" data-ended>
    <p><strong>Your session has ended.</strong> ${ENDINGS[ending]}</p>
    <a class="button" href="/">Start again</a>
  </div>`;
}

export function lifetime({ handle, own, now }) {
  if (!own) {
    const text = handle ? 'ended' : 'not stored yet';
    return html`<div id="lifetime" data-part class="lifetime"><span class="countdown idle">${text}</span></div>`;
  }
  const deadline = deadlineOf(own);
  return html`<div id="lifetime" data-part class="lifetime">
    ${countdown(deadline, now)}
    <span class="label">left without activity, of ${span(own.idleTimeout)}</span>
    <progress aria-label="Time left" max="${own.idleTimeout}" value="${deadline - now}" data-deadline="${deadline}">
      ${clock(deadline - now)}
    </progress>
    <dl class="facts">
      <div>
        <dt>Idle deadline</dt>
        <dd>${moment(deadline)}</dd>
      </div>
      <div>
        <dt>Absolute deadline</dt>
        <dd>${moment(own.absoluteDeadline)}</dd>
      </div>
      <div>
        <dt>Version</dt>
        <dd id="version">${own.version}</dd>
      </div>
    </dl>
  </div>`;
}

export function figures({ stats, history }) {
  return html`<div id="figures" data-part>
    ${chart(history)}
    <dl class="figures">
      ${figure('sessions', stats.sessions, 'main')} ${figure('users', stats.users, 'users')}
      ${figure('guests', stats.guests, 'guests')} ${figure('created', stats.created)}
      ${figure('expired', stats.expired)} ${figure('evicted', stats.evicted)} ${figure('destroyed', stats.destroyed)}
      ${figure('new ids', stats.regenerated)} ${figure('merged', stats.conflicts)} ${figure('hits', stats.hits)}
      ${figure('misses', stats.misses)}
      <div>
        <dt>memory</dt>
        <dd data-figure="bytes">${bytes(stats.bytes)}</dd>
      </div>
    </dl>
  </div>`;
}

function figure(name, value, kind = '') {
  return html`<div class="${kind}">
    <dt>${name}</dt>
    <dd data-figure="${name}">${count(value)}</dd>
  </div>`;
}

/** The last two minutes: guests as an area on top of the logged-in users', marks at the top where somebody was evicted. */
function chart(history) {
  const { users, guests } = history.at(-1);
  const all = history.map((sample) => sample.users + sample.guests);
  const ofUsers = history.map((sample) => sample.users);
  return html`<figure class="chart">
    <svg
      viewBox="0 0 ${CHART.width} ${CHART.height}"
      preserveAspectRatio="none"
      role="img"
      aria-label="Sessions over the last two minutes; now ${users} of users and ${guests} of guests"
    >
      <path class="room" d="M0 ${height(CAPACITY)}H${CHART.width}" />
      <path class="area-guests" d="${area(all)}" />
      <path class="line-guests" d="${line(all)}" />
      <path class="area-users" d="${area(ofUsers)}" />
      <path class="line-users" d="${line(ofUsers)}" />
      <path class="evictions" d="${evictions(history)}" />
    </svg>
    <figcaption>
      <span>room for ${count(CAPACITY)}</span>
      <span>last two minutes</span>
    </figcaption>
  </figure>`;
}

/** The newest sample is at the right edge. */
const across = (samples, at) => CHART.width - (samples.length - 1 - at);
const height = (sessions) => (CHART.height * (1 - sessions / CHART.top)).toFixed(1);

const line = (samples) => `M${samples.map((value, at) => `${across(samples, at)} ${height(value)}`).join('L')}`;
const area = (samples) => `${line(samples)}V${CHART.height}H${across(samples, 0)}Z`;

function evictions(history) {
  const marks = history.map((sample, at) =>
    sample.evicted > (history[at - 1] ?? sample).evicted ? `M${across(history, at) - 1} ${height(CAPACITY)}h1` : '',
  );
  return marks.join('');
}

export function events({ rows }) {
  if (rows.length === 0)
    return html`<ol id="events" data-part class="events">
      <li class="none">Nothing yet.</li>
    </ol>`;
  return html`<ol id="events" data-part class="events">
    ${rows.map(eventRow)}
  </ol>`;
}

function eventRow({ at, name, uid, reason, handle, count: times }) {
  return html`<li class="${name}${uid === 'Guest' ? '' : ' of-user'}">
    ${moment(at)} <span class="name">${name}</span>
    <span class="who">${times > 1 ? html`${count(times)} × ${uid}` : html`${uid} ${handleName(handle)}`}</span>
    <span class="reason">${reason === 'create' ? '' : reason}</span>
  </li>`;
}

export function people({ people, handle, now }) {
  if (people.length === 0)
    return html`<ul id="people" data-part class="people">
      <li class="none">Nobody.</li>
    </ul>`;
  const mayEnd = people.some((session) => session.handle === handle);
  return html`<ul id="people" data-part class="people">
    ${people.map((session) => person(session, session.handle === handle, mayEnd, now))}
  </ul>`;
}

function person(session, isOwn, mayEnd, now) {
  return html`<li>
    <span class="who">${session.uid}</span> ${handleName(session.handle)} ${isOwn && html`<em>you</em>`}
    ${countdown(deadlineOf(session), now)} ${mayEnd && endButton(session)}
  </li>`;
}

function endButton({ handle, uid }) {
  return html`<form method="post" action="/sessions/end" data-quiet>
    <button class="small" id="end-${handle}" name="handle" value="${handle}" aria-label="End the session of ${uid}">
      End
    </button>
  </form>`;
}
