/** The column at the side: the store as an operator sees it. */
import { count } from './format.mjs';
import { html } from './html.mjs';
import { FLOOD } from './limits.mjs';
import { events, figures, people } from './panel.mjs';

export function storeColumn(live) {
  return html`<aside class="column side" aria-label="The store">
    <section class="card">
      <div class="head">
        <h2>The store</h2>
        <form method="post" action="/guests" data-quiet>
          <button>Send ${count(FLOOD.guests)} guests</button>
        </form>
      </div>
      ${figures(live)}
    </section>
    <section class="card">
      <h2 id="people-title">Signed in</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="people-title">${people(live)}</div>
    </section>
    <section class="card fill">
      <h2 id="events-title">Events</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="events-title">${events(live)}</div>
    </section>
  </aside>`;
}
