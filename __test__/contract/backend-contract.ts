/** The contract of `SessionBackend`: the tests that every backend and adapter runs. */
import type { CommitOutcome, SessionBackend, SessionFacts, StoredSession, Timeouts } from 'agai-session';
import type { ExecutionContext, TestFn } from 'ava';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** The timeouts with which `open` opens its backend. */
export const CONTRACT_TIMEOUTS: Timeouts = {
  idleTimeout: 30 * MINUTE,
  guestIdleTimeout: 10 * MINUTE,
  absoluteTimeout: 12 * HOUR,
};

/** A new, empty backend with those timeouts, on a clock that the test sets. */
export interface OpenBackend {
  readonly backend: SessionBackend;
  /** Advances the backend's clock by milliseconds. */
  advance(by: number): void;
  close(): unknown;
}

export interface Capabilities {
  /** `true`: every method returns a value. `false`: every method returns a promise. `'reads'`: those that only read or touch return values. */
  readonly synchronous: boolean | 'reads';
  /** True if the backend finds sessions by raw `Cookie` headers. */
  readonly cookieReader: boolean;
  /** True if the backend finds the sessions of a user. */
  readonly users: boolean;
  /** True if the backend stores any sequence of UTF-16 code units, also lone surrogates. */
  readonly loneSurrogates: boolean;
}

/** Texts that a backend must neither change nor confuse with each other. */
const TEXTS = [
  '{}',
  '{"name":"Ada"}',
  '{"latin1":"é ÿ"}',
  '{"beyond":"ž 漢字 €"}',
  '{"emoji":"👩‍👩‍👧 🎉"}',
  '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":"x"}',
  '{"quotes":"\\" \\\\ \\u0000 \\n"}',
  `{"long":"${'x'.repeat(20_000)}"}`,
  `{"wide":"${'ж'.repeat(9_000)}"}`,
];
const FORMS = ['', '{"post":{"a":"1"}}', '{"get":{"q":"漢"}}', '{"post":{"__proto__":"x"}}'];
const UIDS = [undefined, 'ada', 'Zoë', 'Жанна', '漢字🎉', '__proto__', 'constructor', '{"a":1}', ' ', 'u'.repeat(255)];
const LONE_SURROGATES = ['\ud800', '\udfff', 'a\udc00\ud800z'];

/** A text of data with its keys in order: a backend may keep them in any. */
function sorted(data: string): string {
  const entries = Object.entries(JSON.parse(data) as object);
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

export function backendContract(
  test: TestFn,
  name: string,
  open: () => OpenBackend | Promise<OpenBackend>,
  capabilities: Capabilities,
): void {
  /** Defines a test with a backend of its own, which is closed whatever happens. */
  function contract(
    title: string,
    body: (t: ExecutionContext, backend: SessionBackend, at: OpenBackend) => unknown,
  ): void {
    test(`${name}: ${title}`, async (t) => {
      const opened = await open();
      try {
        await body(t, opened.backend, opened);
      } finally {
        await opened.close();
      }
    });
  }

  contract('the timeouts are properties, and the time is that of the clock', (t, backend, at) => {
    const { idleTimeout, guestIdleTimeout, absoluteTimeout } = backend.timeouts;
    t.deepEqual({ idleTimeout, guestIdleTimeout, absoluteTimeout }, CONTRACT_TIMEOUTS);
    const before = backend.now();
    at.advance(1_234);
    t.is(backend.now() - before, 1_234);
  });

  contract("a guest's new session has the given contents and the guest's timeouts", async (t, backend) => {
    const now = backend.now();
    const facts = await backend.create({ data: '{"a":1}' });
    t.is(facts.version, 1);
    t.is(facts.createdAt, now);
    t.is(facts.lastSeenAt, now);
    t.is(facts.idleTimeout, CONTRACT_TIMEOUTS.guestIdleTimeout);
    t.is(facts.absoluteDeadline, now + CONTRACT_TIMEOUTS.absoluteTimeout);
    t.is(facts.authenticatedAt, 0);
    const stored = await mustLoad(t, backend, facts.id);
    t.deepEqual(contentsOf(stored), { uid: undefined, form: '', data: '{"a":1}' });
    t.deepEqual(numbersOf(stored), numbersOf(facts));
  });

  contract("a user's new session has the user's idle timeout and the time of the login", async (t, backend, at) => {
    at.advance(5);
    const now = backend.now();
    const facts = await backend.create({ data: '{}', form: '{"post":{}}', uid: 'ada' });
    t.is(facts.idleTimeout, CONTRACT_TIMEOUTS.idleTimeout);
    t.is(facts.authenticatedAt, now);
    const stored = await mustLoad(t, backend, facts.id);
    t.deepEqual(contentsOf(stored), { uid: 'ada', form: '{"post":{}}', data: '{}' });
    t.is(stored.authenticatedAt, now);
  });

  contract('an id consists of the handle and a secret, both random', async (t, backend) => {
    const all = await Promise.all(Array.from({ length: 50 }, () => backend.create({ data: '{}' })));
    t.is(new Set(all.flatMap(({ id, handle }) => [id, handle])).size, 100);
    for (const { id, handle } of all) {
      t.regex(id, /^[\w-]{43}$/, '256 bits in an alphabet that a cookie may hold');
      t.is(handle, id.slice(0, 16), 'of which 96 are public');
    }
  });

  contract('the handle of a session is the same wherever it is read', async (t, backend) => {
    const { id, handle } = await backend.create({ data: '{}' });
    t.is((await mustLoad(t, backend, id)).handle, handle);
    t.is(factsOf(t, await backend.commit(id, 1, { data: '{"a":1}' })).handle, handle);
    t.is((await mustLoad(t, backend, id)).handle, handle);
  });

  contract('an unknown id finds nothing and is never adopted', async (t, backend) => {
    const { id } = await backend.create({ data: '{"mine":1}' });
    const last = id.endsWith('A') ? 'E' : 'A';
    const strangers = [
      '',
      'x',
      'A'.repeat(43),
      'A'.repeat(4_096),
      id.slice(0, -1),
      id.slice(0, -1) + last,
      `${id}A`,
      `${id} `,
      ` ${id}`,
      `${id}=`,
      id.slice(0, 16) + 'A'.repeat(27),
      id.toUpperCase() === id ? id.toLowerCase() : id.toUpperCase(),
      '\u0000'.repeat(43),
      'é'.repeat(43),
      '漢'.repeat(43),
      '../../../../etc/passwd',
      '__proto__',
    ];
    for (const stranger of strangers) {
      t.is(await backend.load(stranger, true), undefined);
      t.deepEqual(await backend.commit(stranger, undefined, { data: '{}' }), { status: 'gone' });
      t.deepEqual(await backend.commit(stranger, 1, { data: '{}' }), { status: 'gone' });
      t.deepEqual(await backend.regenerate(stranger, undefined, {}, { uid: 'ada' }), { status: 'gone' });
      t.false(await backend.touch(stranger));
      t.false(await backend.touch(stranger, MINUTE));
      t.false(await backend.destroy(stranger, 'destroy'));
      t.is(await backend.load(stranger, false), undefined, 'still not there');
    }
    t.is((await mustLoad(t, backend, id)).data, '{"mine":1}');
  });

  contract('a commit writes the given parts, keeps the others and increments the version', async (t, backend) => {
    const { id } = await backend.create({ data: '{"a":1}', form: '{"post":{"x":"1"}}', uid: 'ada' });
    t.is(factsOf(t, await backend.commit(id, 1, { data: '{"a":2}' })).version, 2);
    t.deepEqual(contentsOf(await mustLoad(t, backend, id)), {
      uid: 'ada',
      form: '{"post":{"x":"1"}}',
      data: '{"a":2}',
    });
    t.is(factsOf(t, await backend.commit(id, 2, { form: '{"get":{}}' })).version, 3);
    t.deepEqual(contentsOf(await mustLoad(t, backend, id)), { uid: 'ada', form: '{"get":{}}', data: '{"a":2}' });
    t.is(factsOf(t, await backend.commit(id, 3, { form: '' })).version, 4);
    t.deepEqual(contentsOf(await mustLoad(t, backend, id)), { uid: 'ada', form: '', data: '{"a":2}' });
    t.is(factsOf(t, await backend.commit(id, 4, {})).version, 5);
    const stored = await mustLoad(t, backend, id);
    t.is(stored.version, 5);
    t.deepEqual(contentsOf(stored), { uid: 'ada', form: '', data: '{"a":2}' });
  });

  contract(
    'a commit counts as activity, and changes neither the creation time nor the absolute deadline',
    async (t, backend, at) => {
      const created = await backend.create({ data: '{}', uid: 'ada' });
      at.advance(MINUTE);
      const facts = factsOf(t, await backend.commit(created.id, 1, { data: '{"a":1}' }));
      t.is(facts.lastSeenAt, created.lastSeenAt + MINUTE);
      t.is(facts.createdAt, created.createdAt);
      t.is(facts.authenticatedAt, created.authenticatedAt);
      t.is(facts.absoluteDeadline, created.absoluteDeadline);
      t.deepEqual(numbersOf(await mustLoad(t, backend, created.id)), numbersOf(facts));
    },
  );

  contract(
    'a commit with a version that is not the stored one returns a conflict with the stored record',
    async (t, backend) => {
      const { id, handle } = await backend.create({ data: '{"a":1}', form: '{"post":{}}', uid: 'ada' });
      await backend.commit(id, 1, { data: '{"a":2}' });
      for (const version of [1, 3, 1_000_000]) {
        const outcome = await backend.commit(id, version, { data: '{"a":"lost"}', form: '' });
        if (outcome.status !== 'conflict') return t.fail(`version ${version} was answered ${outcome.status}`);
        const { current } = outcome;
        t.deepEqual(contentsOf(current), { uid: 'ada', form: '{"post":{}}', data: '{"a":2}' });
        t.is(current.version, 2);
        t.is(current.id, id);
        t.is(current.handle, handle);
      }
      t.is((await mustLoad(t, backend, id)).version, 2, 'nothing was written');
      return undefined;
    },
  );

  contract('a commit without a version overwrites the stored record', async (t, backend) => {
    const { id } = await backend.create({ data: '{}' });
    await backend.commit(id, 1, { data: '{"a":1}' });
    t.is(factsOf(t, await backend.commit(id, undefined, { data: '{"b":1}' })).version, 3);
    t.is((await mustLoad(t, backend, id)).data, '{"b":1}');
  });

  contract('a commit of keys changes those keys alone, and the version like any other', async (t, backend) => {
    const { id } = await backend.create({ data: '{"a":1,"b":{"c":[2]},"gone":1}', form: '{"post":{}}', uid: 'ada' });
    const keys = [
      ['a', '2'],
      ['new', '[1]'],
      ['gone', null],
      ['never', null],
    ] as const;
    const facts = factsOf(t, await backend.commit(id, 1, { keys }));
    t.is(facts.version, 2);
    const stored = await mustLoad(t, backend, id);
    t.deepEqual(
      { ...contentsOf(stored), data: sorted(stored.data) },
      {
        uid: 'ada',
        form: '{"post":{}}',
        data: '{"a":2,"b":{"c":[2]},"new":[1]}',
      },
    );
    t.deepEqual(numbersOf(stored), numbersOf(facts));
    t.is((await backend.commit(id, 1, { keys: [['a', '3']] })).status, 'conflict');
    t.is(factsOf(t, await backend.commit(id, undefined, { keys: [['a', null]] })).version, 3);
    t.is(sorted((await mustLoad(t, backend, id)).data), '{"b":{"c":[2]},"new":[1]}');
  });

  contract('keys may be any strings, and values any JSON', async (t, backend) => {
    const names = [
      '',
      '__proto__',
      'constructor',
      'toString',
      '0',
      '17',
      'é',
      '漢字',
      '"',
      '\\',
      '\n\u2028',
      'k'.repeat(5_000),
    ];
    const values = ['1', 'null', '"}"', '"\\"a\\":1"', '{"a":{"b":[]}}', '[]', '"漢"', `"${'x'.repeat(3_000)}"`];
    const expected = new Map<string, string>();
    const { id } = await backend.create({ data: '{}' });
    for (const [n, name] of [...names, ...names.toReversed()].entries()) {
      const value = values[n % values.length]!;
      expected.set(name, value);
      factsOf(t, await backend.commit(id, undefined, { keys: [[name, value]] }));
    }
    const data = JSON.parse((await mustLoad(t, backend, id)).data) as object;
    const found = Object.entries(data).map(([key, value]) => [key, JSON.stringify(value)]);
    t.deepEqual(found.toSorted(), [...expected].toSorted());
    factsOf(t, await backend.commit(id, undefined, { keys: names.map((name) => [name, null] as const) }));
    t.is((await mustLoad(t, backend, id)).data, '{}');
  });

  contract('many commits of a key each at once are all kept', async (t, backend) => {
    const { id } = await backend.create({ data: '{}' });
    const commits = Array.from({ length: 50 }, (_, n) =>
      backend.commit(id, undefined, { keys: [[`k${n}`, String(n)]] }),
    );
    for (const outcome of await Promise.all(commits)) factsOf(t, outcome);
    const stored = await mustLoad(t, backend, id);
    t.is(stored.version, 51);
    t.deepEqual(JSON.parse(stored.data), Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, n])));
  });

  contract('a renewal takes changed keys as well, and another user begins with them alone', async (t, backend) => {
    const { id } = await backend.create({ data: '{"cart":[1]}' });
    const keys = [['name', '"Ada"']] as const;
    const ada = factsOf(t, await backend.regenerate(id, undefined, { keys }, { uid: 'ada' }));
    t.is(sorted((await mustLoad(t, backend, ada.id)).data), '{"cart":[1],"name":"Ada"}');
    const bob = factsOf(t, await backend.regenerate(ada.id, undefined, { keys }, { uid: 'bob' }));
    t.is((await mustLoad(t, backend, bob.id)).data, '{"name":"Ada"}');
  });

  contract('exactly one of many commits with the same version succeeds', async (t, backend) => {
    const { id } = await backend.create({ data: '{}' });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => backend.commit(id, 1, { data: `{"n":${n}}` })),
    );
    t.is(outcomes.filter(({ status }) => status === 'ok').length, 1);
    t.is(outcomes.filter(({ status }) => status === 'conflict').length, 19);
    const winner = outcomes.findIndex(({ status }) => status === 'ok');
    t.is((await mustLoad(t, backend, id)).data, `{"n":${winner}}`);
  });

  contract('a result does not change with later writes', async (t, backend, at) => {
    const created = await backend.create({ data: '{"a":1}', form: 'f', uid: 'ada' });
    const first = await mustLoad(t, backend, created.id);
    at.advance(SECOND);
    await backend.commit(created.id, 1, { data: '{"a":2}', form: '', idleTimeout: 5 * MINUTE });
    await backend.create({ data: '{"other":"漢"}' });
    t.is(created.version, 1);
    t.is(created.lastSeenAt, created.createdAt);
    t.deepEqual(contentsOf(first), { uid: 'ada', form: 'f', data: '{"a":1}' });
    t.deepEqual(numbersOf(first), numbersOf(created));
  });

  contract('a session that was ended stays gone: no call brings it back', async (t, backend) => {
    for (const reason of ['destroy', 'logout'] as const) {
      const { id, handle } = await backend.create({ data: '{"a":1}', uid: 'ada' });
      t.true(await backend.destroy(handle, reason));
      t.deepEqual(await backend.commit(id, 1, { data: '{"a":2}' }), { status: 'gone' });
      t.deepEqual(await backend.commit(id, undefined, { data: '{"a":2}' }), { status: 'gone' });
      t.deepEqual(await backend.regenerate(id, 1, { data: '{"a":2}' }), { status: 'gone' });
      t.deepEqual(await backend.regenerate(id, undefined, {}, { uid: 'eve' }), { status: 'gone' });
      t.false(await backend.touch(id, HOUR));
      t.is(await backend.load(id, true), undefined);
      t.false(await backend.destroy(handle, reason), 'ended once only');
    }
  });

  contract(
    'regenerate gives the session a new secret in one step and keeps everything else',
    async (t, backend, at) => {
      const old = await backend.create({ data: '{"cart":[1]}', form: '{"post":{"a":"1"}}', uid: 'ada' });
      at.advance(MINUTE);
      const facts = factsOf(t, await backend.regenerate(old.id, 1, {}));
      t.not(facts.id, old.id);
      t.is(facts.handle, old.handle);
      t.is(facts.version, 2);
      t.is(facts.createdAt, old.createdAt);
      t.is(facts.authenticatedAt, old.authenticatedAt);
      t.is(facts.absoluteDeadline, old.absoluteDeadline);
      t.is(facts.idleTimeout, old.idleTimeout);
      t.is(facts.lastSeenAt, old.lastSeenAt + MINUTE);
      const stored = await mustLoad(t, backend, facts.id);
      t.deepEqual(contentsOf(stored), { uid: 'ada', form: '{"post":{"a":"1"}}', data: '{"cart":[1]}' });
      t.is(await backend.load(old.id, true), undefined, 'the old id is void');
      t.deepEqual(await backend.commit(old.id, undefined, { data: '{}' }), { status: 'gone' });
      t.deepEqual(await backend.regenerate(old.id, undefined, {}), { status: 'gone' });
      t.false(await backend.touch(old.id));
      t.truthy(await backend.load(facts.id, false), 'and none of that harmed the session');
    },
  );

  contract(
    'regenerate with a user id logs that user in, with new deadlines from the timeouts of users',
    async (t, backend, at) => {
      const old = await backend.create({ data: '{"cart":[1]}' });
      at.advance(5 * MINUTE);
      const now = backend.now();
      const facts = factsOf(t, await backend.regenerate(old.id, 1, { data: '{"cart":[1,2]}' }, { uid: 'ada' }));
      t.is(facts.authenticatedAt, now);
      t.is(facts.idleTimeout, CONTRACT_TIMEOUTS.idleTimeout);
      t.is(facts.absoluteDeadline, now + CONTRACT_TIMEOUTS.absoluteTimeout);
      t.is(facts.createdAt, old.createdAt);
      t.is(facts.handle, old.handle);
      t.deepEqual(contentsOf(await mustLoad(t, backend, facts.id)), { uid: 'ada', form: '', data: '{"cart":[1,2]}' });
    },
  );

  contract('a login can have an absolute timeout of its own', async (t, backend, at) => {
    const { id } = await backend.create({ data: '{}' });
    at.advance(MINUTE);
    const login = { uid: 'ada', absoluteTimeout: 2 * HOUR };
    const facts = factsOf(t, await backend.regenerate(id, undefined, { idleTimeout: Infinity }, login));
    t.is(facts.absoluteDeadline, backend.now() + 2 * HOUR);
    at.advance(2 * HOUR - 1);
    const again = factsOf(t, await backend.regenerate(facts.id, undefined, {}));
    t.is(again.absoluteDeadline, facts.absoluteDeadline, 'a renewal does not extend it');
    at.advance(1);
    t.is(await backend.load(again.id, false), undefined);
  });

  contract('a login as another user ends the session and begins a new, empty one', async (t, backend, at) => {
    const ada = await backend.create({ data: '{"hers":1}', form: '{"post":{"a":"1"}}', uid: 'ada' });
    await backend.commit(ada.id, 1, { idleTimeout: HOUR });
    at.advance(MINUTE);
    // With a version that is not the stored one: the session ends, whatever others wrote.
    const bob = factsOf(t, await backend.regenerate(ada.id, 1, {}, { uid: 'bob' }));
    t.not(bob.handle, ada.handle);
    t.is(bob.id.slice(0, 16), bob.handle);
    t.is(bob.version, 1);
    t.is(bob.createdAt, backend.now());
    t.is(bob.authenticatedAt, backend.now());
    t.is(bob.idleTimeout, CONTRACT_TIMEOUTS.idleTimeout);
    t.deepEqual(contentsOf(await mustLoad(t, backend, bob.id)), { uid: 'bob', form: '', data: '{}' });
    t.is(await backend.load(ada.id, false), undefined);
    t.false(await backend.destroy(ada.handle, 'logout'), 'it has ended');
    t.truthy(await backend.load(bob.id, false), 'and the other one has not');
    const written = await backend.regenerate(bob.id, undefined, { data: '{"new":1}', form: 'f' }, { uid: 'cyd' });
    const cyd = factsOf(t, written);
    t.deepEqual(contentsOf(await mustLoad(t, backend, cyd.id)), { uid: 'cyd', form: 'f', data: '{"new":1}' });
    const same = factsOf(t, await backend.regenerate(cyd.id, undefined, {}, { uid: 'cyd' }));
    t.is(same.handle, cyd.handle, "the same user's keeps it");
    t.deepEqual(contentsOf(await mustLoad(t, backend, same.id)), { uid: 'cyd', form: 'f', data: '{"new":1}' });
  });

  contract(
    'a session that was loaded can be ended, whatever its secret is by then, in every order',
    async (t, backend) => {
      for (let renewals = 0; renewals < 3; renewals++) {
        const loaded = await backend.create({ data: '{}', uid: 'ada' });
        let { id } = loaded;
        for (let n = 0; n < renewals; n++) ({ id } = factsOf(t, await backend.regenerate(id, undefined, {})));
        t.true(await backend.destroy(loaded.handle, 'logout'), `after ${renewals} renewals`);
        t.is(await backend.load(id, false), undefined);
        t.deepEqual(await backend.regenerate(id, undefined, {}, { uid: 'ada' }), { status: 'gone' });
      }
    },
  );

  contract('a logout during a renewal or a login ends the session, whichever comes first', async (t, backend) => {
    const renewals = [undefined, { uid: 'ada' }] as const;
    for (let n = 0; n < 100; n++) {
      const { id, handle } = await backend.create({ data: '{}', uid: 'ada' });
      const renew = (): unknown => backend.regenerate(id, undefined, {}, renewals[n % 2]);
      const end = (): unknown => backend.destroy(handle, 'logout');
      const both = n % 4 < 2 ? [renew, end] : [end, renew];
      const outcomes = (await Promise.all(both.map((call) => call()))) as (boolean | CommitOutcome)[];
      t.true(outcomes.includes(true), 'the logout found it');
      const renewed = outcomes.find((outcome) => typeof outcome === 'object' && outcome.status === 'ok');
      const ids = [id, ...(renewed ? [factsOf(t, renewed as CommitOutcome).id] : [])];
      for (const id of ids) t.is(await backend.load(id, true), undefined);
    }
  });

  contract('a login says how sure it is, and each new secret begins another epoch', async (t, backend) => {
    const standing = (facts: SessionFacts): unknown => [facts.epoch, facts.level, facts.remembered];
    const read = async (id: string): Promise<unknown> => {
      const stored = (await backend.load(id, false))!;
      return [...(standing(stored) as unknown[]), [...stored.methods]];
    };
    const guest = await backend.create({ data: '{"cart":[1]}' });
    t.deepEqual(
      [standing(guest), await read(guest.id)],
      [
        [0, 0, false],
        [0, 0, false, []],
      ],
    );
    const renewed = factsOf(t, await backend.regenerate(guest.id, undefined, {}));
    t.deepEqual(await read(renewed.id), [1, 0, false, []]);
    const login = { uid: 'ada', level: 3, methods: ['pwd', 'hwk'], remembered: true };
    const ada = factsOf(t, await backend.regenerate(renewed.id, undefined, {}, login));
    t.deepEqual(
      [standing(ada), await read(ada.id)],
      [
        [2, 3, true],
        [2, 3, true, ['pwd', 'hwk']],
      ],
    );
    t.is((await backend.load(ada.id, false))!.data, '{"cart":[1]}', 'the methods are no part of the data');
    const written = factsOf(t, await backend.commit(ada.id, undefined, { keys: [['漢', '"字"']], form: '{"get":{}}' }));
    t.deepEqual(
      [standing(written), await read(ada.id)],
      [
        [2, 3, true],
        [2, 3, true, ['pwd', 'hwk']],
      ],
    );
    const kept = factsOf(t, await backend.regenerate(ada.id, undefined, {}));
    t.deepEqual(await read(kept.id), [3, 3, true, ['pwd', 'hwk']], 'a new id is no login');
    const plain = factsOf(t, await backend.regenerate(kept.id, undefined, {}, { uid: 'ada' }));
    t.deepEqual(await read(plain.id), [4, 1, false, []], 'a plain login is a plain login');
    const bob = factsOf(
      t,
      await backend.regenerate(plain.id, undefined, {}, { uid: 'bob', level: 2, methods: ['otp'] }),
    );
    t.deepEqual(await read(bob.id), [1, 2, false, ['otp']], 'another user begins anew');
    const made = await backend.create({ data: '{}', ...login });
    t.deepEqual(
      [standing(made), await read(made.id)],
      [
        [1, 3, true],
        [1, 3, true, ['pwd', 'hwk']],
      ],
    );
  });

  contract(
    'regenerate with a version that is not the stored one returns a conflict, and the id does not change',
    async (t, backend) => {
      const { id } = await backend.create({ data: '{"a":1}' });
      await backend.commit(id, 1, { data: '{"a":2}' });
      const outcome = await backend.regenerate(id, 1, { data: '{"lost":1}' }, { uid: 'ada' });
      t.is(outcome.status, 'conflict');
      t.is(outcome.status === 'conflict' ? outcome.current.data : '', '{"a":2}');
      t.is(outcome.status === 'conflict' ? outcome.current.id : '', id);
      t.deepEqual(contentsOf(await mustLoad(t, backend, id)), { uid: undefined, form: '', data: '{"a":2}' });
      t.is(factsOf(t, await backend.regenerate(id, undefined, {})).version, 3);
    },
  );

  contract('exactly one of many renewals of one session succeeds', async (t, backend) => {
    const { id } = await backend.create({ data: '{}' });
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => backend.regenerate(id, undefined, {})));
    t.is(outcomes.filter(({ status }) => status === 'ok').length, 1);
    t.is(outcomes.filter(({ status }) => status === 'gone').length, 9);
  });

  contract('a session expires for every call at the very millisecond of its idle deadline', async (t, backend, at) => {
    const calls: [string, (id: string) => unknown, unknown][] = [
      ['load', (id) => backend.load(id, false), undefined],
      ['load that touches', (id) => backend.load(id, true), undefined],
      ['commit', (id) => backend.commit(id, undefined, { data: '{}' }), { status: 'gone' }],
      ['commit from a version', (id) => backend.commit(id, 1, { data: '{}' }), { status: 'gone' }],
      ['regenerate', (id) => backend.regenerate(id, undefined, {}), { status: 'gone' }],
      ['regenerate as a user', (id) => backend.regenerate(id, 1, {}, { uid: 'ada' }), { status: 'gone' }],
      ['touch', (id) => backend.touch(id), false],
      ['touch for an hour', (id) => backend.touch(id, HOUR), false],
      ['destroy', (id) => backend.destroy(id.slice(0, 16), 'destroy'), false],
    ];
    for (const [what, call, answer] of calls) {
      const { id } = await backend.create({ data: '{}' });
      at.advance(CONTRACT_TIMEOUTS.guestIdleTimeout - 1);
      t.truthy(await backend.load(id, false), 'alive a millisecond before');
      at.advance(1);
      t.deepEqual(await call(id), answer, what);
      t.is(await backend.load(id, false), undefined, what);
    }
  });

  contract('activity moves the idle deadline, and a read without activity does not', async (t, backend, at) => {
    const [looked, loaded, touched, committed] = [
      await backend.create({ data: '{}' }),
      await backend.create({ data: '{}' }),
      await backend.create({ data: '{}' }),
      await backend.create({ data: '{}' }),
    ];
    at.advance(9 * MINUTE);
    const now = backend.now();
    t.is((await mustLoad(t, backend, looked.id)).lastSeenAt, looked.lastSeenAt);
    t.is((await backend.load(loaded.id, true))?.lastSeenAt, now);
    t.true(await backend.touch(touched.id));
    t.is(factsOf(t, await backend.commit(committed.id, 1, {})).lastSeenAt, now);
    at.advance(9 * MINUTE);
    t.is(await backend.load(looked.id, false), undefined);
    for (const { id } of [loaded, touched, committed]) t.is((await mustLoad(t, backend, id)).lastSeenAt, now);
    at.advance(MINUTE);
    for (const { id } of [loaded, touched, committed]) t.is(await backend.load(id, false), undefined);
  });

  contract('no activity moves the absolute deadline', async (t, backend, at) => {
    const { id, absoluteDeadline } = await backend.create({ data: '{}', uid: 'ada' });
    while (backend.now() + 20 * MINUTE < absoluteDeadline) {
      at.advance(20 * MINUTE);
      t.true(await backend.touch(id));
    }
    at.advance(absoluteDeadline - backend.now() - 1);
    t.is((await mustLoad(t, backend, id)).absoluteDeadline, absoluteDeadline);
    t.true(await backend.touch(id, 24 * HOUR));
    at.advance(1);
    t.is(await backend.load(id, true), undefined);
  });

  contract('a session can have timeouts of its own', async (t, backend, at) => {
    const now = backend.now();
    const brief = await backend.create({ data: '{}', idleTimeout: SECOND });
    const ending = await backend.create({ data: '{}', absoluteTimeout: 2 * SECOND });
    const endless = await backend.create({ data: '{}', idleTimeout: Infinity, absoluteTimeout: Infinity });
    t.is(brief.idleTimeout, SECOND);
    t.is(ending.absoluteDeadline, now + 2 * SECOND);
    t.is(endless.idleTimeout, Infinity);
    t.is(endless.absoluteDeadline, Infinity);
    at.advance(SECOND);
    t.is(await backend.load(brief.id, true), undefined);
    t.truthy(await backend.load(ending.id, true));
    at.advance(SECOND);
    t.is(await backend.load(ending.id, true), undefined);
    at.advance(1_000 * 24 * HOUR);
    const stored = await mustLoad(t, backend, endless.id);
    t.is(stored.idleTimeout, Infinity);
    t.is(stored.absoluteDeadline, Infinity);
  });

  contract(
    'touch, commit and regenerate can set the idle timeout, and later calls do not change it',
    async (t, backend, at) => {
      const { id } = await backend.create({ data: '{}' });
      t.true(await backend.touch(id, HOUR));
      t.is((await mustLoad(t, backend, id)).idleTimeout, HOUR);
      at.advance(HOUR - 1);
      t.true(await backend.touch(id), 'kept by a touch that names none');
      t.is(factsOf(t, await backend.commit(id, undefined, { idleTimeout: 2 * HOUR })).idleTimeout, 2 * HOUR);
      at.advance(2 * HOUR - 1);
      t.is(factsOf(t, await backend.commit(id, undefined, { data: '{"a":1}' })).idleTimeout, 2 * HOUR);
      const moved = factsOf(t, await backend.regenerate(id, undefined, { idleTimeout: 3 * HOUR }, { uid: 'ada' }));
      t.is(moved.idleTimeout, 3 * HOUR);
      at.advance(3 * HOUR - 1);
      t.true(await backend.touch(moved.id, SECOND), 'shorter, too');
      at.advance(SECOND);
      t.is(await backend.load(moved.id, false), undefined);
    },
  );

  contract('every text is read back unchanged, in every combination', async (t, backend) => {
    for (const uid of UIDS) {
      for (const form of FORMS) {
        for (const data of TEXTS) {
          const { id } = await backend.create({ data, form, uid });
          const stored = await mustLoad(t, backend, id);
          if (stored.uid !== uid || stored.form !== form || stored.data !== data) {
            t.deepEqual(contentsOf(stored), { uid, form, data });
          }
        }
      }
    }
    t.pass('all texts are unchanged');
  });

  contract('a text of another width replaces the one before completely', async (t, backend) => {
    const { id } = await backend.create({ data: '{}', uid: 'Zoë' });
    for (const data of [...TEXTS, ...TEXTS.toReversed()]) {
      for (const form of FORMS) {
        factsOf(t, await backend.commit(id, undefined, { data, form }));
        t.deepEqual(contentsOf(await mustLoad(t, backend, id)), { uid: 'Zoë', form, data });
      }
    }
  });

  contract('the sessions of a user are listed, last seen first, without their ids', async (t, backend, at) => {
    t.is(typeof backend.sessionsOf, capabilities.users ? 'function' : 'undefined');
    if (!backend.sessionsOf) return;
    const first = await backend.create({ data: '{"secret":1}', uid: 'ada' });
    at.advance(SECOND);
    const guest = await backend.create({ data: '{}' });
    await backend.create({ data: '{}', uid: 'Ada' });
    const second = factsOf(t, await backend.regenerate(guest.id, undefined, {}, { uid: 'ada' }));
    const listed = await backend.sessionsOf('ada');
    t.deepEqual(
      listed.map(({ handle }) => handle),
      [second.handle, first.handle],
    );
    at.advance(SECOND);
    await backend.touch(first.id);
    const [info] = await backend.sessionsOf('ada');
    const { handle, version, createdAt, idleTimeout, absoluteDeadline, authenticatedAt } = first;
    const { bytes, ...rest } = info!;
    const lastSeenAt = backend.now();
    t.deepEqual(rest, {
      handle,
      uid: 'ada',
      version,
      createdAt,
      lastSeenAt,
      idleTimeout,
      absoluteDeadline,
      authenticatedAt,
      idleDeadline: rest.lastSeenAt + idleTimeout,
      level: 1,
      remembered: false,
    });
    t.true(bytes > 0);
    t.deepEqual(await backend.sessionsOf('nobody'), []);
    at.advance(CONTRACT_TIMEOUTS.idleTimeout - SECOND);
    t.is((await backend.sessionsOf('ada')).length, 1, 'one has expired');
  });

  contract('all sessions of a user end together, under whatever ids, except one', async (t, backend) => {
    t.is(typeof backend.destroyUser, capabilities.users ? 'function' : 'undefined');
    if (!backend.destroyUser) return;
    const [one, two, other, guest] = [
      await backend.create({ data: '{}', uid: 'ada' }),
      await backend.create({ data: '{}', uid: 'ada' }),
      await backend.create({ data: '{}', uid: 'bob' }),
      await backend.create({ data: '{}' }),
    ];
    const renewed = factsOf(t, await backend.regenerate(two.id, undefined, {}));
    t.is(await backend.destroyUser('ada', one.handle), 1);
    t.is(await backend.destroyUser('ada', one.handle), 0);
    t.is(await backend.destroyUser('ADA'), 0);
    for (const { id } of [two, renewed]) {
      t.is(await backend.load(id, true), undefined);
      t.deepEqual(await backend.commit(id, undefined, { data: '{}' }), { status: 'gone' });
      t.deepEqual(await backend.regenerate(id, undefined, {}, { uid: 'ada' }), { status: 'gone' });
    }
    for (const { id } of [one, other, guest]) await mustLoad(t, backend, id);
    t.is(await backend.destroyUser('ada', other.handle), 1, "another user's session is no exception");
    await mustLoad(t, backend, other.id);
  });

  contract('a new id alone ends the other sessions of the user in the same step', async (t, backend) => {
    if (!backend.destroyUser) return;
    const [one, two, three, bob] = [
      await backend.create({ data: '{"a":1}', uid: 'ada' }),
      await backend.create({ data: '{}', uid: 'ada' }),
      await backend.create({ data: '{}', uid: 'ada' }),
      await backend.create({ data: '{}', uid: 'bob' }),
    ];
    const keys = [['b', '2']] as const;
    t.is((await backend.regenerate(one.id, 7, { keys }, undefined, true)).status, 'conflict');
    for (const { id } of [one, two, three]) await mustLoad(t, backend, id);
    const renewed = factsOf(t, await backend.regenerate(one.id, undefined, { keys }, undefined, true));
    t.deepEqual([renewed.handle, renewed.epoch], [one.handle, 2]);
    t.is(sorted((await mustLoad(t, backend, renewed.id)).data), '{"a":1,"b":2}');
    for (const { id } of [one, two, three]) t.is(await backend.load(id, false), undefined);
    await mustLoad(t, backend, bob.id);
    // As a login, and for a guest who becomes that user.
    const guest = await backend.create({ data: '{}' });
    const ada = factsOf(t, await backend.regenerate(guest.id, undefined, {}, { uid: 'ada', level: 2 }, true));
    t.deepEqual([(await mustLoad(t, backend, ada.id)).uid, ada.level], ['ada', 2]);
    t.is(await backend.load(renewed.id, false), undefined);
    const nobody = await backend.create({ data: '{}' });
    factsOf(t, await backend.regenerate(nobody.id, undefined, {}, undefined, true));
    await mustLoad(t, backend, bob.id);
  });

  if (capabilities.loneSurrogates) {
    contract('lone surrogates are stored unchanged', async (t, backend) => {
      for (const text of LONE_SURROGATES) {
        const draft = { data: `{"a":"${text}"}`, form: text, uid: text };
        const { id } = await backend.create(draft);
        t.deepEqual(contentsOf(await mustLoad(t, backend, id)), draft);
      }
    });
  }

  const titles = {
    true: 'every method returns a value, never a promise',
    false: 'every method returns a promise',
    reads: 'methods that only read return values',
  };
  contract(titles[`${capabilities.synchronous}`], async (t, backend) => {
    const reads: unknown[] = [];
    const writes: unknown[] = [];
    const settle = async <T>(answer: T | Promise<T>, answers: unknown[]): Promise<T> => {
      answers.push(answer);
      return await answer;
    };
    const { id } = await settle(backend.create({ data: '{}' }), writes);
    await settle(backend.load(id, true), reads);
    await settle(backend.commit(id, 1, {}), writes);
    await settle(backend.touch(id), reads);
    const moved = factsOf(t, await settle(backend.regenerate(id, undefined, {}), writes));
    await settle(backend.destroy(moved.handle, 'destroy'), writes);
    const isPromise = (answer: unknown): boolean => answer instanceof Promise;
    t.is(reads.filter(isPromise).length, capabilities.synchronous === false ? reads.length : 0);
    if (capabilities.synchronous === 'reads') return;
    t.is(writes.filter(isPromise).length, capabilities.synchronous ? 0 : writes.length);
  });

  contract(
    capabilities.cookieReader ? 'finds a session by the raw Cookie header' : 'has no reader of Cookie headers',
    async (t, backend, at) => {
      t.is(typeof backend.cookieReader, capabilities.cookieReader ? 'function' : 'undefined');
      const lookup = backend.cookieReader?.('sid');
      if (!lookup) return;
      const find = async (header: string, touch: boolean): Promise<StoredSession | undefined> => lookup(header, touch);
      const ours = await backend.create({ data: '{"a":"漢"}', form: 'f', uid: 'ada' });
      const theirs = await backend.create({ data: '{}' });
      at.advance(MINUTE);
      const { handle } = ours;
      const found = await find(`a=1; sid=${ours.id}; b=2`, false);
      t.is(found?.id, ours.id);
      t.is(found?.handle, handle);
      t.deepEqual(found && contentsOf(found), { uid: 'ada', form: 'f', data: '{"a":"漢"}' });
      t.is(found?.lastSeenAt, ours.lastSeenAt);
      t.is((await find(`sid=${ours.id}`, true))?.lastSeenAt, backend.now());
      t.is((await find(`sid=nobody; sid=${ours.id}`, false))?.id, ours.id, 'what is no session is passed over');
      t.is(await find(`sid=${ours.id}; sid=${theirs.id}`, false), undefined, 'of two neither: one was planted');
      t.is(await find(`other=${ours.id}`, false), undefined);
      t.is(await find('', false), undefined);
      t.is(await find(`sid=${ours.handle}${'A'.repeat(27)}`, true), undefined, 'a handle is no id');
      t.true(await backend.destroy(ours.handle, 'logout'));
      t.is(await find(`sid=${ours.id}`, true), undefined);
    },
  );
}

export async function mustLoad(t: ExecutionContext, backend: SessionBackend, id: string): Promise<StoredSession> {
  const stored = await backend.load(id, false);
  t.truthy(stored, 'the session is there');
  t.is(stored!.id, id);
  return stored!;
}

export function factsOf(t: ExecutionContext, outcome: CommitOutcome): SessionFacts {
  t.is(outcome.status, 'ok');
  return (outcome as { facts: SessionFacts }).facts;
}

export function contentsOf({ uid, form, data }: StoredSession): object {
  return { uid, form, data };
}

function numbersOf(facts: SessionFacts): object {
  const { version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt } = facts;
  return { version, createdAt, lastSeenAt, idleTimeout, absoluteDeadline, authenticatedAt };
}
