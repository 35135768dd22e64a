/** The demo in a process of its own, and a browser that visits it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext, TestFn } from 'ava';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type Cookie,
  type LaunchOptions,
  type Page,
} from 'playwright-core';
import { endOf } from '../helpers/child.js';

const SUPERVISOR = fileURLToPath(new URL('../../examples/demo/supervisor.mjs', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

function findChromium(): string {
  const { CHROMIUM_PATH, PATH = '' } = process.env;
  const found =
    CHROMIUM_PATH ??
    PATH.split(delimiter)
      .map((folder) => join(folder, 'chromium'))
      .find(existsSync);
  if (found === undefined) throw new Error('the browser tests need Chromium: name it in CHROMIUM_PATH');
  return found;
}

/** Starts a browser; who starts it closes it. */
export function launch(options: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: FLAGS, ...options });
}

let browser: Promise<Browser> | undefined;

/** One browser for all tests of a file, closed after them. */
export function useBrowser(test: TestFn): void {
  test.after.always('the browser is closed', async () => {
    await (await browser)?.close();
  });
}

export interface Demo {
  readonly url: string;
  /** The process that answers now; the supervisor's is `supervisor`. */
  readonly server: () => Promise<number>;
  readonly supervisor: number;
  /** Asks the demo to end; resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Starts the demo on a free port; it ends with the test. */
export async function startDemo(t: ExecutionContext, env: NodeJS.ProcessEnv = {}): Promise<Demo> {
  const folder = mkdtempSync(join(tmpdir(), 'agai-demo-'));
  const demo = spawn(process.execPath, [SUPERVISOR], {
    env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: '', PORT: '0', DATA: join(folder, 'sessions.data'), ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = endOf(demo);
  const stop = async (): Promise<number | null> => {
    demo.kill('SIGTERM');
    return (await ended).code;
  };
  t.teardown(async () => {
    await stop();
    rmSync(folder, { recursive: true });
  });
  // An interrupted run has no teardown.
  process.once('exit', () => demo.kill());
  const line = await Promise.race([once(demo.stdout, 'data').then(String), ended.then(({ code }) => `exit ${code}`)]);
  const [url] = /http:\S+/.exec(line) ?? [];
  if (url === undefined) throw new Error(`the demo did not start: ${line}`);
  const server = async (): Promise<number> => {
    const { pid } = (await (await fetch(`${url}/life`)).json()) as { pid: number };
    return pid;
  };
  return { url, stop, server, supervisor: Number(demo.pid) };
}

export interface VisitorOptions {
  /** The demo's address. */
  readonly url: string;
  /** The size of the window; a desktop's unless given. */
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly javaScriptEnabled?: boolean;
}

/** A user with a browser profile of their own. */
export class Visitor {
  readonly #context: BrowserContext;
  /** What the browser reported: script errors, and violations of the content security policy. */
  readonly #complaints: string[] = [];

  private constructor(context: BrowserContext) {
    this.#context = context;
  }

  static async arrive(
    t: ExecutionContext,
    { url, javaScriptEnabled = true, viewport }: VisitorOptions,
  ): Promise<Visitor> {
    browser ??= launch();
    const context = await (
      await browser
    ).newContext({ baseURL: url, javaScriptEnabled, ...(viewport && { viewport }) });
    const visitor = new Visitor(context);
    t.teardown(async () => {
      await context.close();
      if (visitor.#complaints.length > 0) throw new Error(visitor.#complaints.join('\n'));
    });
    return visitor;
  }

  /** Opens a tab with the page. Errors that the browser reports there fail the test. */
  async openTab(): Promise<Page> {
    const page = await this.#context.newPage();
    page.on('pageerror', (error) => this.#complaints.push(error.stack ?? String(error)));
    page.on('console', (message) => {
      // Failing requests to a stopped server are no error of the page, nor is a page that is opened although it is not there.
      const isExpected = message.text().includes('net::ERR_') || message.location().url === page.url();
      if (message.type() === 'error' && !isExpected) this.#complaints.push(message.text());
    });
    await page.goto('/');
    return page;
  }

  /** The session's cookie in the browser. */
  async cookie(): Promise<Cookie | undefined> {
    return (await this.#context.cookies()).find(({ name }) => name === 'id');
  }
}

export async function logIn(page: Page, name: string): Promise<void> {
  const form = page.locator('form.login');
  await form.getByLabel('User name').fill(name);
  await form.getByLabel('Password').fill('any');
  await form.getByRole('button', { name: 'Sign in' }).click();
  await signedIn(page, name);
}

/** Waits until the page shows a signed-in user and its script runs. */
export async function signedIn(page: Page, name: string): Promise<void> {
  await page.getByText(`Signed in as ${name}`).waitFor();
  await page.waitForLoadState();
}

/** Waits until the page shows the login form. */
export async function signedOut(page: Page): Promise<void> {
  await page.locator('form.login').waitFor();
}

/** The part of the DOM that the functions below use in the page: the specs are compiled without the browser's types. */
interface InPage {
  readonly document: { querySelector(selector: string): { readonly textContent: string } };
}

const figureOf = (name: string): string => `[data-figure="${name}"]`;

/** A figure of the panel as the page shows it now. */
export async function figure(page: Page, name: string): Promise<number> {
  return Number((await page.locator(figureOf(name)).innerText()).replaceAll(',', ''));
}

/** Waits until the panel, which updates by itself, shows at least that many. */
export async function figureReaches(page: Page, name: string, least: number): Promise<void> {
  await page.waitForFunction(
    ({ selector, least }) => {
      const { document } = globalThis as unknown as InPage;
      return Number(document.querySelector(selector).textContent.replaceAll(',', '')) >= least;
    },
    { selector: figureOf(name), least },
  );
}

export type Story = 'kill' | 'tabs' | 'logout' | 'sign-in';

/** What a story's card shows once it was played. */
export interface Outcome {
  readonly sentence: string;
  /** What each step showed. */
  readonly told: readonly string[];
}

/** Plays a story to its end. A promise that was not kept fails the test. */
export async function play(page: Page, story: Story): Promise<Outcome> {
  const card = page.locator(`[data-story="${story}"]`);
  await card.locator('[data-run]').click();
  const outcome = card.locator('.outcome[data-is]');
  await outcome.waitFor();
  const told = await card.locator('.told').allInnerTexts();
  if ((await outcome.getAttribute('data-is')) !== 'kept') {
    throw new Error(`${story}: ${await outcome.innerText()} (${told.join('; ')})`);
  }
  await card.locator('[data-run]:enabled').waitFor();
  return { sentence: await outcome.locator('strong').innerText(), told };
}

/** Waits until the basket of the page shows this. */
export async function basketShows(page: Page, text: string): Promise<void> {
  await page.locator('#basket', { hasText: new RegExp(`^${text}$`) }).waitFor();
}
