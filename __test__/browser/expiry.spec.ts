/** An open page without activity: its panel updates, and its session expires. */
import test from 'ava';
import {
  basketShows,
  figure,
  figureReaches,
  logIn,
  signedIn,
  signedOut,
  startDemo,
  useBrowser,
  Visitor,
} from './demo.js';

useBrowser(test);

test.serial('a session expires after the idle timeout set with the slider although the page is open', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await logIn(page, 'ada');
  await page.getByLabel('Idle timeout').fill('0');
  await page.getByText('left without activity, of 5 s').waitFor();
  t.is(await figure(page, 'expired'), 0);

  await page.getByText('It expired: there was no activity').waitFor();
  await figureReaches(page, 'expired', 1);
  t.is(await figure(page, 'users'), 0);
  await page.getByRole('link', { name: 'Start again' }).click();
  await signedOut(page);
});

test.serial('activity keeps the session alive beyond its idle timeout', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await logIn(page, 'ada');
  await page.getByLabel('Idle timeout').fill('0');
  await page.getByText('left without activity, of 5 s').waitFor();
  // Guests live for at least 5 seconds, so an expired guest proves that this time has passed.
  await page.getByRole('button', { name: 'Send 500 guests' }).click();
  await figureReaches(page, 'created', 501);
  for (let count = 1; (await figure(page, 'expired')) === 0; count++) {
    await page.getByRole('button', { name: 'One apple more' }).click();
    await basketShows(page, `${count} apples?, 0 pears`);
  }
  await page.reload();
  await signedIn(page, 'ada');
  t.is(await figure(page, 'users'), 1);
});

test.serial('the live panel updates by itself', async (t) => {
  const demo = await startDemo(t);
  const watching = await (await Visitor.arrive(t, demo)).openTab();
  let loads = 0;
  watching.on('load', () => (loads += 1));
  const busy = await (await Visitor.arrive(t, demo)).openTab();
  await logIn(busy, 'grace');
  await busy.getByRole('button', { name: 'Send 500 guests' }).click();

  await figureReaches(watching, 'guests', 500);
  await figureReaches(watching, 'users', 1);
  await watching.locator('#people').getByText('grace').waitFor();
  // All guests are in one row; those who are signed in have rows of their own.
  await watching.locator('#events .of-guests').getByText('500 came').waitFor();
  t.is(await watching.locator('#events .created').count(), 1);
  t.is(loads, 0);
});

test.serial('the demo shuts down cleanly while pages are open', async (t) => {
  const demo = await startDemo(t);
  const visitor = await Visitor.arrive(t, demo);
  const page = await visitor.openTab();
  await page.waitForResponse(/\/live/);
  t.is(await demo.stop(), 0);
});

test.serial('a form submitted by another site is refused', async (t) => {
  const { url } = await startDemo(t);
  const send = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/apples`, { method: 'POST', headers, body: new URLSearchParams({ by: '1' }), redirect: 'manual' });
  t.is((await send({ Origin: 'https://elsewhere.example' })).status, 403);
  t.is((await send({ Origin: 'null' })).status, 403);
  t.is((await send({ Origin: url })).status, 303);
});
