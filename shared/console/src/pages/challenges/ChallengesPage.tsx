import { Page } from '../../components/Page';

export function ChallengesPage() {
  return <Page title="ChallengesPage">{null}</Page>;
}
