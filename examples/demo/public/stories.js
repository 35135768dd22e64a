/** The four stories. Each sends real requests with the visitor's own cookie, and concludes from what the server says afterwards. */
import { markLive, changing, refresh, user } from './page.js';
import { Stage } from './stage.js';

const number = new Intl.NumberFormat('en');
const ms = (milliseconds) => (milliseconds < 1 ? 'under 1 ms' : `${number.format(Math.round(milliseconds))} ms`);
const plural = (count, name) => `${number.format(count)} ${name}${count === 1 ? '' : 's'}`;
const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** How often a server that was killed is asked, and for how long, in milliseconds. */
const ASK_AGAIN = 40;
const GIVE_UP = 60_000;

/** Sends a story's request; its answer is JSON. */
async function post(name, fields = {}) {
  const response = await fetch(`/stories/${name}`, { method: 'POST', body: new URLSearchParams(fields) });
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  return response.json();
}

const session = async () => (await fetch('/stories/session')).json();

/** Whoever is signed in stays so; a guest becomes ada. */
async function beSignedIn() {
  if (user() === 'Guest') await changing(() => post('sign-in', { name: 'ada' }));
  await refresh();
  return session();
}

async function kill(stage) {
  const before = await stage.step(
    'guests',
    async () => {
      const before = await beSignedIn();
      await fetch('/guests', { method: 'POST' });
      await refresh();
      return before;
    },
    () => `${document.querySelector('[data-figure="sessions"]').textContent} sessions`,
  );
  const written = await stage.step(
    'write',
    () => changing(() => post('kill')),
    ({ writes }, took) => `write no. ${writes}: ${ms(took)}`,
  );
  await stage.step(
    'kill',
    () => until(async () => (await life().catch(() => {}))?.pid !== written.pid),
    () => `process ${written.pid} is gone`,
  );
  markLive(false);
  const after = await stage.step(
    'back',
    () => until(async () => life().catch(() => {})),
    ({ killed }) => `${ms(killed.outage)}, with Node's start`,
  );
  await refresh();
  const found = await session();
  stage.conclude(
    found.uid === before.uid && found.handle === before.handle && found.writes === written.writes,
    `Back in ${ms(after.openedIn)}: ${plural(after.sessions, 'session')}, you are still ${found.uid}.`,
    `Process ${after.pid} read them from the disk, with write no. ${found.writes} from the moment before the kill.`,
  );
}

const life = async () => (await fetch('/life')).json();

/** Asks until there is an answer that is not false. */
async function until(ask) {
  for (const end = Date.now() + GIVE_UP; Date.now() < end;) {
    const answer = await ask();
    if (answer) return answer;
    await delay(ASK_AGAIN);
  }
  throw new Error('the server did not come back');
}

const inBasket = ({ apples, pears }) => `${plural(apples, 'apple')}, ${plural(pears, 'pear')}`;

async function tabs(stage) {
  const before = await stage.step('basket', () => post('apple'), inBasket);
  const both = await stage.step(
    'read',
    () => Promise.all([post('tab', { fruit: 'apples' }), post('tab', { fruit: 'pears' })]),
    ([a, b]) => (a.version === b.version ? `both version ${a.version}` : `versions ${a.version}, ${b.version}`),
  );
  await stage.step(
    'write',
    async () => both,
    () => 'both answered',
  );
  const after = await stage.step('stored', session, ({ version }) => `version ${version}`);
  await refresh();
  stage.conclude(
    after.apples === before.apples + 1 && after.pears === before.pears + 1,
    `Both kept: ${inBasket(after)}.`,
    'Each commit wrote its one key, and left the other as it was by then.',
  );
}

async function logout(stage) {
  const before = await stage.step('sign-in', beSignedIn, ({ uid }) => uid);
  const slow = post('slow');
  slow.catch(() => {});
  await stage.step(
    'slow',
    async () => {},
    () => 'running',
  );
  await stage.step(
    'logout',
    async () => {
      await changing(() => post('logout'));
      await refresh();
    },
    (_, took) => ms(took),
  );
  const { code } = await stage.step(
    'late',
    () => slow,
    ({ code }) => code,
  );
  await refresh();
  const after = await session();
  stage.conclude(
    after.uid === 'Guest' && code === 'ERR_SESSION_GONE',
    `Still logged out: ${before.uid}'s session did not come back.`,
    'The write reached nothing, and its answer brought no cookie.',
  );
}

async function signIn(stage) {
  const before = await stage.step(
    'before',
    () => changing(() => post('apple')),
    ({ id }) => `id #${id}`,
  );
  const name = user() === 'Guest' ? 'ada' : user();
  const after = await stage.step(
    'login',
    () => changing(() => post('sign-in', { name })),
    ({ id }) => `id #${id}`,
  );
  await stage.step(
    'replay',
    async () => after,
    ({ opened }) => `opens: ${opened}`,
  );
  await refresh();
  await stage.step('kept', async () => after, inBasket);
  stage.conclude(
    after.opened === 'nobody' && after.id !== before.id && after.apples === before.apples,
    `You are ${after.uid}, with a new id and the same basket.`,
    `The handle is still ${after.handle.slice(0, 8)}. The letters after # are a hash: no page ever shows an id.`,
  );
}

const plays = { kill, tabs, logout, 'sign-in': signIn };

/** Makes the buttons of the stories work; one story runs at a time. */
export function playStories() {
  const buttons = [...document.querySelectorAll('[data-run][data-offered="true"]')];
  const enable = (isEnabled) => {
    for (const button of buttons) button.disabled = !isEnabled;
  };
  for (const button of buttons) {
    const card = button.closest('[data-story]');
    const stage = new Stage(card);
    button.addEventListener('click', async () => {
      enable(false);
      card.setAttribute('aria-busy', 'true');
      stage.reset();
      try {
        await plays[stage.name](stage);
      } catch (error) {
        stage.conclude(false, 'The story broke off.', `${error.message}. Try it again.`);
      }
      card.removeAttribute('aria-busy');
      enable(true);
      button.focus({ preventScroll: true });
    });
  }
  enable(true);
}
