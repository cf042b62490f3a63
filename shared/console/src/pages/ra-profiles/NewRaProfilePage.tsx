import { Page } from '../../components/Page';

export function NewRaProfilePage() {
  return <Page title="NewRaProfilePage">{null}</Page>;
}
