/** The card of the visitor: a form to sign in, or how long the session has left; what it keeps either way. */
import { handleName, span } from './format.mjs';
import { html } from './html.mjs';
import { COLOURS, IDLE_STEPS } from './limits.mjs';
import { guestHint, lifetime, notice } from './panel.mjs';

export function youCard({ session, live, problem }) {
  const { isAuthenticated, data } = session;
  return html`<section id="you" data-region class="card you" tabindex="-1" aria-label="You">
    ${notice(live)}
    <div class="who">${isAuthenticated ? user(session) : guest(live)}</div>
    <div class="middle">${isAuthenticated ? html`${lifetime(live)} ${idleForm(live.own)}` : logIn(problem)}</div>
    <div class="kept">${basket(data)} ${colours(data)}</div>
  </section>`;
}

function user({ uid, handle }) {
  return html`<h2>You are ${uid}</h2>
    <p class="hint">Handle ${handleName(handle)}, a public name. The id is in your cookie alone.</p>`;
}

function guest(live) {
  return html`<h2>You are a guest</h2>
    ${guestHint(live)}`;
}

function logIn(problem) {
  return html`<form method="post" action="/login" class="login" data-quiet>
    <label>User name <input name="name" required maxlength="40" autocomplete="username" value="ada" /></label>
    <label>Password <input name="password" type="password" required autocomplete="current-password" /></label>
    <button class="primary">Sign in</button>
    ${
      problem
        ? html`<p class="problem" role="alert">${problem}</p>`
        : html`<p class="hint">Any name and any password will do; it is not kept.</p>`
    }
  </form>`;
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

function basket({ apples = 0, pears = 0 }) {
  return html`<form method="post" action="/apples" class="basket" data-quiet aria-label="Basket">
    <span class="label">Basket</span>
    <button class="small" name="by" value="-1" aria-label="One apple less">−</button>
    <output id="basket" data-part>${fruit(apples, 'apple')}, ${fruit(pears, 'pear')}</output>
    <button class="small" name="by" value="1" aria-label="One apple more">+</button>
  </form>`;
}

const fruit = (count, name) => `${count} ${name}${count === 1 ? '' : 's'}`;

function colours({ colour = COLOURS[0] }) {
  return html`<form
    method="post"
    action="/colour"
    class="swatches"
    data-quiet
    id="swatches"
    data-part
    aria-label="Colour"
  >
    <span class="label">Colour</span> ${COLOURS.map((name) => swatch(name, name === colour))}
  </form>`;
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
