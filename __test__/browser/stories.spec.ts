/** The four stories of the demo, as a visitor plays them. */
import test from 'ava';
import { basketShows, figure, logIn, play, signedIn, signedOut, startDemo, useBrowser, Visitor } from './demo.js';

useBrowser(test);

test.serial('the server is killed, and its sessions are back with what was written just before', async (t) => {
  const demo = await startDemo(t);
  const visitor = await Visitor.arrive(t, demo);
  const page = await visitor.openTab();
  await logIn(page, 'ada');
  await page.getByRole('button', { name: 'One apple more' }).click();
  await basketShows(page, '1 apple, 0 pears');
  const [killed, cookie] = [await demo.server(), await visitor.cookie()];
  const { sentence, told } = await play(page, 'kill');

  const [, sessions] = /^Back in [\w ]+: ([\d,]+) sessions, you are still ada\.$/.exec(sentence) ?? [];
  t.true(Number(sessions) > 1);
  t.regex(told.join('\n'), new RegExp(`write no\\. 1: .*\nprocess ${killed} is gone\n[\\d,]+ ms, with Node`));
  t.not(await demo.server(), killed);
  await page.locator('#life', { hasText: String(await demo.server()) }).waitFor();
  await page.reload();
  await signedIn(page, 'ada');
  await basketShows(page, '1 apple, 0 pears');
  t.is((await visitor.cookie())?.value, cookie?.value);
});

test.serial('a kill from outside is survived too, and the open page says so by itself', async (t) => {
  const demo = await startDemo(t);
  const page = await (await Visitor.arrive(t, demo)).openTab();
  await logIn(page, 'ada');
  const killed = await demo.server();
  process.kill(killed, 'SIGKILL');
  await page.locator('#events .killed').getByText('1 back').waitFor();
  t.not(await demo.server(), killed);
  t.is(await figure(page, 'users'), 1);
  await page.reload();
  await signedIn(page, 'ada');
});

test.serial('two tabs at once: both changes are kept', async (t) => {
  const page = await (await Visitor.arrive(t, await startDemo(t))).openTab();
  const { sentence, told } = await play(page, 'tabs');
  t.is(sentence, 'Both kept: 2 apples, 1 pear.');
  t.deepEqual(told, ['1 apple, 0 pears', 'both version 1', 'both answered', 'version 3']);
  await basketShows(page, '2 apples, 1 pear');
  t.is(await figure(page, 'written'), 2);
});

test.serial('a logout is final although a slower request writes the session', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  await logIn(page, 'grace');
  const { sentence, told } = await play(page, 'logout');
  t.is(sentence, "Still logged out: grace's session did not come back.");
  t.is(told.at(-1), 'ERR_SESSION_GONE');
  await signedOut(page);
  t.is(await visitor.cookie(), undefined);
  t.is(await figure(page, 'users'), 0);
});

test.serial('a login gives a new id that no page shows, and the old one opens nothing', async (t) => {
  const visitor = await Visitor.arrive(t, await startDemo(t));
  const page = await visitor.openTab();
  const answers: Promise<string>[] = [];
  page.on('response', (response) => answers.push(response.text().catch(() => '')));
  await page.getByRole('button', { name: 'One apple more' }).click();
  await basketShows(page, '1 apple, 0 pears');
  const planted = await visitor.cookie();
  const { sentence, told } = await play(page, 'sign-in');
  const given = await visitor.cookie();

  t.is(sentence, 'You are ada, with a new id and the same basket.');
  const [before, after, replayed] = told;
  t.not(before, after);
  t.is(replayed, 'opens: nobody');
  t.not(given?.value, planted?.value);
  const seen = [await page.content(), ...(await Promise.all(answers))].join('\n');
  for (const cookie of [planted, given]) {
    const [handle, secret] = [cookie?.value.slice(0, 16) ?? '-', cookie?.value.slice(16) ?? '-'];
    t.true(seen.includes(handle));
    t.false(seen.includes(secret));
  }
  // Who is signed in already gets a new id too.
  await play(page, 'sign-in');
  t.not((await visitor.cookie())?.value, given?.value);
});

test.serial('the stories can be played one after the other, also by a guest', async (t) => {
  const page = await (await Visitor.arrive(t, await startDemo(t))).openTab();
  t.regex((await play(page, 'kill')).sentence, /you are still ada\.$/);
  await play(page, 'logout');
  await play(page, 'sign-in');
  await play(page, 'tabs');
  t.regex((await play(page, 'kill')).sentence, /you are still ada\.$/);
});
