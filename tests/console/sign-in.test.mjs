import { tellStories } from './support/story.mjs';
import { ADMIN_TOKEN } from './support/server.mjs';
import { checkAppearances } from './support/accessibility.mjs';

// `node --test tests/console/sign-in.test.mjs` runs these alone.
const story = tellStories({ demo: false });

story(
  'a wrong token is refused in words, and the right one is not asked for again in this tab',
  async ({ page, visit }) => {
    visit.provoke(/^401 GET .*caller$/);
    await visit.open('/');
    await checkAppearances(page, 'sign-in');
    const token = page.getByLabel('API token');
    await token.fill('scepter_not_a_token');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('The server does not know this token').waitFor();
    await checkAppearances(page, 'sign-in refused');
    await token.fill(ADMIN_TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('navigation').first().waitFor();
    await visit.settle();
    await checkAppearances(page, 'home');
  },
  { signedIn: false },
);
