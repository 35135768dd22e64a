/** Watches a store: what happened lately, and how its figures went. Looking is no session's activity. */

const SAMPLES = 120;
const SAMPLE_INTERVAL = 1_000;
const MOST_ROWS = 60;
/** How far back a row is looked for that an event can join. */
const JOINABLE_ROWS = 8;
const MOST_ENDINGS = 5_000;
const MOST_PEOPLE = 30;

/**
 * @typedef {object} EventRow Events of one kind within one second; a flood of guests makes a few rows, not thousands.
 * @property {string} key
 * @property {number} at
 * @property {string} name
 * @property {string} uid
 * @property {string} reason
 * @property {string} handle The latest one's.
 * @property {number} count
 */

export class Watch {
  #store;
  #timer;
  /** @type {EventRow[]} Newest first. */
  #rows = [];
  /** Why sessions ended, by handle; the oldest is forgotten first. */
  #endings = new Map();
  /** @type {{ users: number, guests: number, evicted: number }[]} One a second, oldest first; `evicted` counts from the start. */
  #history = [];

  /** @param {import('agai-session').SessionStore} store */
  constructor(store) {
    this.#store = store;
    for (const name of ['created', 'regenerated', 'expired', 'evicted', 'destroyed']) {
      store.on(name, (event) => this.#note(name, event));
    }
    this.#timer = setInterval(() => this.#sample(), SAMPLE_INTERVAL);
    this.#sample();
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
      stats: this.#store.stats(),
      history: this.#history,
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

  #sample() {
    const { users, guests, evicted } = this.#store.stats();
    this.#history = [...this.#history, { users, guests, evicted }].slice(-SAMPLES);
  }

  #note(name, { handle, uid, reason }) {
    const at = Date.now();
    const key = [Math.floor(at / 1_000), name, uid, reason].join();
    const row = this.#rows.slice(0, JOINABLE_ROWS).find((row) => row.key === key);
    if (row) {
      row.count += 1;
      row.handle = handle;
    } else {
      this.#rows = [{ key, at, name, uid, reason, handle, count: 1 }, ...this.#rows].slice(0, MOST_ROWS);
    }
    if (name !== 'created' && name !== 'regenerated') this.#noteEnding(handle, reason);
  }

  #noteEnding(handle, reason) {
    this.#endings.set(handle, reason);
    if (this.#endings.size > MOST_ENDINGS) this.#endings.delete(this.#endings.keys().next().value);
  }
}
