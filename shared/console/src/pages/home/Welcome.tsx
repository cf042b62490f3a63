import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { useDenial } from '../../api/caller';
import { PageButton } from '../../components/PageButton';

/** The first page of an installation in which there is nothing yet. */
export function Welcome() {
  const denial = useDenial('write');
  return (
    <Container header={<Header variant="h2">Welcome to Scepter</Header>}>
      <SpaceBetween size="m">
        <Box>
          Nothing is set up yet. The first run leads from here to an enrolled device in a few
          minutes: an authority that signs, an RA certificate to which devices encrypt, the rules of
          their certificates, and the URL and the challenge for the first device.
        </Box>
        <SpaceBetween direction="horizontal" size="xs">
          <PageButton to="/first-run" variant="primary" denial={denial}>
            Begin the first run
          </PageButton>
          <PageButton to="/authorities/new" denial={denial}>
            Make an authority only
          </PageButton>
        </SpaceBetween>
      </SpaceBetween>
    </Container>
  );
}
