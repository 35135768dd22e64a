/** A key of the data has its declared type, as JSON makes of it; one that is not declared is an error where any are. */
import { SessionManager, SessionStore } from 'agai-session';
import { same } from './same.js';

interface Shop {
  visits: number;
  cart?: { sku: string; added: Date }[];
  at: Date;
}
const store = new SessionStore<Shop>();
const session = new SessionManager({ store }).create();

same<ReturnType<typeof visitsOf>, number | undefined>();
function visitsOf() {
  return session.get('visits');
}
const cart = session.get('cart');
same<typeof cart, { sku: string; added: string }[] | undefined>();
session.set('visits', 1).set('at', new Date()).set('at', 'as it is read').set('cart', undefined);
session.set('cart', [{ sku: 'pear', added: new Date() }]);
const visits = session.update('visits', (n = 0) => n + 1);
same<typeof visits, number | undefined>();
session.update('cart', (cart = []) => void cart.push({ sku: 'fig', added: '' }));
same<ReturnType<typeof session.keys>, ('visits' | 'cart' | 'at')[]>();

// @ts-expect-error -- no such key
session.get('vists');
// @ts-expect-error -- no such key
session.has('vists');
// @ts-expect-error -- another type
session.set('visits', 'one');
// @ts-expect-error -- another type
session.update('visits', () => 'one');

const key = store.getKey('id', 'at');
same<typeof key, string | undefined>();
same<ReturnType<typeof change>, boolean>();
function change() {
  return store.setKeys('id', { visits: 2, cart: undefined, at: new Date() });
}
// @ts-expect-error -- another type
store.setKeys('id', { visits: 'two' });
// @ts-expect-error -- no such key
store.setKeys('id', { vists: 2 });

const any = new SessionManager().create();
any.set('anything', [1]).get('else');
