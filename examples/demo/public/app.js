/**
 * What the page does beyond its forms: it renews itself, sends the forms marked `data-quiet` without leaving the page, keeps countdowns
 * running, and plays the stories.
 */
import { markLive, poll, runCountdowns, send } from './page.js';
import { playStories } from './stories.js';

const INTERVAL = 1_000;
/** How soon a server that is away is asked again. */
const RETRY = 150;
const FRAME = 250;

async function keepPolling() {
  if (!document.hidden) await poll();
  setTimeout(keepPolling, document.querySelector('#life[data-away]') ? RETRY : INTERVAL);
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('[data-quiet]')) return;
  event.preventDefault();
  if (form.hasAttribute('aria-busy')) return;
  // Without an answer nobody knows whether it was done: the page shows what is stored once the server is back.
  send(form, event.submitter).catch(() => markLive(false));
});

document.addEventListener('input', ({ target }) => {
  if (target.dataset.labels === undefined) return;
  const label = target.dataset.labels.split(',')[target.value];
  target.setAttribute('aria-valuetext', label);
  target.form.querySelector('output').value = label;
});

document.addEventListener('change', ({ target }) => {
  if (target.form?.matches('[data-at-once]')) target.form.requestSubmit();
});

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) poll();
});

setInterval(runCountdowns, FRAME);
keepPolling();
playStories();
