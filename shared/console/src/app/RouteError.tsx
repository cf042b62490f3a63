import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import { useRouteError } from 'react-router';

import { Page } from '../components/Page';

/** Replaces a page that cannot be shown, for example because its code could not be loaded. */
export function RouteError() {
  const error = useRouteError();
  return (
    <Page title="This page cannot be shown">
      <Alert type="error" action={<Button onClick={() => location.reload()}>Reload</Button>}>
        {error instanceof Error ? error.message : String(error)}
      </Alert>
    </Page>
  );
}
