import Alert from '@cloudscape-design/components/alert';
import ColumnLayout from '@cloudscape-design/components/column-layout';

import { useDenial } from '../../api/caller';
import { Page } from '../../components/Page';
import { PageLink } from '../../components/PageLink';
import { Activity } from './Activity';
import { EndpointTable } from './EndpointTable';
import { ExpiringCertificates } from './ExpiringCertificates';
import { Faults } from './Faults';
import { HealthTable } from './HealthTable';
import { useCurrentStatus } from './status';
import { WaitingRequests } from './WaitingRequests';
import { Welcome } from './Welcome';

/** What an administrator has to know first: what happened, what waits, and what is not well. */
export function HomePage() {
  const denial = useDenial('read');
  const isEmpty = useCurrentStatus(
    ({ authorities }) => authorities.length === 0,
    denial === undefined,
  );
  if (denial !== undefined) {
    return (
      <Page title="Home">
        <Alert type="info" header="You may not see the state of the server">
          {denial} You may still make <PageLink to="/challenges">challenges</PageLink> if your
          sign-in has the scope challenge.
        </Alert>
      </Page>
    );
  }
  if (isEmpty.data === true) {
    return (
      <Page title="Home">
        <Welcome />
      </Page>
    );
  }
  return (
    <Page title="Home" description="The page is updated every half minute.">
      <Faults />
      <ColumnLayout columns={2}>
        <WaitingRequests />
        <ExpiringCertificates />
      </ColumnLayout>
      <Activity />
      <EndpointTable />
      <HealthTable />
    </Page>
  );
}
