import { Page } from '../../components/Page';

export function RaProfilesPage() {
  return <Page title="RaProfilesPage">{null}</Page>;
}
