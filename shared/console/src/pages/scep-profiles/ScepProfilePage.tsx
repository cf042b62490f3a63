import { Page } from '../../components/Page';

export function ScepProfilePage() {
  return <Page title="ScepProfilePage">{null}</Page>;
}
