/** The cards of the stories. The script fills in what each step took, and the outcome. */
import { count } from './format.mjs';
import { html } from './html.mjs';
import { FLOOD, SLOW } from './limits.mjs';
import { snippet } from './snippet.mjs';

const STORIES = [
  {
    name: 'kill',
    title: 'Kill the server',
    promise: 'What was answered is on the disk: no crash signs anybody out.',
    otherwise: 'Sessions in the memory of the process would be gone, and everybody signed out.',
    action: 'kill -9',
    steps: {
      guests: `You sign in, and ${count(FLOOD.guests)} guests come`,
      write: 'You write to your session',
      kill: 'kill -9 of the server',
      back: 'Reconnecting',
    },
  },
  {
    name: 'tabs',
    title: 'Two tabs at once',
    promise: 'Two requests change one session at the same time: both are kept.',
    otherwise: 'A session that is written back whole would lose one of the two.',
    action: 'Open both',
    steps: {
      basket: 'Your basket, before',
      read: 'Tab A and tab B read it together',
      write: 'A adds an apple, B a pear',
      stored: 'What is stored then',
    },
  },
  {
    name: 'logout',
    title: 'Log out while a request runs',
    promise: 'A logout is final: no slower request brings the session back.',
    otherwise: 'Where each request stores its session at the end, the slow one would sign you in again.',
    action: 'Log out',
    steps: {
      'sign-in': 'You are signed in',
      slow: `A request of ${SLOW / 1_000} seconds reads your session`,
      logout: 'You log out meanwhile',
      late: 'The slow request writes it back',
    },
  },
  {
    name: 'sign-in',
    title: 'Sign in: the id changes',
    promise: 'An id that somebody planted before the login opens nothing after it.',
    otherwise: 'With the same id before and after, whoever planted it would be signed in as you.',
    action: 'Sign in',
    steps: {
      before: 'A cookie from before the login',
      login: 'You sign in',
      replay: 'Somebody uses the old cookie',
      kept: 'Your basket',
    },
  },
];

/** @param {{ mayKill: boolean }} options Whether this server may be killed from the page. */
export function storyCards({ mayKill }) {
  return html`<div class="stories">${STORIES.map((story) => card(story, story.name !== 'kill' || mayKill))}</div>`;
}

function card({ name, title, promise, otherwise, action, steps }, isOffered) {
  return html`<section class="card story" id="story-${name}" data-story="${name}" aria-labelledby="title-${name}">
    <div class="head">
      <h2 id="title-${name}">${title}</h2>
      <button class="primary" data-run disabled aria-describedby="title-${name}" data-offered="${isOffered}">
        ${action}
      </button>
    </div>
    <p class="hint">${isOffered ? promise : 'Offered where the demo listens on localhost alone: npm run demo.'}</p>
    <ol class="steps">
      ${Object.entries(steps).map(([step, text]) => stepRow(step, text))}
    </ol>
    <div class="outcome" role="status"><strong></strong><span>${otherwise}</span></div>
    ${snippet(name)}
  </section>`;
}

function stepRow(name, text) {
  return html`<li data-step="${name}"><span>${text}</span> <span class="told"></span></li>`;
}
