import Box from '@cloudscape-design/components/box';

import { PageLink } from '../components/PageLink';
import { Page } from '../components/Page';

/** The page at a path that has none. */
export function NotFound() {
  return (
    <Page title="There is nothing here">
      <Box>
        The address may be mistyped, or what it showed was deleted. <PageLink to="/">Home</PageLink>
      </Box>
    </Page>
  );
}
