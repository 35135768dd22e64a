/** The back button of a real Chromium after a logout. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import express from 'express';
import type { Page } from 'playwright-core';
import { session, type SessionOptions } from 'agai-session/express';
import { serve } from '../helpers/http.js';
import { launch } from './demo.js';

/** What docs/security.md says to put on private pages. */
const ASK_AGAIN = `<script>addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); })</script>`;

interface Visit {
  readonly page: Page;
  /** How often the private page was made. */
  readonly served: () => number;
}

/** A user who has seen a private page and logged out. With `keepsPages` the browser keeps whole pages for its back button, as it does for its users. */
async function loggedOut(
  t: ExecutionContext,
  { script = '', keepsPages = false, ...options }: SessionOptions & { script?: string; keepsPages?: boolean },
): Promise<Visit> {
  let served = 0;
  const app = express();
  app.use(session(options));
  app.get('/login', (req, res) => {
    req.session.login('ann');
    res.redirect('/private');
  });
  app.get('/private', (req, res) => {
    served += 1;
    const { uid } = req.session;
    res.send(
      uid === 'Guest'
        ? '<p>Log in</p>'
        : `<p>Letters of ${uid}</p><form method="post" action="/logout"><button>Log out</button></form>${script}`,
    );
  });
  app.post('/logout', async (req, res) => {
    await req.session.logout();
    res.redirect(303, '/bye');
  });
  app.get('/bye', (_req, res) => res.send('<p>Goodbye</p>'));
  const url = (await serve(t, app as (req: IncomingMessage, res: ServerResponse) => void)).replace(
    '127.0.0.1',
    'localhost',
  );

  const browser = await launch(keepsPages ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {});
  t.teardown(() => browser.close());
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${url}/login`);
  await page.getByText('Letters of ann').waitFor();
  await page.getByRole('button').click();
  await page.getByText('Goodbye').waitFor();
  return { page, served: () => served };
}

/** Presses the back button. A page that was kept whole makes none of the events that `goBack` waits for. */
async function goBack(page: Page): Promise<void> {
  await page.evaluate('setTimeout(() => history.back(), 0)');
  await page.waitForURL('**/private');
}

test.serial('S37 the back button after a logout asks the server again, and shows no private page', async (t) => {
  const { page, served } = await loggedOut(t, {});
  await goBack(page);
  await page.getByText('Log in').waitFor();
  t.is(await page.getByText('Letters of ann').count(), 0);
  t.is(served(), 2);
});

test.serial('S37 without the headers it shows the private page: they are what prevents that', async (t) => {
  const { page, served } = await loggedOut(t, { cacheHeaders: false });
  await goBack(page);
  await page.getByText('Letters of ann').waitFor();
  t.is(served(), 1);
});

test.serial('S37 a page that the browser keeps whole asks again by the script of docs/security.md', async (t) => {
  const { page, served } = await loggedOut(t, { keepsPages: true, script: ASK_AGAIN });
  await goBack(page);
  await page.getByText('Log in').waitFor();
  t.is(await page.getByText('Letters of ann').count(), 0);
  t.is(served(), 2);
});
