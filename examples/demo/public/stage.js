/** How long a step is shown at least, in milliseconds, so that it can be read. */
const PACE = 700;

const delay = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The card of one story: its steps, and its outcome. */
export class Stage {
  #card;
  #outcome;
  /** What would happen elsewhere, which the outcome says before the story is played. */
  #otherwise;

  constructor(card) {
    this.#card = card;
    this.#outcome = card.querySelector('.outcome');
    this.#otherwise = this.#outcome.lastElementChild.textContent;
  }

  get name() {
    return this.#card.dataset.story;
  }

  /** As before the story was played. */
  reset() {
    delete this.#outcome.dataset.is;
    this.#say('', this.#otherwise);
    for (const row of this.#card.querySelectorAll('[data-step]')) {
      delete row.dataset.is;
      row.querySelector('.told').textContent = '';
    }
  }

  /**
   * Does one step and shows what came of it.
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} work
   * @param {(result: T, took: number) => string} tell What the step shows, from its result and the milliseconds it took.
   * @returns {Promise<T>}
   */
  async step(name, work, tell) {
    const row = this.#card.querySelector(`[data-step="${name}"]`);
    row.dataset.is = 'running';
    const began = performance.now();
    const shownLongEnough = delay(PACE);
    const result = await work();
    row.querySelector('.told').textContent = tell(result, performance.now() - began);
    await shownLongEnough;
    row.dataset.is = 'done';
    return result;
  }

  /** Says how the story ended: whether the promise was kept, a sentence, and how that can be seen. */
  conclude(isKept, sentence, detail = '') {
    this.#outcome.dataset.is = isKept ? 'kept' : 'broken';
    this.#say(sentence, detail);
  }

  #say(sentence, detail) {
    const [strong, span] = [document.createElement('strong'), document.createElement('span')];
    strong.textContent = sentence;
    span.textContent = detail;
    this.#outcome.replaceChildren(strong, span);
  }
}
