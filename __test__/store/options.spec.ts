/** Each wrong option is refused with an error that names the option, what it got and the mend. */
import { SessionStore, type SessionStoreOptions } from 'agai-session';
import { ManualClock } from 'agai-session/testing';
import test from 'ava';
import { inspect } from 'node:util';

const UNITS = /units ms, s, m, h, d, w/;
const WHOLE = /whole number of milliseconds from 1 to 140737488355327 \(about 4,460 years\); Infinity means no limit/;
const SIZES = /units KiB, MiB, GiB/;
const DURATIONS = ['idleTimeout', 'guestIdleTimeout', 'absoluteTimeout'] as const;
const SIZE_OPTIONS = ['maxBytes', 'maxSessionBytes'] as const;

/** Options, the class of the error, the option that it names, what it shows of the value (`undefined`: nothing), and the mend. */
const wrong: [Record<string, unknown>, typeof TypeError | typeof RangeError, string, string | undefined, RegExp][] = [
  [{ maxSession: 5 }, TypeError, 'SessionStore.maxSession', undefined, /no such option, only maxSessions, /],
  [{ ttl: '5m' }, TypeError, 'SessionStore.ttl', undefined, /set idleTimeout/],
  [{ idletimeout: '5m' }, TypeError, 'SessionStore.idletimeout', undefined, /did you mean idleTimeout\?/],
  [{ path: 'sessions.data' }, TypeError, 'SessionStore.path', undefined, /await SessionStore\.open/],
  [{ durability: 'disk' }, TypeError, 'SessionStore.durability', undefined, /await SessionStore\.open/],

  [{ maxSessions: '5' }, TypeError, 'maxSessions', "'5'", /give a number/],
  [{ maxSessions: 5n }, TypeError, 'maxSessions', '5n', /give a number/],
  [{ maxSessions: null }, TypeError, 'maxSessions', 'null', /give a number/],
  [{ maxSessions: {} }, TypeError, 'maxSessions', 'an object', /give a number/],
  [{ maxSessions: Symbol('s') }, TypeError, 'maxSessions', 'a symbol', /give a number/],
  ...[NaN, 0, -1, 1.5, 2 ** 32 - 1, 2 ** 53, Infinity, -Infinity].map((value): (typeof wrong)[number] => [
    { maxSessions: value },
    RangeError,
    'maxSessions',
    String(value),
    /whole number from 1 to 4294967294/,
  ]),

  ...DURATIONS.flatMap((option): typeof wrong => [
    ...([NaN, 0, -1, 0.5, 2 ** 47, 2 ** 60, -Infinity, '0s', '0.0001ms', '99999999w'] as const).map(
      (value): (typeof wrong)[number] => [{ [option]: value }, RangeError, option, show(value), WHOLE],
    ),
    ...[
      '',
      '5',
      'm',
      '5 m',
      '5M',
      '5min',
      '-5m',
      '+5m',
      '1e3s',
      '0x5m',
      '5m ',
      ' 5m',
      '5m5s',
      '.5m',
      '5.m',
      'Infinity',
      '5__proto__',
      '5constructor',
    ].map((value): (typeof wrong)[number] => [{ [option]: value }, TypeError, option, show(value), UNITS]),
    ...[null, true, {}, [], 5n, Symbol('s'), () => 5, new Date(5)].map((value): (typeof wrong)[number] => [
      { [option]: value },
      TypeError,
      option,
      '',
      UNITS,
    ]),
  ]),

  ...SIZE_OPTIONS.flatMap((option): typeof wrong => [
    ...([NaN, 0, -1, 0.5, 2 ** 47, Infinity, '0KiB', '999999GiB'] as const).map((value): (typeof wrong)[number] => [
      { [option]: value },
      RangeError,
      option,
      show(value),
      /whole number of bytes from 1 to 140737488355327/,
    ]),
    ...['', '5', '5KB', '5kib', '5 KiB', '5m', 'KiB', '-5KiB', '5B'].map((value): (typeof wrong)[number] => [
      { [option]: value },
      TypeError,
      option,
      show(value),
      SIZES,
    ]),
    ...[null, true, {}, [], 5n].map((value): (typeof wrong)[number] => [
      { [option]: value },
      TypeError,
      option,
      '',
      SIZES,
    ]),
  ]),

  ...[null, {}, 5, 'now', Date, { now: () => 5 }, ManualClock].map((value): (typeof wrong)[number] => [
    { clock: value },
    TypeError,
    'clock',
    '',
    /ManualClock from 'agai-session\/testing'/,
  ]),

  // Options that contradict each other.
  [
    { maxBytes: 1_000 },
    RangeError,
    'maxSessionBytes',
    "'64KiB'",
    /fit in maxBytes \(1000\).*lower it or raise maxBytes/,
  ],
  [{ maxBytes: '64KiB', maxSessionBytes: '64KiB' }, RangeError, 'maxSessionBytes', "'64KiB'", /raise maxBytes/],
  [{ maxSessionBytes: '1GiB' }, RangeError, 'maxSessionBytes', "'1GiB'", /raise maxBytes/],
  [{ idleTimeout: '13h' }, RangeError, 'idleTimeout', "'13h'", /cannot exceed absoluteTimeout: lower it or raise/],
  [{ absoluteTimeout: '10m' }, RangeError, 'idleTimeout', "'30m'", /cannot exceed absoluteTimeout/],
  [{ idleTimeout: '2ms', absoluteTimeout: '1ms' }, RangeError, 'idleTimeout', "'2ms'", /cannot exceed absoluteTimeout/],
  [{ guestIdleTimeout: '13h' }, RangeError, 'guestIdleTimeout', "'13h'", /cannot exceed absoluteTimeout/],
];

function show(value: string | number): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

for (const [options, Type, option, value, mend] of wrong) {
  test(`refused with a ${Type.name}: ${inspect(options)}`, (t) => {
    const error = t.throws(() => new SessionStore(options as SessionStoreOptions), { instanceOf: Type });
    t.true(error?.message.startsWith(`option ${option}: `), error?.message);
    if (value === undefined) t.notRegex(error?.message ?? '', /got /);
    else t.true(error?.message.includes(`got ${value}`), error?.message);
    t.regex(error?.message ?? '', mend);
  });
}

test('anything but an object of options is refused', (t) => {
  for (const options of [5, 'text', true, [], Symbol('s')]) {
    t.throws(() => new SessionStore(options as never), {
      instanceOf: TypeError,
      message: /^option SessionStore: pass an object/,
    });
  }
});

// The options were taken apart before they were looked at.
test('null is refused like anything else that is not an object of options', (t) => {
  t.throws(() => new SessionStore(null as never), {
    instanceOf: TypeError,
    message: /^option SessionStore: pass an object/,
  });
});

test('a store cannot be made without new', (t) => {
  t.throws(() => (SessionStore as unknown as () => void)(), { instanceOf: TypeError });
});

test('the options are read once, when the store is created', (t) => {
  const clock = new ManualClock(0);
  const options = { clock, maxSessions: 2, idleTimeout: '1m' as const };
  const store = new SessionStore(options);
  options.maxSessions = 1;
  store.create({});
  store.create({});
  t.is(store.size, 2);
  t.notThrows(() => new SessionStore(Object.freeze({ clock })));
});

test('an option that is undefined gets its default', (t) => {
  const undefinedOptions = { maxSessions: undefined, maxBytes: undefined, idleTimeout: undefined, clock: undefined };
  using store = new SessionStore(undefinedOptions as unknown as SessionStoreOptions);
  const { idleTimeout, guestIdleTimeout, absoluteTimeout } = store.backend.timeouts;
  t.deepEqual(
    { idleTimeout, guestIdleTimeout, absoluteTimeout },
    { idleTimeout: 1_800_000, guestIdleTimeout: 1_800_000, absoluteTimeout: 43_200_000 },
  );
});

test('guests have the idle timeout of users unless it is set', (t) => {
  using same = new SessionStore({ idleTimeout: '2h' });
  using other = new SessionStore({ idleTimeout: '2h', guestIdleTimeout: '1m' });
  t.is(same.backend.timeouts.guestIdleTimeout, 7_200_000);
  t.is(other.backend.timeouts.guestIdleTimeout, 60_000);
});

for (const [literal, milliseconds] of [
  [10_000, 10_000],
  [90_000, 90_000],
  ['1ms', 1],
  ['90s', 90_000],
  ['1.5s', 1_500],
  ['30m', 1_800_000],
  ['0.5h', 1_800_000],
  ['12h', 43_200_000],
  ['14d', 1_209_600_000],
  ['2w', 1_209_600_000],
  ['007s', 7_000],
  [Infinity, Infinity],
] as const) {
  test(`the duration ${show(literal)} is ${milliseconds} ms`, (t) => {
    using store = new SessionStore({ idleTimeout: literal as number, absoluteTimeout: Infinity });
    t.is(store.backend.timeouts.idleTimeout, milliseconds);
    t.is(store.create({}, { uid: 'ada' }).idleTimeout, milliseconds);
    const { id, idleTimeout } = store.create({}, { idleTimeout: literal as number });
    t.is(idleTimeout, milliseconds);
    t.true(milliseconds === 1 || store.touch(id, { idleTimeout: literal as number }));
  });
}

for (const [literal, bytes] of [
  [600, 600],
  ['1KiB', 1_024],
  ['1.5KiB', 1_536],
  ['64KiB', 65_536],
  ['0.5MiB', 524_288],
  ['1MiB', 1_048_576],
] as const) {
  test(`the size ${show(literal)} is ${bytes} bytes`, (t) => {
    using store = new SessionStore({ maxSessionBytes: literal as number });
    const overhead = '{"a":""}'.length;
    t.notThrows(() => store.create({ a: 'x'.repeat(bytes - overhead) }));
    t.throws(() => store.create({ a: 'x'.repeat(bytes - overhead + 1) }), { code: 'ERR_SESSION_TOO_LARGE' });
  });
}

test('the smallest and largest allowed values work', (t) => {
  const clock = new ManualClock(0);
  const longest = 2 ** 47 - 1;
  using store = new SessionStore({
    clock,
    maxSessions: 2 ** 32 - 2,
    maxBytes: 2 ** 46,
    idleTimeout: longest,
    absoluteTimeout: longest,
  });
  const { id, absoluteDeadline } = store.create({});
  t.is(absoluteDeadline, longest);
  clock.advance(longest - 1);
  t.true(store.has(id));
  clock.advance(1);
  t.false(store.has(id));
});
