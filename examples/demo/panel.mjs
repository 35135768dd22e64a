/** The parts of the page that renew themselves: the process, the store's figures and events, who is signed in, how long one has left. */
import { chart } from './chart.mjs';
import { bytes, count, countdown, deadlineOf, handleName, moment, span } from './format.mjs';
import { html } from './html.mjs';
import { clock } from './public/clock.mjs';

/** All of them, as the page's script fetches them every second. */
export function livePage(live) {
  return html`<!doctype html>
    <title>live</title>
    <body data-now="${live.now}" data-uid="${live.own?.uid}">
      ${lifePill(live)} ${notice(live)} ${lifetime(live)} ${guestHint(live)} ${figures(live)} ${events(live)}
      ${people(live)}
    </body>`;
}

/** The process that answers. The script marks it while nobody does. */
export function lifePill({ life }) {
  return html`<p id="life" data-part class="pill" role="status">
    <span class="live"><span class="word">process</span> ${life.pid}</span>
  </p>`;
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

export function guestHint({ own, handle }) {
  return html`<p class="hint" id="guest" data-part>
    ${
      own
        ? html`Handle ${handleName(handle)}. Signing in gives it a new id and keeps its data.`
        : 'Nothing is kept for you, and no cookie was set, until something is written.'
    }
  </p>`;
}

export function lifetime({ own, now }) {
  if (!own) return html`<div id="lifetime" data-part class="lifetime"><span class="countdown idle">ended</span></div>`;
  const deadline = deadlineOf(own);
  return html`<div id="lifetime" data-part class="lifetime">
    ${countdown(deadline, now)}
    <span class="label">left without activity, of ${span(own.idleTimeout)}</span>
    <progress aria-label="Time left" max="${own.idleTimeout}" value="${deadline - now}" data-deadline="${deadline}">
      ${clock(deadline - now)}
    </progress>
  </div>`;
}

export function figures({ stats, history }) {
  return html`<div id="figures" data-part>
    <dl class="figures main">${figure('sessions', stats.sessions)} ${figure('users', stats.users)}</dl>
    ${chart(history)}
    <dl class="figures">
      ${figure('guests', stats.guests)} ${figure('created', stats.created)} ${figure('expired', stats.expired)}
      ${figure('evicted', stats.evicted)} ${figure('destroyed', stats.destroyed)}
      ${figure('new ids', stats.regenerated)} ${figure('written', stats.committed)} ${figure('hits', stats.hits)}
      <div>
        <dt>memory</dt>
        <dd data-figure="bytes">${bytes(stats.bytes)}</dd>
      </div>
    </dl>
  </div>`;
}

function figure(name, value) {
  return html`<div>
    <dt>${name}</dt>
    <dd data-figure="${name}">${count(value)}</dd>
  </div>`;
}

export function events({ rows, guests }) {
  return html`<ol id="events" data-part class="events">
    <li class="of-guests">
      <span class="name">guests</span>
      <span class="who"
        >${count(guests.created)} came, ${count(guests.expired)} expired, ${count(guests.evicted)} evicted</span
      >
      <span class="reason">2 min</span>
    </li>
    ${rows.map(eventRow)}
  </ol>`;
}

function eventRow({ at, name, uid, reason, handle }) {
  return html`<li class="${name}">
    ${moment(at)} <span class="name">${name}</span>
    <span class="who"><strong>${uid}</strong> ${handle && handleName(handle)}</span>
    <span class="reason">${reason === 'create' ? '' : reason}</span>
  </li>`;
}

export function people({ people, handle, now }) {
  if (people.length === 0)
    return html`<ul id="people" data-part class="people">
      <li class="none">Nobody yet.</li>
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
