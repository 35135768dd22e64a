/** Who may kill the demo's server, and that nothing of the demo stays behind. */
import { request } from 'node:http';
import test from 'ava';
import { startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

/** Sends a form with headers that `fetch` would not send; resolves with the status. */
function post(url: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.on('error', reject).end();
  });
}

test.serial('another site cannot kill the server, by whatever name it reaches it', async (t) => {
  const demo = await startDemo(t);
  const { port } = new URL(demo.url);
  const kill = `${demo.url}/stories/kill`;
  const before = await demo.server();
  t.is(await post(kill, { Origin: 'https://elsewhere.example' }), 403);
  t.is(await post(kill, { 'Sec-Fetch-Site': 'same-site' }), 403);
  // DNS rebinding: the site's own name leads to this machine, so that its requests are of the same origin.
  for (const host of [
    `elsewhere.example:${port}`,
    `localhost.elsewhere.example:${port}`,
    `0.0.0.0:${port}`,
    ':',
    '[::',
  ]) {
    t.is(await post(kill, { Host: host, 'Sec-Fetch-Site': 'same-origin', Origin: `http://${host}` }), 403, host);
  }
  t.is(await demo.server(), before);
});

test.serial('a demo that the network reaches offers no kill', async (t) => {
  const demo = await startDemo(t, { HOST: '0.0.0.0' });
  const url = `http://localhost:${new URL(demo.url).port}`;
  const before = await demo.server();
  t.is(await post(`${url}/stories/kill`, { 'Sec-Fetch-Site': 'same-origin' }), 403);
  t.is(await demo.server(), before);
  const page = await (await Visitor.arrive(t, { url })).openTab();
  await page.locator('[data-story="tabs"] [data-run]:enabled').waitFor();
  t.true(await page.locator('[data-story="kill"] [data-run]').isDisabled());
});

test.serial('the server ends when its supervisor is killed', async (t) => {
  const demo = await startDemo(t);
  process.kill(demo.supervisor, 'SIGKILL');
  const isThere = (): Promise<boolean> =>
    demo.server().then(
      () => true,
      () => false,
    );
  while (await isThere());
  t.pass();
});
