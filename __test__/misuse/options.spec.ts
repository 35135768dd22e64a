/** Wrong options: those of other packages, and slips. */
import { EventEmitter } from 'node:events';
import test from 'ava';
import { SessionManager, SessionStore } from 'agai-session';
import { csrf, flatSession, session } from 'agai-session/express';
import { ManualClock } from 'agai-session/testing';
import { SECRET, refuses, type Wrong } from './kit.js';

const given = (options: unknown) => () => session(options as never);

/** Options of express-session, cookie-session, iron-session and others, with the name that the answer must contain. */
const foreign: readonly (readonly [name: string, value: unknown, instead: RegExp])[] = [
  ['secret', SECRET, /cookies are not signed.*Leave it out/],
  ['secrets', [SECRET], /cookies are not signed/],
  ['keys', [SECRET], /cookies are not signed/],
  ['password', SECRET, /cookies are not signed/],
  ['name', SECRET, /cookie: \{ name \}/],
  ['cookieName', SECRET, /cookie: \{ name \}/],
  ['resave', false, /when its data has changed/],
  ['saveUninitialized', SECRET, /once something is written/],
  ['rolling', SECRET, /idleTimeout/],
  ['unset', SECRET, /req\.session\.logout\(\)/],
  ['genid', () => SECRET, /256 random bits/],
  ['proxy', SECRET, /app\.set\('trust proxy', 1\).*trustProxy/],
  ['maxAge', SECRET, /idleTimeout.*absoluteTimeout/],
  ['ttl', SECRET, /idleTimeout.*absoluteTimeout/],
  ['expiresIn', SECRET, /idleTimeout.*absoluteTimeout/],
  ['httpOnly', SECRET, /cookie: \{ httpOnly \}/],
  ['cookieOptions', { secret: SECRET }, /cookie: \{ name, secure/],
];

/** The store of another package, whose properties may be secret. */
class RedisStore extends EventEmitter {
  password = SECRET;
  get(): void {}
  set(): void {}
  destroy(): void {}
}

const wrong: Wrong[] = [
  ...foreign.map(([name, value, instead]): Wrong => [
    `session({ ${name} })`,
    given({ [name]: value }),
    TypeError,
    new RegExp(`^option session\\.${name}: .*${instead.source}`),
  ]),
  [
    'session({ store: a store of express-session })',
    given({ store: new RedisStore() }),
    TypeError,
    /express-session.*class RedisStore$/,
  ],
  [
    'session({ store: SessionStore })',
    given({ store: SessionStore }),
    TypeError,
    /^option store: .*new SessionStore\(\)/,
  ],
  [
    'session({ store: a URL })',
    given({ store: `redis://:${SECRET}@host` }),
    TypeError,
    /^option store: .*path.*a string$/,
  ],
  ['session({ store: a promise })', given({ store: Promise.resolve() }), TypeError, /^option store: .*await it/],
  [
    'session({ store: of another copy })',
    given({ store: { backend: {} } }),
    TypeError,
    /another copy.*npm ls agai-session/,
  ],
  ['session({ store: null })', given({ store: null }), TypeError, /^option store: pass a SessionStore.*got null$/],
  ['session({ backend })', given({ backend: { password: SECRET } }), TypeError, /^option session\.backend: .*`store`/],
  ['session(store)', given(new SessionStore()), TypeError, /^option session: .*\{ store \}/],
  ['session(text)', given(SECRET), TypeError, /^option session: pass an object of options, or nothing; got a string$/],
  ['session(null)', given(null), TypeError, /^option session: pass an object/],
  [
    'session({ idletimeout })',
    given({ idletimeout: SECRET }),
    TypeError,
    /^option session\.idletimeout: .*idleTimeout\?$/,
  ],
  [
    'session({ anything })',
    given({ anything: { a: SECRET } }),
    TypeError,
    /^option session\.anything: there is no such option/,
  ],
  ['session({ cookie: text })', given({ cookie: SECRET }), TypeError, /^option cookie: pass an object.*a string$/],
  [
    'session({ cookie: { maxAge } })',
    given({ cookie: { maxAge: 5 } }),
    TypeError,
    /^option cookie\.maxAge: .*absoluteTimeout/,
  ],
  [
    'session({ cookie: { secret } })',
    given({ cookie: { secret: SECRET } }),
    TypeError,
    /^option cookie\.secret: .*not signed/,
  ],
  [
    'session({ cookie: { sameSite: "Lax" } })',
    given({ cookie: { sameSite: 'Lax' } }),
    TypeError,
    /^option cookie\.sameSite: .*'lax'/,
  ],
  [
    'session({ idleTimeout: 30 })',
    given({ idleTimeout: 30 }),
    RangeError,
    /^option idleTimeout: 30 milliseconds: did you mean '30m'\?/,
  ],
  [
    'session({ idleTimeout: 3600 })',
    given({ idleTimeout: 3600 }),
    RangeError,
    /3600 milliseconds: did you mean '3600s'\?/,
  ],
  ['session({ absoluteTimeout: 12 })', given({ absoluteTimeout: 12 }), RangeError, /^option absoluteTimeout: .*'12m'/],
  ['session({ guestIdleTimeout: 5 })', given({ guestIdleTimeout: 5 }), RangeError, /^option guestIdleTimeout: .*'5m'/],
  [
    'session({ idleTimeout: "30 minutes" })',
    given({ idleTimeout: '30 minutes' }),
    TypeError,
    /^option idleTimeout: .*'30m'/,
  ],
  [
    'session({ idleTimeout: 0 })',
    given({ idleTimeout: 0 }),
    RangeError,
    /^option idleTimeout: .*from 1 to 140737488355327/,
  ],
  [
    'session({ absoluteTimeout: "9999999w" })',
    given({ absoluteTimeout: '9999999w' }),
    RangeError,
    /about 4,460 years.*Infinity/,
  ],
  [
    'session({ idleTimeout: "1d" })',
    given({ idleTimeout: '1d' }),
    RangeError,
    /^option idleTimeout: .*absoluteTimeout/,
  ],
  [
    'session({ path: a database)',
    given({ path: `redis://:${SECRET}@host` }),
    TypeError,
    /^option path: .*directory.*redis:$/,
  ],
  [
    'session({ path: new URL(a database) })',
    given({ path: new URL(`redis://:${SECRET}@host`) }),
    TypeError,
    /^option path: .*redis:$/,
  ],
  ['session({ path: "file:///x" })', given({ path: 'file:///x' }), TypeError, /^option path: .*new URL/],
  ['session({ durability }) without a path', given({ durability: 'disk' }), TypeError, /^option durability: .*path/],
  [
    'session({ store, maxSessions })',
    given({ store: new SessionStore(), maxSessions: 5 }),
    TypeError,
    /^option maxSessions: .*set it there/,
  ],
  [
    'session({ concurrency: "last" })',
    given({ concurrency: 'last' }),
    TypeError,
    /^option concurrency: choose one of 'merge'/,
  ],
  [
    'session({ onError: text })',
    given({ onError: SECRET }),
    TypeError,
    /^option onError: pass a function; got a string$/,
  ],
  ['session({ trustProxy: 0 })', given({ trustProxy: 0 }), RangeError, /^option trustProxy: .* from 1 to 100; got 0/],
  [
    'session({ trustProxy: text })',
    given({ trustProxy: 'x' }),
    TypeError,
    /^option trustProxy: choose one of true, false/,
  ],
  [
    'session({ cacheHeaders: text })',
    given({ cacheHeaders: 'no-store' }),
    TypeError,
    /^option cacheHeaders: choose one of true, false; got 'no-store'$/,
  ],
  [
    'session({ clearSiteData: text })',
    given({ clearSiteData: 'storage' }),
    TypeError,
    /^option clearSiteData: pass true, which is \['storage'\], or a list of .*; got 'storage'$/,
  ],
  ['session({ clearSiteData: [] })', given({ clearSiteData: [] }), TypeError, /^option clearSiteData: .*leave it out/],
  [
    'session({ clearSiteData: ["*"] })',
    given({ clearSiteData: ['storage', '*'] }),
    TypeError,
    /^option clearSiteData: choose one of 'cache', 'cookies', 'storage'; got '\*'$/,
  ],
  [
    'session({ clock: Date })',
    given({ clock: Date }),
    TypeError,
    /^option clock: pass a ManualClock.*the function Date$/,
  ],
  [
    'new SessionManager({ secret })',
    () => new SessionManager({ secret: SECRET } as never),
    TypeError,
    /^option session\.secret: /,
  ],
  [
    'new SessionStore({ ttl })',
    () => new SessionStore({ ttl: SECRET } as never),
    TypeError,
    /^option SessionStore\.ttl: .*idleTimeout/,
  ],
  [
    'new SessionStore({ path })',
    () => new SessionStore({ path: SECRET } as never),
    TypeError,
    /SessionStore\.path: .*await SessionStore\.open/,
  ],
  [
    'new SessionStore(a path)',
    () => new SessionStore(SECRET as never),
    TypeError,
    /^option SessionStore: pass an object/,
  ],
  [
    'SessionStore.open(a path)',
    () => SessionStore.open(SECRET as never),
    TypeError,
    /^option SessionStore: pass an object/,
  ],
  [
    'SessionStore.open({ path: "" })',
    () => SessionStore.open({ path: '' }),
    TypeError,
    /^option path: give the path of a directory/,
  ],
  ...[
    'login.example.com',
    '//login.example.com',
    'https://login.example.com/',
    'https://login.example.com/path',
    'https://*.example.com',
    'https://ann@login.example.com',
    'https://login.example.com?a',
    'https://',
    'https://[::',
    'file:///',
    'null',
    '*',
    '',
  ].map((origin): Wrong => {
    const says = /^option csrf\.trustedOrigins: .*without a path.*without wildcards; got /;
    return [`csrf({ trustedOrigins: ['${origin}'] })`, () => csrf({ trustedOrigins: [origin] }), TypeError, says];
  }),
  [
    'csrf({ trustedOrigins: [an origin with its usual port] })',
    () => csrf({ trustedOrigins: ['https://a.example', 'https://B.example:443'] }),
    TypeError,
    /^option csrf\.trustedOrigins: browsers write this origin 'https:\/\/b\.example'; got 'https:\/\/B\.example:443'$/,
  ],
  [
    'csrf({ trustedOrigins: text })',
    () => csrf({ trustedOrigins: 'https://a.example' as never }),
    TypeError,
    /^option csrf\.trustedOrigins: pass a list.*got a string$/,
  ],
  [
    'csrf({ trustedOrigins: [a URL] })',
    () => csrf({ trustedOrigins: [new URL('https://a.example') as never] }),
    TypeError,
    /^option csrf\.trustedOrigins: an origin is .*got an object of the class URL$/,
  ],
  ['csrf({ strict: 1 })', () => csrf({ strict: 1 as never }), TypeError, /^option csrf\.strict: choose one of true/],
  ['csrf({ secret })', () => csrf({ secret: SECRET } as never), TypeError, /^option csrf\.secret: there is no such/],
  ['csrf(text)', () => csrf(SECRET as never), TypeError, /^option csrf: pass an object of options/],
  ['flatSession({ id })', () => flatSession({ id: SECRET } as never), TypeError, /^option flatSession\.id: .*only uid/],
  [
    'flatSession({ uid: text })',
    () => flatSession({ uid: SECRET } as never),
    TypeError,
    /^option flatSession\.uid: pass a function/,
  ],
  ['new ManualClock("now")', () => new ManualClock('now' as never), TypeError, /^option now: give a number/],
  ['clock.advance(-1)', () => new ManualClock().advance(-1), RangeError, /^option advance: /],
];

// `session({ secret: 'hunter2' })` printed the secret into the log.
refuses(wrong);

test('short timeouts are allowed where a test moves the clock, and with their unit', (t) => {
  const clock = new ManualClock();
  t.notThrows(() => new SessionStore({ clock, idleTimeout: 30 }).create({}, { idleTimeout: 5 }));
  t.notThrows(() => new SessionStore({ idleTimeout: '30ms' }).create({}, { idleTimeout: '5ms' }));
  t.notThrows(() => session({ idleTimeout: 10_000 }));
  t.notThrows(
    () => new SessionStore().create({}, { idleTimeout: 1_000 }),
    'the timeout of one session may be computed',
  );
});
