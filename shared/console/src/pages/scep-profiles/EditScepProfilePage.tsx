import { Page } from '../../components/Page';

export function EditScepProfilePage() {
  return <Page title="EditScepProfilePage">{null}</Page>;
}
