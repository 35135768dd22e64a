/** The pages. What is marked `data-part` is renewed by the script without a reload. */
import { count, handleName, moment, span } from './format.mjs';
import { html } from './html.mjs';
import { COLOURS, FLOOD, IDLE_STEPS, SLOWEST } from './limits.mjs';
import { events, figures, lifetime, notice, people } from './panel.mjs';

/**
 * @param {object} view
 * @param {import('agai-session').Session} view.session
 * @param {ReturnType<import('./watch.mjs').Watch['look']>} view.live
 * @param {string} [view.problem] What was wrong with a log-in.
 */
export function homePage({ session, live, problem }) {
  const { data, uid, isAuthenticated } = session;
  return layout(
    { uid, isAuthenticated, colour: data.colour, handle: live.own && live.handle, now: live.now },
    html`${notice(live)}
      <div class="columns">
        <div class="column">
          <div class="column" id="workspace">
            ${isAuthenticated ? sessionCard(session, live) : logInCard(problem)}
            ${isAuthenticated ? notesCard(data) : guestCard(live)} ${dataCard(data)}
          </div>
          ${peopleCard(live)}
        </div>
        <div class="column">${storeCard(live)}${eventsCard(live)}</div>
      </div>`,
  );
}

export function errorPage(message = 'Something went wrong on the server.') {
  return layout(
    {},
    html`<section class="card narrow">
      <h1>That did not work</h1>
      <p>${message}</p>
      <a class="button" href="/">Back</a>
    </section>`,
  );
}

function layout({ uid, isAuthenticated, colour = COLOURS[0], handle, now }, main) {
  return html`<!doctype html>
    <html lang="en" data-colour="${colour}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>agai-session demo</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="stylesheet" href="/style.css" />
        <script type="module" src="/app.js"></script>
      </head>
      <body data-uid="${uid}" data-handle="${handle}" data-now="${now}">
        <header>
          <a class="brand" href="/"><img src="/icon.svg" alt="" width="26" height="26" /> agai-session</a>
          <span class="tagline">Sessions off the JavaScript heap, live</span>
          ${isAuthenticated && signOut(uid)}
        </header>
        <main>${main}</main>
        <footer>A demo. Stop it and start it again: who was logged in still is. Forms work without JavaScript.</footer>
      </body>
    </html>`;
}

function signOut(uid) {
  return html`<form method="post" action="/logout" class="sign-out">
    <span>Signed in as <strong>${uid}</strong></span>
    <button>Sign out</button>
  </form>`;
}

function logInCard(problem) {
  return html`<section class="card">
    <h1>Sign in</h1>
    <p class="hint">This is a demo: any user name and any password will do. The password is not kept.</p>
    ${problem && html`<p class="problem" role="alert">${problem}</p>`}
    <form method="post" action="/login" class="stack">
      <label>User name <input name="name" required maxlength="40" autocomplete="username" /></label>
      <label>Password <input name="password" type="password" required autocomplete="current-password" /></label>
      <button class="primary">Sign in</button>
    </form>
  </section>`;
}

function guestCard(live) {
  return html`<section class="card">
    <h2>You are a guest</h2>
    ${lifetime(live)}
    <p class="hint" id="guest" data-part>${live.own ? storedGuest(live) : NOT_STORED}</p>
  </section>`;
}

const NOT_STORED =
  'Nothing is kept for you, and no cookie was set, until something is written: count, or choose a colour.';

function storedGuest({ handle }) {
  return html`Your session's public handle is ${handleName(handle)}. Signing in moves it to a new id and keeps its data.`;
}

function sessionCard(session, live) {
  return html`<section class="card session">
    <h1>Your session</h1>
    ${lifetime(live)} ${idleForm(live.own)}
    <dl class="facts">
      <div>
        <dt>User</dt>
        <dd>${session.uid}</dd>
      </div>
      <div>
        <dt>Handle</dt>
        <dd>${handleName(session.handle)}</dd>
      </div>
      <div>
        <dt>Created</dt>
        <dd>${moment(session.createdAt)}</dd>
      </div>
      <div>
        <dt>New id issued at</dt>
        <dd>${moment(session.authenticatedAt)}</dd>
      </div>
    </dl>
    <p class="hint">Signing in replaced the secret id; the public handle stays.</p>
  </section>`;
}

function idleForm(own) {
  const step = IDLE_STEPS.findIndex((seconds) => own && seconds * 1_000 >= own.idleTimeout);
  const chosen = IDLE_STEPS[step] ?? IDLE_STEPS.at(-1);
  return html`<form method="post" action="/idle" class="slider" data-quiet data-at-once>
    <label for="idle">Idle timeout</label>
    <input
      type="range"
      id="idle"
      name="step"
      min="0"
      max="${IDLE_STEPS.length - 1}"
      value="${step < 0 ? IDLE_STEPS.length - 1 : step}"
      data-labels="${IDLE_STEPS.map((seconds) => span(seconds * 1_000)).join(',')}"
      aria-valuetext="${span(chosen * 1_000)}"
    />
    <output for="idle">${span(chosen * 1_000)}</output>
    <button class="small scriptless">Set</button>
  </form>`;
}

function notesCard({ notes = [] }) {
  return html`<section class="card">
    <h2>Notes</h2>
    <form method="post" action="/notes" class="row" data-quiet id="note-form">
      <input name="text" aria-label="A note" placeholder="Write a note" required maxlength="200" autocomplete="off" />
      <label class="check"><input type="checkbox" name="slow" value="${SLOWEST}" /> save slowly</label>
      <button class="primary">Add</button>
    </form>
    <ul id="notes" data-part class="notes">
      ${notes.length === 0 && html`<li class="none">No notes yet.</li>`} ${notes.map(noteRow)}
    </ul>
    <p class="hint">
      A slow save takes ${SLOWEST / 1_000} seconds. Meanwhile count in another tab: both changes are kept. Or sign out
      there: nothing comes back.
    </p>
  </section>`;
}

function noteRow({ id, text }) {
  return html`<li>
    <span>${text}</span>
    <form method="post" action="/notes/remove" data-quiet>
      <button class="small" name="id" value="${id}" aria-label="Remove: ${text}">Remove</button>
    </form>
  </li>`;
}

function dataCard({ counter = 0, colour = COLOURS[0] }) {
  return html`<section class="card pair">
    <div>
      <h2>Counter</h2>
      <form method="post" action="/counter" class="counter" data-quiet>
        <button name="by" value="-1" aria-label="One less">−</button>
        <output id="counter" data-part>${counter}</output>
        <button name="by" value="1" aria-label="One more">+</button>
      </form>
    </div>
    <div>
      <h2>Colour</h2>
      <form method="post" action="/colour" class="swatches" data-quiet id="swatches" data-part>
        ${COLOURS.map((name) => swatch(name, name === colour))}
      </form>
    </div>
  </section>`;
}

function swatch(name, isChosen) {
  return html`<button
    class="swatch"
    id="colour-${name}"
    name="colour"
    value="${name}"
    data-colour="${name}"
    aria-pressed="${isChosen}"
    aria-label="${name}"
  ></button>`;
}

function storeCard(live) {
  return html`<section class="card">
    <div class="head">
      <h2>The store</h2>
      <form method="post" action="/guests" data-quiet>
        <button class="primary">Send ${count(FLOOD.guests)} guests</button>
      </form>
    </div>
    ${figures(live)}
    <p class="hint">
      Guests leave after ${FLOOD.shortest / 1_000} to ${FLOOD.longest / 1_000} seconds. In a full store they make room,
      never a user.
    </p>
  </section>`;
}

function peopleCard(live) {
  return html`<section class="card">
    <h2>Signed in</h2>
    ${people(live)}
  </section>`;
}

function eventsCard(live) {
  return html`<section class="card fill">
    <h2 id="events-title">Events</h2>
    <div class="scroll" tabindex="0" role="region" aria-labelledby="events-title">${events(live)}</div>
  </section>`;
}
