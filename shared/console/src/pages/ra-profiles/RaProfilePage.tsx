import { Page } from '../../components/Page';

export function RaProfilePage() {
  return <Page title="RaProfilePage">{null}</Page>;
}
