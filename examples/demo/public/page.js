/**
 * Keeps the page true without a reload: the parts marked `data-part` and the regions marked `data-region` are replaced by what the server
 * renders.
 */
import { clock } from './clock.mjs';

/** The text of each part as the server last sent it: what did not change is left alone, with its focus and its clicks. */
const shown = new Map();
/** The server's time minus this machine's. */
let offset = Number(document.body.dataset.now) - Date.now();
/** Answers that were asked for before the last change was sent tell of the time before it. */
let generation = 0;
/** Changes that are on their way. */
let changes = 0;

const parse = (text) => new DOMParser().parseFromString(text, 'text/html');

export const user = () => document.body.dataset.uid;

/** Runs something that changes the session; the page is not renewed from older answers meanwhile. */
export async function changing(work) {
  changes += 1;
  try {
    return await work();
  } finally {
    changes -= 1;
    generation += 1;
  }
}

/** Fetches the page again and takes it over. */
export async function refresh() {
  await changing(async () => {
    const response = await fetch('/');
    takeOver(parse(await response.text()));
  });
}

/** Sends a form and takes over the page that comes back, which is the one that the browser would have gone to. */
export async function send(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  form.setAttribute('aria-busy', 'true');
  try {
    await changing(async () => {
      const response = await fetch(form.action, { method: 'POST', body: fields });
      const page = parse(await response.text());
      if (page.body.dataset.uid === undefined) location.assign('/');
      else takeOver(page, response.status === 422);
    });
  } finally {
    form.removeAttribute('aria-busy');
  }
}

/** Fetches the live parts, which is no activity of the session. */
export async function poll() {
  if (changes > 0) return;
  const asked = generation;
  try {
    const response = await fetch(`/live?${new URLSearchParams({ handle: document.body.dataset.handle })}`);
    const page = parse(await response.text());
    markLive(true);
    if (!response.ok || changes > 0 || asked !== generation) return;
    renewParts(page);
    const { uid } = page.body.dataset;
    // Another tab signed in.
    if (uid !== undefined && uid !== '' && uid !== user()) await refresh();
  } catch {
    // The server is away; the next poll tries again.
    markLive(false);
  }
}

/** Marks in the header whether the server answers. */
export function markLive(isLive) {
  const pill = document.querySelector('#life');
  if (isLive !== pill.hasAttribute('data-away')) return;
  pill.toggleAttribute('data-away', !isLive);
  pill.querySelector('.live').textContent = isLive ? 'connected' : 'reconnecting';
  // The next answer brings the process's number, whatever it was before.
  shown.delete('life');
}

function takeOver(page, hasProblem = false) {
  const { uid, handle } = page.body.dataset;
  const isOther = uid !== user() || hasProblem || document.querySelector('[data-ended]') !== null;
  document.body.dataset.uid = uid;
  document.body.dataset.handle = handle;
  document.documentElement.dataset.colour = page.documentElement.dataset.colour;
  if (isOther) renewRegions(page);
  renewParts(page);
  markLive(true);
}

function renewRegions(page) {
  for (const region of page.querySelectorAll('[data-region]')) {
    const old = document.getElementById(region.id);
    const hadFocus = old.contains(document.activeElement);
    for (const part of region.querySelectorAll('[data-part]')) shown.set(part.id, part.outerHTML);
    old.replaceWith(document.adoptNode(region));
    if (hadFocus) document.querySelector('#you').focus({ preventScroll: true });
  }
}

function renewParts(page) {
  offset = Number(page.body.dataset.now) - Date.now();
  for (const part of page.querySelectorAll('[data-part]')) {
    const old = document.getElementById(part.id);
    if (!old || shown.get(part.id) === part.outerHTML) continue;
    shown.set(part.id, part.outerHTML);
    const focused = old.contains(document.activeElement) ? document.activeElement.id : '';
    old.replaceWith(document.adoptNode(part));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
  const hasEnded = document.querySelector('[data-ended]') !== null;
  for (const element of document.querySelectorAll('#you > :not(#notice), #account')) element.inert = hasEnded;
  runCountdowns();
}

export function runCountdowns() {
  const now = Date.now() + offset;
  for (const element of document.querySelectorAll('[data-deadline]')) {
    const left = Math.max(0, element.dataset.deadline - now);
    if (element instanceof HTMLProgressElement) element.value = left;
    else element.textContent = clock(left);
  }
}
