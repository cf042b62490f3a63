import { Page } from '../../components/Page';

export function NewChallengesPage() {
  return <Page title="NewChallengesPage">{null}</Page>;
}
