/** Watches a store: what happened lately, and how its figures went. Looking is no session's activity. */

import { count } from './format.mjs';

const SAMPLES = 120;
const SAMPLE_INTERVAL = 1_000;
const MOST_ROWS = 40;
const MOST_ENDINGS = 5_000;
const MOST_PEOPLE = 30;

/**
 * @typedef {object} EventRow What happened to a user's session, or to the server.
 * @property {number} at
 * @property {string} name
 * @property {string} uid
 * @property {string} reason
 * @property {string} handle
 */

/**
 * @typedef {object} Sample The store in one second.
 * @property {number} sessions
 * @property {{ created: number, expired: number, evicted: number }} guests Counted since the demo was started.
 * @property {boolean} [killed] The server was killed before.
 */

export class Watch {
  /** Called each second with the watch's memory, for the process after this one. */
  onSample = (_watched) => {};
  #store;
  #life;
  #timer;
  /** @type {EventRow[]} Newest first; guests have no rows. */
  #rows = [];
  /** What happened to guests since the demo was started. */
  #guests = { created: 0, expired: 0, evicted: 0 };
  /** Why sessions ended, by handle; the oldest is forgotten first. */
  #endings = new Map();
  /** @type {Sample[]} One a second, oldest first. */
  #history = [];

  /**
   * @param {import('agai-session').DurableSessionStore} store
   * @param {object} options
   * @param {string | undefined} options.earlier What the watch of the process before remembered.
   * @param {import('./life.mjs').Life} options.life
   */
  constructor(store, { earlier, life }) {
    this.#store = store;
    this.#life = life;
    if (earlier) ({ rows: this.#rows, guests: this.#guests, history: this.#history } = JSON.parse(earlier));
    // Also where the process before was killed within its first second, and left nothing to remember.
    if (life.isAnother) {
      this.#addRow('killed', { uid: 'server', reason: `${count(life.sessions)} back`, handle: '' });
    }
    for (const name of ['created', 'regenerated', 'expired', 'evicted', 'destroyed']) {
      store.on(name, (event) => this.#note(name, event));
    }
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL);
    this.#sample(life.isAnother);
  }

  /** Everything the panel shows, and what became of the session that `handle` names. */
  look(handle) {
    const people = [];
    let own;
    for (const session of this.#store.sessions()) {
      if (session.handle === handle) own = session;
      if (session.authenticatedAt !== undefined) people.push(session);
    }
    people.sort((a, b) => b.authenticatedAt - a.authenticatedAt);
    return {
      now: Date.now(),
      life: this.#life,
      stats: this.#store.stats(),
      history: this.#history,
      guests: this.#lately(),
      rows: this.#rows,
      people: people.slice(0, MOST_PEOPLE),
      handle,
      own,
      ending: this.#endings.get(handle),
    };
  }

  stop() {
    clearInterval(this.#timer);
  }

  #sample(killed = false) {
    const { sessions } = this.#store.stats();
    const sample = { sessions, guests: { ...this.#guests }, ...(killed && { killed }) };
    this.#history = [...this.#history, sample].slice(-SAMPLES);
    this.onSample(JSON.stringify({ rows: this.#rows, guests: this.#guests, history: this.#history }));
  }

  /** What happened to guests in the time that the history covers. */
  #lately() {
    const { guests } = this.#history[0];
    const counts = Object.entries(this.#guests).map(([name, total]) => [name, total - guests[name]]);
    return Object.fromEntries(counts);
  }

  #note(name, event) {
    if (event.uid !== 'Guest') this.#addRow(name, event);
    else if (name in this.#guests) this.#guests[name] += 1;
    if (name !== 'created' && name !== 'regenerated') this.#noteEnding(event);
  }

  #addRow(name, { uid, reason, handle }) {
    this.#rows = [{ at: Date.now(), name, uid, reason, handle }, ...this.#rows].slice(0, MOST_ROWS);
  }

  #noteEnding({ handle, reason }) {
    this.#endings.set(handle, reason);
    if (this.#endings.size > MOST_ENDINGS) this.#endings.delete(this.#endings.keys().next().value);
  }
}
