import { Page } from '../../components/Page';

export function ScepProfilesPage() {
  return <Page title="ScepProfilesPage">{null}</Page>;
}
