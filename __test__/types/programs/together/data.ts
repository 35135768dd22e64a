/** What is read from `data` has the type that JSON makes of it. */
import { SessionManager, SessionStore, type Jsonified } from 'agai-session';
import { same } from './same.js';

interface Cart {
  at: Date;
  until?: Date;
  note: string | null;
  tags: Set<string>;
  pairs: [Date, undefined, () => void];
  nested: { at: Date; list: { at: Date }[] };
  total(): number;
  [Symbol.iterator]?: never;
  url: URL;
  open: unknown;
  whatever: any;
  kind: 'a' | 'b';
}

declare const cart: Jsonified<Cart>;
same<typeof cart.at, string>();
same<typeof cart.until, string | undefined>();
same<typeof cart.note, string | null>();
same<typeof cart.tags, { [name: string]: never }>();
same<typeof cart.pairs, [string, null, null]>();
same<typeof cart.nested, { at: string; list: { at: string }[] }>();
same<typeof cart.url, string>();
same<typeof cart.open, unknown>();
same<typeof cart.whatever, any>();
same<typeof cart.kind, 'a' | 'b'>();
same<keyof typeof cart, 'at' | 'until' | 'note' | 'tags' | 'pairs' | 'nested' | 'url' | 'open' | 'whatever' | 'kind'>();
same<Jsonified<{ ok: true; error?: undefined } | { ok: false; error: Date }>['error'], string | undefined>();
same<Jsonified<Date | bigint>, string>();

interface Visit {
  at: Date;
  n?: number;
}
const store = new SessionStore<Visit>();
const { id, data } = store.create({ at: new Date() });
same<typeof data.at, string>();
// @ts-expect-error -- it is read as a string
data.at.getTime();
// @ts-expect-error -- there is no such field
store.create({ at: new Date(), m: 1 });
store.create(data);
store.commit(id, undefined, data);
store.update(id, (data) => {
  same<typeof data.at, string>();
  data.at = new Date().toISOString();
});
store.update(id, () => ({ at: new Date() }));

const session = new SessionManager<Visit>().create();
session.data = { at: new Date(), n: 1 };
session.data = data;
session.data.at = 'a text';
// @ts-expect-error -- in place, what is assigned is what is read
session.data.at = new Date();
same<typeof session.data.n, number | undefined>();
// @ts-expect-error -- an object
session.data = [];

/** A store of some data is a store of any. */
export function sizeOf(store: SessionStore<object>): number {
  return store.size;
}
sizeOf(store);
