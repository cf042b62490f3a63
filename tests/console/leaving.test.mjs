// What was typed, or is shown once, is not lost without a question.

import assert from 'node:assert/strict';
import { checkAppearances } from './support/accessibility.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories();

/** Reloads the page as the browser's button does, and returns whether the browser asks before. */
async function reloadAsks(page) {
  const asked = page.waitForEvent('dialog', { timeout: 3_000 }).then(
    async (dialog) => {
      assert.equal(dialog.type(), 'beforeunload');
      await dialog.dismiss();
      return true;
    },
    () => false,
  );
  await page.evaluate(() => setTimeout(() => location.reload()));
  return asked;
}

/** The question that the console asks. */
function findQuestion(page) {
  return page.getByRole('dialog', { name: 'Leave this page?' });
}

story('a form asks before what was typed is lost, and not after a save', async ({ page, visit }) => {
  await visit.open('/ra-profiles');
  await page.getByRole('link', { name: 'Create' }).click();
  await visit.arrive('Create an RA Profile');
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('typed');
  await page.getByRole('link', { name: 'Cancel' }).click();
  await findQuestion(page).getByText('is lost when you leave').waitFor();
  await checkAppearances(page, 'leave a form');
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await name.inputValue(), 'typed');

  await page.goBack();
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  assert.ok(await reloadAsks(page), 'the browser does not ask');
  assert.equal(await name.inputValue(), 'typed');

  await page.getByRole('button', { name: 'Your session' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await name.inputValue(), 'typed');

  await visit.choose('Authority', /demo-ca/);
  await page.getByRole('button', { name: 'Create' }).click();
  await visit.arrive('typed');
  await page.getByRole('link', { name: 'Edit' }).click();
  await visit.arrive('Edit typed');
  await page.getByLabel('Description').fill('lost');
  await page.getByRole('link', { name: 'Cancel' }).click();
  await findQuestion(page).getByRole('button', { name: 'Leave' }).click();
  await visit.arrive('typed');
  assert.equal(await page.getByText('lost', { exact: true }).count(), 0);
});

story('a form in which nothing was typed is left without a question', async ({ page, visit }) => {
  await visit.open('/ra-profiles/new');
  await page.getByLabel('Name', { exact: true }).fill('typed');
  await page.getByLabel('Name', { exact: true }).fill('');
  await page.getByRole('link', { name: 'Cancel' }).click();
  await visit.arrive('RA Profiles');
  assert.equal(await reloadAsks(page), false);
  await visit.settle();
});

story('the first run keeps what was typed from step to step, and asks before it is left', async ({ page, visit }) => {
  const arrive = (heading) => page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
  await visit.open('/first-run');
  await page.getByLabel('Name', { exact: true }).fill('typed-ca');
  await page.getByRole('button', { name: 'Next' }).click();
  await arrive('RA certificate');
  await page.getByLabel('Common name').fill('Typed RA');
  await page.getByRole('button', { name: 'Next' }).click();
  await arrive('Rules');
  assert.ok(await reloadAsks(page), 'the browser does not ask');
  await page.getByRole('button', { name: 'Previous' }).click();
  await arrive('RA certificate');
  assert.equal(await page.getByLabel('Common name').inputValue(), 'Typed RA');
  await page.getByRole('button', { name: 'Previous' }).click();
  await arrive('Authority');
  const name = page.getByLabel('Name', { exact: true });
  assert.equal(await name.inputValue(), 'typed-ca');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await name.inputValue(), 'typed-ca');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await findQuestion(page).getByRole('button', { name: 'Leave' }).click();
  await visit.arrive('Home');
});

story('a pasted certificate is not left behind without a question', async ({ page, server, visit }) => {
  const { uuid } = await server.call('POST', '/authorities', { name: 'typed-sub', kind: 'SUBORDINATE', subject: 'CN=Typed Sub' });
  await visit.open(`/authorities/${uuid}`);
  const certificate = page.getByRole('textbox', { name: 'Certificate', exact: true });
  await certificate.fill('-----BEGIN CERTIFICATE-----');
  await page.getByRole('link', { name: 'Authorities' }).first().click();
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  assert.equal(await certificate.inputValue(), '-----BEGIN CERTIFICATE-----');
  await certificate.fill('');
  await page.getByRole('link', { name: 'Authorities' }).first().click();
  await visit.arrive('Authorities');
});

story('a challenge that is shown once is not left behind without a question', async ({ page, server, visit }) => {
  const [{ uuid }] = await server.call('GET', '/scepProfiles');
  await server.call('PUT', `/scepProfiles/${uuid}`, { challengeSources: ['ONE_TIME'] });
  await visit.open(`/challenges/${uuid}/new`);
  await page.getByRole('button', { name: 'Make the challenge' }).click();
  await page.getByText(/^[0-9A-Z]{26}$/).first().waitFor();
  await page.getByRole('link', { name: 'Challenges' }).first().click();
  await findQuestion(page).getByText('shown on this page alone').waitFor();
  await findQuestion(page).getByRole('button', { name: 'Stay' }).click();
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await page.getByRole('link', { name: 'To the list of challenges' }).click();
  await visit.arrive('Challenges');
});
