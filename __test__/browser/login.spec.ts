/** Logging in to the demo and out of it. */
import test from 'ava';
import { figure, figureReaches, logIn, signedIn, signedOut, startDemo, useBrowser, Visitor } from './demo.js';

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
  await page.getByRole('button', { name: 'One more' }).click();
  await page.locator('#counter', { hasText: '1' }).waitFor();
  const asGuest = await visitor.cookie();
  await logIn(page, 'ada');
  const asUser = await visitor.cookie();

  t.truthy(asGuest?.value);
  t.truthy(asUser?.value);
  t.not(asUser?.value, asGuest?.value);
  t.true(asUser?.httpOnly);
  t.is(asUser?.sameSite, 'Lax');
  t.is(await page.evaluate<string>('document.cookie'), '');
  t.is(await page.locator('#counter').textContent(), '1');
});

test.serial('a user who logs out while another tab waits for a slow request stays logged out', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const slow = await visitor.openTab();
  await logIn(slow, 'ada');
  const other = await visitor.openTab();
  await signedIn(other, 'ada');

  const loads = await figure(other, 'hits');
  const saved = slow.waitForResponse((response) => new URL(response.url()).pathname === '/notes');
  await slow.getByLabel('A note').fill('too late');
  await slow.getByLabel('save slowly').check();
  await slow.getByRole('button', { name: 'Add' }).click();
  await figureReaches(other, 'hits', loads + 1);
  await other.getByRole('button', { name: 'Sign out' }).click();
  await signedOut(other);
  t.is(await visitor.cookie(), undefined);

  const response = await saved;
  t.is(response.status(), 303);
  t.is(await response.headerValue('set-cookie'), null);
  await signedOut(slow);
  t.is(await visitor.cookie(), undefined);
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
  await logIn(page, 'ada');
  await page.getByLabel('A note').fill('<b>bold</b> & "quoted"');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('<b>bold</b> & "quoted"', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'One more' }).click();
  await page.locator('#counter', { hasText: '1' }).waitFor();
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('No notes yet.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await signedOut(page);
  t.is(await visitor.cookie(), undefined);
});
