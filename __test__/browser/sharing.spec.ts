/** Two tabs that share a session, and many sessions that share a store. */
import test from 'ava';
import type { Page } from 'playwright-core';
import { basketShows, figure, figureReaches, logIn, signedIn, startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

test.serial('the changes of two tabs to different keys at the same moment are both stored', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const one = await visitor.openTab();
  await logIn(one, 'ada');
  const other = await visitor.openTab();
  // Each answers once both have read the session.
  const add = (page: Page, fruit: string): Promise<{ version: number }> =>
    page.evaluate(`fetch('/stories/tab', { method: 'POST', body: new URLSearchParams({ fruit: '${fruit}' }) })
      .then((response) => response.json())`);
  const [a, b] = await Promise.all([add(one, 'apples'), add(other, 'pears')]);

  t.is(a.version, b.version);
  await one.reload();
  await basketShows(one, '1 apple, 1 pear');
  t.is(await figure(one, 'written'), 2);
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
  await page
    .locator('#events .of-guests')
    .getByText(/[1-9][\d,]* evicted/)
    .waitFor();
  await page.reload();
  await signedIn(page, 'ada');
  t.is(await figure(page, 'users'), 1);
  t.true((await figure(page, 'sessions')) <= 2_000);
});
