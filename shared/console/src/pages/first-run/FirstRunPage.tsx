import { useState } from 'react';

import { Page } from '../../components/Page';
import { FirstRunWizard } from './FirstRunWizard';
import { Outcome } from './Outcome';
import type { Created } from './plan';

/** Leads from nothing to an enrolled device. */
export function FirstRunPage() {
  const [created, setCreated] = useState<Created>();
  return (
    <Page
      title="First run"
      description={
        created
          ? 'Everything exists. Enrol the first device.'
          : 'From nothing to an enrolled device: an authority, rules for its certificates, and a SCEP URL.'
      }
    >
      {created ? <Outcome created={created} /> : <FirstRunWizard onDone={setCreated} />}
    </Page>
  );
}
