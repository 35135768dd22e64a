/** Logging in to the demo and out of it. */
import test from 'ava';
import { basketShows, figure, logIn, signedIn, signedOut, startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

test.serial('a user is still logged in after a reload', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await logIn(page, 'ada');
  await page.reload();
  await signedIn(page, 'ada');
  t.is(await figure(page, 'users'), 1);
});

test.serial('a visitor who writes nothing gets no session and no cookie', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await page.reload();
  t.is(await visitor.cookie(), undefined);
  t.is(await figure(page, 'created'), 0);
});

test.serial('a login changes the cookie, which scripts cannot read, and keeps the data of the guest', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await page.getByRole('button', { name: 'One apple more' }).click();
  await basketShows(page, '1 apple, 0 pears');
  const asGuest = await visitor.cookie();
  await logIn(page, 'ada');
  const asUser = await visitor.cookie();

  t.truthy(asGuest?.value);
  t.truthy(asUser?.value);
  t.not(asUser?.value, asGuest?.value);
  t.true(asUser?.httpOnly);
  t.is(asUser?.sameSite, 'Lax');
  t.is(await page.evaluate<string>('document.cookie'), '');
  await basketShows(page, '1 apple, 0 pears');
});

test.serial('a user who logs out while another tab waits for a slow request stays logged out', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const slow = await visitor.openTab();
  await logIn(slow, 'ada');
  const other = await visitor.openTab();
  await signedIn(other, 'ada');

  const saved = slow.waitForResponse((response) => new URL(response.url()).pathname === '/stories/slow');
  const [answer] = await Promise.all([
    slow.evaluate("fetch('/stories/slow', { method: 'POST' }).then((response) => response.json())"),
    other.evaluate("fetch('/stories/logout', { method: 'POST' }).then((response) => response.json())"),
  ]);
  t.deepEqual(answer, { code: 'ERR_SESSION_GONE' });
  t.is(await (await saved).headerValue('set-cookie'), null);
  t.is(await visitor.cookie(), undefined);
  await slow.getByText('It was signed out in another tab.').waitFor();
  await slow.getByRole('link', { name: 'Start again' }).click();
  await signedOut(slow);
  t.is(await figure(slow, 'sessions'), 0);
  t.is(await figure(slow, 'created'), 1);
});

test.serial('ending a session from the list signs its user out', async (t) => {
  const demo = await startDemo(t);
  const ada = await (await Visitor.arrive(t, demo)).openTab();
  const grace = await (await Visitor.arrive(t, demo)).openTab();
  await logIn(ada, 'ada');
  await logIn(grace, 'grace');
  await grace.getByRole('button', { name: 'End the session of ada' }).click();
  await ada.getByText('It was ended from the list of sessions.').waitFor();
  await ada.getByRole('link', { name: 'Start again' }).click();
  await signedOut(ada);
  await grace.reload();
  await signedIn(grace, 'grace');
  t.is(await figure(grace, 'users'), 1);
});

test.serial('every form works without JavaScript', async (t) => {
  const visitor = await Visitor.arrive(t, { ...(await startDemo(t)), javaScriptEnabled: false });
  const page = await visitor.openTab();
  const name = '<b>ada</b> & "co"';
  await logIn(page, name);
  t.is(await page.locator('.account strong').innerText(), name);
  await page.getByRole('button', { name: 'One apple more' }).click();
  await basketShows(page, '1 apple, 0 pears');
  await page.getByRole('button', { name: 'rose' }).click();
  await page.locator('html[data-colour="rose"]').waitFor();
  await page.getByLabel('Idle timeout').fill('3');
  await page.getByRole('button', { name: 'Set' }).click();
  await page.getByText('left without activity, of 30 s').waitFor();
  await page.getByRole('button', { name: 'Send 500 guests' }).click();
  await page.locator('[data-figure="guests"]', { hasText: '500' }).waitFor();
  await page.getByText('The stories need JavaScript').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signedOut(page);
  t.is(await visitor.cookie(), undefined);
});
