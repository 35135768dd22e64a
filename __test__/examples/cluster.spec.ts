/** A cluster of two, whose processes share one store: a user who is logged in at one is logged in at the other, and so is a logout. */
import test from 'ava';
import { startExample } from '../helpers/example.js';
import { Client } from '../helpers/http.js';

interface Home {
  readonly user: string;
  readonly visits: number;
  readonly process: number;
}

test('each request of a user may come to another process', async (t) => {
  const { origin, errors } = await startExample(t, 'cluster');
  const client = new Client(origin);
  const home = async (): Promise<Home> => JSON.parse((await client.get('/')).body);

  // The second process may still be starting.
  const seen = new Set<number>();
  let visits = 0;
  const visit = async (): Promise<Home> => {
    const answer = await home();
    t.is(answer.visits, ++visits, 'no visit is lost, wherever it was');
    seen.add(answer.process);
    return answer;
  };
  const deadline = Date.now() + 20_000;
  while (seen.size < 2 && Date.now() < deadline) t.is((await visit()).user, 'Guest');
  t.is(seen.size, 2);

  await client.post('/login', { name: 'ann' });
  seen.clear();
  for (let n = 0; n < 8; n++) t.is((await visit()).user, 'ann');
  t.is(seen.size, 2, 'both processes know the login');

  const stolen = client.cookie;
  await client.post('/logout', {});
  for (let n = 0; n < 8; n++) {
    t.regex((await client.get('/', { headers: { cookie: stolen } })).body, /"Guest","visits":1/);
  }
  t.notRegex(errors(), /Error|SESSION_NOT_SHARED/);
});
