/** Neither cookies nor form parameters can be read from a stolen disk. */
import { SessionManager } from 'agai-session';
import test from 'ava';
import { DURABILITIES, filesBelow, openStore } from '../helpers/durable.js';
import { Client, serve } from '../helpers/http.js';

for (const durability of DURABILITIES) {
  test(`${durability}: no file contains a session id in any encoding`, async (t) => {
    const store = await openStore(t, { durability });
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) {
      const { id } = await store.create({ findable: `data-${n}` });
      const moved = await store.regenerate(id, { uid: `u${n}` });
      ids.push(id, moved!.id);
    }
    await store.checkpoint();
    await store.update(ids.at(-1)!, (data) => void (data['late'] = true));
    await store.destroy(ids[1]!);
    await store.flush();
    const scan = (): void => {
      const files = filesBelow(store.path);
      t.true(
        files.some(({ bytes }) => bytes.includes('data-7')),
        'the data itself is found',
      );
      for (const { name, bytes } of files) {
        for (const id of ids) {
          const raw = Buffer.from(id, 'base64url');
          const forms = [Buffer.from(id), Buffer.from(id, 'utf16le'), raw, Buffer.from(raw.toString('hex'))];
          if (forms.some((form) => bytes.includes(form))) t.fail(`${name} holds the id of a session`);
        }
      }
    };
    scan();
    await store.close();
    scan();
  });
}

test('form parameters are never written to the disk', async (t) => {
  const store = await openStore(t, { durability: 'disk' });
  const manager = new SessionManager<{ n?: number }>({ store });
  const origin = await serve(t, async (req, res) => {
    const session = await manager.start(req, res);
    session.data.n = (session.data.n ?? 0) + 1;
    res.end(JSON.stringify(session.getParameters));
  });
  const client = new Client(origin);
  await client.get('/?search=needle-in-the-query');
  t.is((await client.get('/')).body, '{"search":"needle-in-the-query"}', 'kept by the session in memory');
  await store.checkpoint();
  await client.get('/?search=another-needle');
  await store.close();
  for (const { name, bytes } of filesBelow(store.path)) {
    for (const encoding of ['utf8', 'utf16le'] as const) {
      t.false(bytes.includes(Buffer.from('needle', encoding)), name);
    }
  }
});
