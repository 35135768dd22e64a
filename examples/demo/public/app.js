/**
 * What the page does beyond its forms: it renews the parts marked `data-part` from what the server renders, sends the forms
 * marked `data-quiet` without leaving the page, and keeps countdowns running.
 */
import { clock } from './clock.mjs';

const INTERVAL = 1_000;
const FRAME = 250;

/** The text of each part as the server last sent it: what did not change is left alone, with its focus and its clicks. */
const shown = new Map();
/** The server's time minus this machine's. */
let offset = Number(document.body.dataset.now) - Date.now();
/** Answers that were asked for before the last form was sent tell of the time before it. */
let generation = 0;

function renew(page) {
  offset = Number(page.body.dataset.now) - Date.now();
  for (const part of page.querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id);
    if (!old || shown.get(part.id) === part.outerHTML) continue;
    shown.set(part.id, part.outerHTML);
    const focused = old.contains(document.activeElement) ? document.activeElement.id : '';
    old.replaceWith(document.adoptNode(part));
    if (focused) document.getElementById(focused)?.focus();
  }
  const ended = document.querySelector('#notice')?.dataset.ended !== undefined;
  for (const element of document.querySelectorAll('#workspace, .sign-out')) element.inert = ended;
  runCountdowns();
}

const parse = (text) => new DOMParser().parseFromString(text, 'text/html');

function runCountdowns() {
  const now = Date.now() + offset;
  for (const element of document.querySelectorAll('[data-deadline]')) {
    const left = Math.max(0, element.dataset.deadline - now);
    if (element instanceof HTMLProgressElement) element.value = left;
    else element.textContent = clock(left);
  }
}

async function poll() {
  const asked = generation;
  try {
    const response = await fetch(`/live?${new URLSearchParams({ handle: document.body.dataset.handle })}`);
    const text = await response.text();
    if (response.ok && asked === generation) renew(parse(text));
  } catch {
    // The server is away; the next poll tries again.
  }
}

async function keepPolling() {
  if (!document.hidden) await poll();
  setTimeout(keepPolling, INTERVAL);
}

/** Sends a form and takes over the page that comes back, which is the one that the browser would have gone to. */
async function send(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  form.setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(form.action, { method: 'POST', body: fields });
    const page = parse(await response.text());
    if (!response.ok || page.body.dataset.uid !== document.body.dataset.uid) {
      location.assign('/');
      return;
    }
    generation += 1;
    document.body.dataset.handle = page.body.dataset.handle;
    document.documentElement.dataset.colour = page.documentElement.dataset.colour;
    renew(page);
    if (form.id === 'note-form') form.reset();
  } finally {
    form.removeAttribute('aria-busy');
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!form.matches('[data-quiet]')) return;
  event.preventDefault();
  if (form.hasAttribute('aria-busy')) return;
  send(form, event.submitter).catch(() => location.assign('/'));
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
