// What every page owes every reader.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { DESKTOP, PHONE, installed } from './story.mjs';

const AXE = readFileSync(installed.resolve('axe-core/axe.min.js'), 'utf8');

const RULES = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };

/** Of these rules, those of which a theme changes the outcome. */
const COLOURS = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };

/** Asserts that axe finds nothing in the page as it is. */
async function checkByAxe(page, runOnly, where) {
  // The console has no frames, so that axe's own driver, which opens a tab for each run, is not needed.
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(AXE);
  }
  const violations = await page.evaluate(
    async (options) => {
      // What is below a dialog cannot be reached, and was checked before the dialog was opened.
      const dialog = [...document.querySelectorAll('[role="dialog"]')].find((element) => element.checkVisibility());
      return (await window.axe.run(dialog ?? document, options)).violations;
    },
    { runOnly, resultTypes: ['violations'] },
  );
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html, failureSummary }) => `${id} (${help}) ${target}\n  ${html.slice(0, 300)}\n  ${failureSummary.replaceAll('\n', ' ')}`),
  );
  assert.ok(found.length === 0, `${where}: ${found.join('\n')}`);
}

/** Waits until the page, whose parts measure themselves, is no wider than its window. */
async function checkWidth(page, where) {
  const isNarrow = () => document.documentElement.scrollWidth <= innerWidth;
  await page.waitForFunction(isNarrow, undefined, { timeout: 15_000 }).catch(async () => {
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.fail(`${where} is ${width} px wide`);
  });
}

/** Asserts that the links of this origin lead to the console, to the API or to a CRL, also in another tab. */
async function checkLinks(page, where) {
  const paths = await page.evaluate(() =>
    [...document.querySelectorAll('a[href]')].filter((link) => link.origin === location.origin).map((link) => link.pathname),
  );
  const astray = paths.filter((path) => !/^\/(console$|console\/|api\/v1\/|crl\/)/.test(path));
  assert.deepEqual(astray, [], `${where} has links that lead nowhere`);
}

/** Asserts that the page has one heading of the first level, and a title of its own. */
async function checkHeading(page, where) {
  const headings = await page.locator('h1').allInnerTexts();
  assert.equal(headings.length, 1, `${where} has the headings ${headings}`);
  assert.ok((await page.title()).length > 'Scepter'.length || headings[0] === 'Scepter', `${where} has no title`);
}

/** Checks the page, with whatever dialog is open, in both themes and in both widths. */
export async function checkAppearances(page, where) {
  await checkLinks(page, where);
  await checkHeading(page, where);
  for (const viewport of [PHONE, DESKTOP]) {
    await page.setViewportSize(viewport);
    await checkWidth(page, `${where} at ${viewport.width} px`);
    await checkByAxe(page, RULES, `${where} at ${viewport.width} px`);
    await page.emulateMedia({ colorScheme: 'dark' });
    await checkByAxe(page, COLOURS, `${where}, dark, at ${viewport.width} px`);
    await page.emulateMedia({ colorScheme: 'light' });
  }
}
