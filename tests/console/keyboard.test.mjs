// The main story by keyboard alone, on a telephone's width, where the least fits the window.

import assert from 'node:assert/strict';
import { Workbench } from './support/clients.mjs';
import { ADMIN_TOKEN, Server } from './support/server.mjs';
import { tellStories } from './support/story.mjs';

const story = tellStories(() => Server.start({ demo: false }));

/** More stops than any page has. */
const MAX_STOPS = 150;

/** Presses Tab until this element has the focus. */
async function tabTo(page, locator) {
  await locator.waitFor();
  for (let stops = 0; stops < MAX_STOPS; stops += 1) {
    if (await locator.evaluate((element) => element === document.activeElement)) {
      return;
    }
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not reach ${locator}`);
}

/** Goes to a button or a link by Tab, and presses Enter. */
async function press(page, locator) {
  await tabTo(page, locator);
  await page.keyboard.press('Enter');
}

story(
  'an administrator signs in and leads a device to its certificate by keyboard alone',
  async ({ page, visit, server }) => {
    await page.goto(visit.addressOf('/'));
    await tabTo(page, page.getByLabel('API token'));
    await page.keyboard.type(ADMIN_TOKEN);
    await page.keyboard.press('Enter');
    await visit.arrive('Home');
    await press(page, page.getByRole('main').getByRole('link', { name: /first run/i }).first());
    await page.getByRole('button', { name: 'Next' }).waitFor();
    for (const heading of ['RA certificate', 'Rules', 'SCEP Profile', 'Summary']) {
      await press(page, page.getByRole('button', { name: 'Next' }));
      await page.getByRole('heading', { name: heading, exact: true }).first().waitFor();
    }
    await press(page, page.getByRole('button', { name: 'Create everything' }));
    const commands = page.getByRole('group', { name: 'the commands that enrol' });
    await tabTo(page, commands);
    const shell = new Workbench();
    await shell.run('bash', '-euc', await page.getByRole('group', { name: 'the commands that fetch the certificates' }).innerText());
    assert.match(await shell.run('bash', '-euc', await commands.innerText()), /device.crt: OK/);
    shell.remove();
    assert.equal((await server.call('GET', '/certificates')).items.length, 1);
  },
  { signedIn: false },
);

story('a dialog keeps the focus, and gives it back', async ({ page, visit, server }) => {
  const [profile] = await server.call('GET', '/scepProfiles');
  await visit.open(`/scep-profiles/${profile.uuid}`);
  const remove = page.getByRole('button', { name: 'Delete' });
  await press(page, remove);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  for (let stops = 0; stops < 10; stops += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await dialog.evaluate((element) => element.contains(document.activeElement)), 'the focus left the dialog');
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.ok(await remove.evaluate((element) => element === document.activeElement), 'the focus did not return');
});

/** Opens a dialog and closes it, and returns what moved meanwhile, but for signs that work goes on. */
async function listMotions(page, visit) {
  await page.addInitScript(() => {
    window.motions = [];
    for (const type of ['animationstart', 'transitionrun']) {
      addEventListener(type, (event) => window.motions.push(event.animationName ?? event.propertyName), true);
    }
  });
  await visit.open('/tokens');
  await page.getByRole('button', { name: 'Create token' }).click();
  await page.getByRole('dialog').getByLabel('Scopes').click();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  return (await page.evaluate(() => window.motions)).filter((name) => !/spinner/.test(name));
}

story('nothing moves for those who asked for reduced motion', async ({ page, visit }) => {
  assert.deepEqual(await listMotions(page, visit), []);
});

story(
  'what moves for others is noticed by the test above',
  async ({ page, visit }) => {
    assert.notDeepEqual(await listMotions(page, visit), []);
  },
  { reducedMotion: 'no-preference' },
);
