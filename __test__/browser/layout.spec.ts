/** What the page is like on a desktop and on a phone, and the page for what is not there. */
import test from 'ava';
import { logIn, play, signedIn, startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

/** The most that the layout shifts may sum up to: digits that change their width, but nothing else. web.dev calls 0.1 good. */
const MOST_SHIFT = 0.005;
const WATCH_SHIFTS = `
  globalThis.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) globalThis.shifted += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  document.documentElement.scrollWidth - innerWidth`;

for (const [name, viewport] of Object.entries({
  desktop: { width: 1400, height: 900 },
  phone: { width: 360, height: 740 },
})) {
  test.serial(`nothing moves while stories are played, and nothing is wider than the page: ${name}`, async (t) => {
    const page = await (await Visitor.arrive(t, { ...(await startDemo(t)), viewport })).openTab();
    t.is(await page.evaluate(WATCH_SHIFTS), 0);
    await play(page, 'sign-in');
    await play(page, 'tabs');
    await play(page, 'kill');
    await play(page, 'logout');
    const shifted = await page.evaluate<number>('shifted');
    t.true(shifted < MOST_SHIFT, `shifted by ${shifted}`);
    t.is(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 0);
  });
}

test.serial('an address without a page answers 404 with a page that leads back', async (t) => {
  const page = await (await Visitor.arrive(t, await startDemo(t))).openTab();
  await logIn(page, 'ada');
  t.is((await page.goto('/nothing'))?.status(), 404);
  await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
  // The style sheet is there, under the policy that the page has.
  t.is(await page.evaluate("getComputedStyle(document.querySelector('.card')).display"), 'grid');
  await page.getByRole('link', { name: 'To the demo' }).click();
  await signedIn(page, 'ada');
});
