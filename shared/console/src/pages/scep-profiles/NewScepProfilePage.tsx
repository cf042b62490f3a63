import { Page } from '../../components/Page';

export function NewScepProfilePage() {
  return <Page title="NewScepProfilePage">{null}</Page>;
}
