/** The pages. What is marked `data-part` or `data-region` is renewed by the script without a reload. */
import { STATUS_CODES } from 'node:http';
import { html } from './html.mjs';
import { COLOURS } from './limits.mjs';
import { lifePill } from './panel.mjs';
import { storeColumn } from './store-column.mjs';
import { storyCards } from './story-cards.mjs';
import { youCard } from './you-card.mjs';

/**
 * @param {object} view
 * @param {import('agai-session').Session} view.session
 * @param {ReturnType<import('./watch.mjs').Watch['look']>} view.live
 * @param {string} [view.problem] What was wrong with a log-in.
 * @param {boolean} view.mayKill
 */
export function homePage({ session, live, problem, mayKill }) {
  const { data } = session;
  return layout(
    { session, colour: data.colour, handle: live.own && live.handle, live, mayKill },
    html`<div class="hero">
        <h1>Four promises about logins. Break them, if you can.</h1>
        <p>
          Each story takes a few seconds, sends real requests with your own cookie, and shows the code that makes it.
        </p>
        <p class="problem scriptless">The stories need JavaScript; the forms do not.</p>
      </div>
      <div class="columns">
        <div class="column">${youCard({ session, live, problem })} ${storyCards({ mayKill })}</div>
        ${storeColumn(live)}
      </div>`,
  );
}

const EXPLANATIONS = {
  403: ['Refused', 'This request came from another site.'],
  404: ['There is nothing here', 'No page of the demo has this address.'],
  503: ['The store is full', 'Every place is taken by somebody who is signed in.'],
};

/** @param {{ status: number, message?: string }} problem */
export function errorPage({ status, message }) {
  const [title, text] = EXPLANATIONS[status] ?? ['That did not work', 'Something went wrong on the server.'];
  return layout(
    {},
    html`<section class="card lost">
      <p class="status"><span class="number">${status}</span> ${STATUS_CODES[status]}</p>
      <h1>${title}</h1>
      <p class="hint">${message ?? text} Your session is as it was.</p>
      <a class="button primary" href="/">To the demo</a>
    </section>`,
  );
}

const FOOTER =
  'The demo listens on this machine alone and takes no form from another site, so only you can kill it: here, or with kill -9 in a terminal.';

function layout({ session, colour = COLOURS[0], handle, live, mayKill }, main) {
  return html`<!doctype html>
    <html lang="en" data-colour="${colour}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>agai-session demo</title>
        <link rel="icon" href="/icon.svg" />
        <link rel="stylesheet" href="/base.css" />
        <link rel="stylesheet" href="/stories.css" />
        <link rel="stylesheet" href="/store.css" />
        ${session && html`<script type="module" src="/app.js"></script>`}
      </head>
      <body data-uid="${session?.uid}" data-handle="${handle}" data-now="${live?.now}">
        <header>
          <a class="brand" href="/"><img src="/icon.svg" alt="" width="26" height="26" /> agai-session</a>
          ${live && lifePill(live)} ${session && account(session)}
        </header>
        <main>${main}</main>
        ${mayKill && html`<footer>${FOOTER}</footer>`}
      </body>
    </html>`;
}

function account({ uid, isAuthenticated }) {
  return html`<div id="account" data-region class="account">
    ${
      isAuthenticated &&
      html`<form method="post" action="/logout" data-quiet>
        <span>Signed in as <strong>${uid}</strong></span>
        <button>Sign out</button>
      </form>`
    }
  </div>`;
}
