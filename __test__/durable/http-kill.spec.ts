/**
 * A server is killed while browsers log in and out. A user whose login response arrived is logged in at the next server, with
 * everything that was acknowledged, unless durability is 'none'. A user whose logout response arrived is a guest there, whatever the
 * durability.
 *
 * 10 kills for each durability; AGAI_SESSION_FULL=1 makes it 200.
 */
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { DURABILITIES, freshPath } from '../helpers/durable.js';
import { Client, request } from '../helpers/http.js';
import { isFullRun, report, SEED } from '../helpers/ledger.js';
import { ServerChild } from '../helpers/server-child.js';
import { until } from '../helpers/until.js';

const KILLS = isFullRun ? 200 : 10;
const VISITORS = 12;

interface Seen {
  readonly checked: number;
  readonly lost: readonly string[];
}

/** A browser, and what the responses that it received said. */
class Visitor {
  readonly name: string;
  readonly dead = new Set<string>();
  /** The cookie of a login whose response arrived. */
  cookie: string | undefined;
  n = 0;
  isLeaving = false;
  answers = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Logs in, works and logs out, until the server is gone. */
  async visit(origin: string): Promise<void> {
    try {
      for (;;) await this.#stay(new Client(origin));
    } catch (error) {
      // The connection was closed in the middle of a request: no response to that one arrived.
      if (!['ECONNRESET', 'ECONNREFUSED', 'EPIPE'].includes((error as { code: string }).code)) throw error;
    }
  }

  async #stay(client: Client): Promise<void> {
    if (this.cookie !== undefined) {
      client.jar.set('id', this.cookie.slice('id='.length));
    } else {
      this.#expect(await client.get(`/login/${this.name}`, { method: 'POST' }), 303);
      [this.cookie, this.n] = [client.cookie, 0];
    }
    for (let more = this.answers % 5; more > 0; more -= 1) {
      this.#expect(await client.get('/add', { method: 'POST' }), 200);
      this.n += 1;
    }
    this.isLeaving = true;
    this.#expect(await client.get('/logout', { method: 'POST' }), 303);
    this.dead.add(this.cookie);
    [this.cookie, this.isLeaving] = [undefined, false];
  }

  #expect({ status, body }: { readonly status: number; readonly body: string }, wanted: number): void {
    if (status !== wanted) throw new Error(`${this.name} was answered ${status}: ${body}`);
    this.answers += 1;
  }

  /** Asks another server who this browser is logged in as. */
  async look(origin: string, isKept: boolean): Promise<Seen> {
    const lost: string[] = [];
    const me = async (cookie: string): Promise<{ uid: string; n?: number }> =>
      JSON.parse((await request(`${origin}/me`, { headers: { cookie } })).body) as { uid: string; n?: number };
    if (this.cookie !== undefined) {
      const { uid, n = -1 } = await me(this.cookie);
      const isOut = uid === 'Guest' && (this.isLeaving || !isKept);
      if (!isOut && (uid !== this.name || (n < this.n && isKept))) {
        lost.push(`${this.name} is ${uid} at ${n}, not at ${this.n}`);
      }
      if (isOut) this.cookie = undefined;
      this.n = n;
      this.isLeaving = false;
    }
    for (const cookie of this.dead) {
      const { uid } = await me(cookie);
      if (uid !== 'Guest') lost.push(`${uid} is logged in again`);
    }
    const checked = this.dead.size + (this.cookie === undefined ? 0 : 1);
    this.dead.clear();
    return { checked, lost };
  }
}

for (const durability of DURABILITIES) {
  test(`${durability}: what a response acknowledged survives kill -9`, async (t) => {
    const path = freshPath(t);
    const visitors = Array.from({ length: VISITORS }, (_, n) => new Visitor(`user-${n}`));
    const lost: string[] = [];
    let checked = 0;
    const answers = (): number => visitors.reduce((sum, visitor) => sum + visitor.answers, 0);
    const lookAll = ({ origin }: ServerChild): Promise<Seen[]> =>
      Promise.all(visitors.map((visitor) => visitor.look(origin, durability !== 'none')));
    for (let kill = 0; kill <= KILLS; kill += 1) {
      const server = await ServerChild.start(t, { path, durability });
      for (const result of await lookAll(server)) {
        checked += result.checked;
        lost.push(...result.lost.map((what) => `kill ${kill}: ${what}`));
      }
      // The last server is not killed, only asked.
      if (kill === KILLS) break;
      const answered = answers();
      const visits = visitors.map((visitor) => visitor.visit(server.origin));
      await delay(30 + ((SEED + kill * 7_919) % 90));
      // On a busy machine no response may have arrived by then, and the kill would prove nothing.
      await until(() => answers() > answered + VISITORS, 'responses have arrived');
      await server.kill();
      await Promise.all(visits);
    }
    report(t, { test: `HTTP, kill -9, ${durability}`, seed: SEED, faults: KILLS, checked, lost });
  });
}
