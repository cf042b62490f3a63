import { Page } from '../../components/Page';

export function FirstRunPage() {
  return <Page title="FirstRunPage">{null}</Page>;
}
