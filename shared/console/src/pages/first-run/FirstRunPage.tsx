import { useEffect, useState } from 'react';

import { Breadcrumbs } from '../../components/Breadcrumbs';
import { Page } from '../../components/Page';
import { FirstRunWizard } from './FirstRunWizard';
import { Outcome } from './Outcome';
import type { Created } from './plan';

/** Leads from nothing to an enrolled device. */
export function FirstRunPage() {
  const [created, setCreated] = useState<Created>();
  useEffect(() => {
    document.title = 'First run · Scepter';
  }, []);
  // The wizard's steps have headings of the first level themselves.
  return created ? (
    <Page title="First run" description="Everything exists. Enrol the first device.">
      <Outcome created={created} />
    </Page>
  ) : (
    <>
      <Breadcrumbs title="First run" />
      <FirstRunWizard onDone={setCreated} />
    </>
  );
}
