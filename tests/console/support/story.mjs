// A test in a real browser. Whatever a user would call broken fails it: an error on the browser's
// console, an exception, a breach of the Content-Security-Policy, a request to another origin, a
// response that the test did not provoke.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ADMIN_TOKEN, Server, TOOLS } from './server.mjs';

export const installed = createRequire(join(TOOLS, 'console/'));
const { chromium } = installed('playwright-core');

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 780 };

/** How long a test waits for what it expects, in milliseconds. */
const PATIENCE = 15_000;

/** Screenshots and accessible trees of tests that failed. */
const FAILURES = fileURLToPath(new URL('../failures/', import.meta.url));

const FLAGS = [
  // Chromium has no sandbox for root, who runs tests in containers.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Debian's Chromium. */
export function launchBrowser() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS });
}

/**
 * Starts one server, by `start`, and one browser for the stories of a file, and returns the function
 * that declares a story: `story('sentence', async ({ page, server, … }, t) => …, options)`, where `t` is node's test.
 *
 * Options are those of a browser's context; `signedIn: false` begins on the sign-in page, and
 * `token` signs in as somebody else.
 */
export function tellStories(start = () => Server.start()) {
  const shared = {};
  before(async () => {
    shared.server = await start();
    shared.browser = await launchBrowser();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.server?.stop();
  });
  return (name, body, options = {}) => test(name, (t) => tellStory(t, body, shared, options));
}

async function tellStory(t, body, { server, browser }, { signedIn = true, token = ADMIN_TOKEN, ...options }) {
  const context = await newContext(browser, options);
  const visit = new Visit(await context.newPage(), server);
  try {
    await visit.watch();
    if (signedIn) {
      await visit.signIn(token);
    }
    await body({ server, browser, context, visit, page: visit.page }, t);
    visit.assertSound();
  } catch (error) {
    // The runner's report shows the message alone.
    throw new Error(`${error.message}\n${await describe(visit, t.name)}`, { cause: error });
  } finally {
    await context.close();
  }
}

/** A browser's profile without memory; animations are off, as some people set their system. */
export async function newContext(browser, options = {}) {
  const context = await browser.newContext({
    viewport: DESKTOP,
    locale: 'en-GB',
    timezoneId: 'Asia/Tokyo',
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  return context;
}

/** A tab of the browser at the console, with everything that went wrong in it. */
export class Visit {
  #problems = [];
  #provoked = [];

  constructor(page, { origin, pool }) {
    this.page = page;
    this.origin = origin;
    /** The origins that the console may turn to: its own, and that of the identity provider. */
    this.origins = [origin, pool];
  }

  /** Notes everything that a sound page does not do. */
  async watch() {
    const { page } = this;
    const note = (problem) => this.#problems.push(problem);
    await page.exposeFunction('noteBreach', (breach) => note(`Content-Security-Policy: ${breach}`));
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        window.noteBreach(`${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`);
      });
    });
    page.on('pageerror', (error) => note(`exception: ${error.stack}`));
    page.on('crash', () => note('the page crashed'));
    page.on('console', (message) => {
      // Chromium logs each refusal of the API so; `response` below judges them.
      const isRefusal = message.text().startsWith('Failed to load resource: the server responded');
      if (['error', 'warning'].includes(message.type()) && !isRefusal) {
        note(`console ${message.type()}: ${message.text()} ${message.location().url}`);
      }
    });
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (!this.origins.includes(origin) && !['blob:', 'data:'].includes(protocol)) {
        note(`another origin: ${request.url()}`);
      }
    });
    page.on('requestfailed', (request) => {
      // A navigation or a download abandons what is under way.
      if (request.failure().errorText !== 'net::ERR_ABORTED') {
        this.#judge(`${request.failure().errorText} ${request.method()} ${new URL(request.url()).pathname}`);
      }
    });
    page.on('response', (response) => {
      if (response.status() >= 400) {
        this.#judge(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`);
      }
    });
  }

  #judge(problem) {
    if (!this.#provoked.some((pattern) => pattern.test(problem))) {
      this.#problems.push(problem);
    }
  }

  /** Declares that the test provokes responses like this: `/^422 PUT .*scepProfiles/`. */
  provoke(pattern) {
    this.#provoked.push(pattern);
  }

  /** Asserts that nothing went wrong. */
  assertSound() {
    assert.deepEqual(this.#problems, []);
  }

  /** The address of a page by its path in the console. */
  addressOf(path) {
    return `${this.origin}/console${path}`;
  }

  /** Opens a page by its address; a link inside the console does not reload it. */
  async open(path) {
    await this.page.goto(this.addressOf(path));
    await this.settle();
  }

  /** Signs in on the sign-in page; the tab remembers the token, so that pages can be reloaded. */
  async signIn(token) {
    const { page } = this;
    await page.goto(this.addressOf('/'));
    await page.getByLabel('API token').fill(token);
    await page.getByRole('checkbox', { name: /remember/i }).check();
    await page.getByRole('button', { name: 'Sign in' }).click();
    // The token is remembered once the server has accepted it.
    await page.getByLabel('API token').waitFor({ state: 'detached' });
    await this.settle();
  }

  /** Chooses an option of a select, whose name is its label and what is chosen. */
  async choose(label, option, within = this.page) {
    await within.getByRole('button', { name: new RegExp(`^${label}`) }).click();
    await this.page.getByRole('option', { name: option }).click();
  }

  /** Does what starts a download, and returns the file's name and path. */
  async download(start) {
    const [file] = await Promise.all([this.page.waitForEvent('download'), start()]);
    return { name: file.suggestedFilename(), path: await file.path() };
  }

  /** Waits for the page with this heading. */
  async arrive(heading) {
    await this.page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
    await this.settle();
  }

  /** Waits for the message, above the page, that something was done. */
  async hear(message) {
    await this.page.getByText(message).first().waitFor();
  }

  /** Waits until the page has its heading, and nothing in it is still loading. */
  async settle() {
    const { page } = this;
    await page.getByRole('heading', { level: 1 }).first().waitFor();
    await page.waitForFunction(() => !/(^|\n)Loading/.test(document.body.innerText));
  }
}

/** Writes what a failed test saw, and says where. */
async function describe({ page }, name) {
  mkdirSync(FAILURES, { recursive: true });
  const file = join(FAILURES, name.replaceAll(/\W+/g, '-'));
  try {
    await page.screenshot({ path: `${file}.png` });
    writeFileSync(`${file}.txt`, `${page.url()}\n${await page.locator('body').ariaSnapshot()}`);
    return `failed at ${page.url()}; ${file}.png and .txt show the page`;
  } catch (error) {
    return `failed at ${page.url()}, which cannot be shown: ${error.message}`;
  }
}
