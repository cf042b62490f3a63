import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useNavigate } from 'react-router';

import { ActionButton } from '../components/ActionButton';
import { Page } from '../components/Page';
import { PageButton } from '../components/PageButton';

/** The page at a path that has none. */
export function NotFound() {
  const navigate = useNavigate();
  return (
    <Page title="There is nothing here">
      <SpaceBetween size="m">
        <Box>The address may be mistyped, or what it showed was deleted.</Box>
        <SpaceBetween direction="horizontal" size="xs">
          <ActionButton onClick={() => void navigate(-1)}>Back</ActionButton>
          <PageButton to="/">Home</PageButton>
        </SpaceBetween>
      </SpaceBetween>
    </Page>
  );
}
