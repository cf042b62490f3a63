import { Page } from '../../components/Page';

export function NewAuthorityPage() {
  return <Page title="NewAuthorityPage">{null}</Page>;
}
