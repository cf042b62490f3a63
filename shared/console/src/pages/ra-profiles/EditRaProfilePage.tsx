import { Page } from '../../components/Page';

export function EditRaProfilePage() {
  return <Page title="EditRaProfilePage">{null}</Page>;
}
