import { Page } from '../../components/Page';

export function AuthorityPage() {
  return <Page title="AuthorityPage">{null}</Page>;
}
