/** Form parameters cannot be read from a stolen disk. (That ids cannot is S03, in `__test__/security/token.spec.ts`.) */
import { SessionManager } from 'agai-session';
import test from 'ava';
import { filesBelow, openStore } from '../helpers/durable.js';
import { Client, serve } from '../helpers/http.js';

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
