import { Page } from '../../components/Page';

export function AuthoritiesPage() {
  return <Page title="AuthoritiesPage">{null}</Page>;
}
