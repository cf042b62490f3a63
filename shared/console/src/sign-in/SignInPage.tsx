import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { ReactNode } from 'react';

/** The page of those who are not signed in. */
export function SignInPage({ children }: { children: ReactNode }) {
  return (
    <main className="sign-in">
      <SpaceBetween size="l">
        <Box textAlign="center">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width="56" height="56" />
          <Box variant="h1" padding={{ top: 's' }}>
            Scepter
          </Box>
          <Box color="text-body-secondary">Certificate enrolment by SCEP</Box>
        </Box>
        <Container header={<Header variant="h2">Sign in</Header>}>{children}</Container>
      </SpaceBetween>
    </main>
  );
}
