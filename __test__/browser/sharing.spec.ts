/** Two tabs that share a session, and many sessions that share a store. */
import test from 'ava';
import { figure, figureReaches, logIn, signedIn, startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

test.serial('the changes of two tabs to different keys at the same moment are both stored', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const slow = await visitor.openTab();
  await logIn(slow, 'ada');
  const quick = await visitor.openTab();

  const loads = await figure(quick, 'hits');
  await slow.getByLabel('A note').fill('written slowly');
  await slow.getByLabel('save slowly').check();
  await slow.getByRole('button', { name: 'Add' }).click();
  await figureReaches(quick, 'hits', loads + 1);
  await quick.getByRole('button', { name: 'One more' }).click();
  await quick.locator('#counter', { hasText: '1' }).waitFor();
  t.is(await quick.getByText('written slowly').count(), 0);

  await slow.getByText('written slowly').waitFor();
  await slow.reload();
  t.is(await slow.locator('#counter').textContent(), '1');
  t.is(await slow.getByText('written slowly').count(), 1);
  t.is(await figure(slow, 'merged'), 1);
});

test.serial('a flood of guests evicts guests, and a logged-in user stays logged in', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await logIn(page, 'ada');
  const button = page.getByRole('button', { name: 'Send 500 guests' });
  for (let created = 501; (await figure(page, 'evicted')) === 0 && created < 20_000; created += 500) {
    await button.click();
    await figureReaches(page, 'created', created);
  }

  t.true((await figure(page, 'evicted')) > 0);
  await page.getByText('max-sessions').first().waitFor();
  await page.reload();
  await signedIn(page, 'ada');
  t.is(await figure(page, 'users'), 1);
  t.true((await figure(page, 'sessions')) <= 2_000);
});
