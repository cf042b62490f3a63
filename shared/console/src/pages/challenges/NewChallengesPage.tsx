import Tabs from '@cloudscape-design/components/tabs';
import { useParams } from 'react-router';

import { Page } from '../../components/Page';
import { useScepProfiles } from '../../api/queries';
import { ManyChallenges } from './ManyChallenges';
import { OneChallenge } from './OneChallenge';

/** Makes one challenge by a form, or many by a file. */
export function NewChallengesPage() {
  const { profile = '' } = useParams();
  const profiles = useScepProfiles();
  const name = profiles.data?.find(({ uuid }) => uuid === profile)?.name;
  return (
    <Page
      title="Make challenges"
      description={name && `For devices that enrol at the SCEP Profile ${name}.`}
      parents={[{ text: 'Challenges', href: `/challenges?profile=${profile}` }]}
    >
      <Tabs
        tabs={[
          {
            id: 'one',
            label: 'One',
            content: <OneChallenge profile={profile} />,
            // Secrets that are shown stay when somebody looks at the other tab.
            contentRenderStrategy: 'lazy',
          },
          {
            id: 'many',
            label: 'Many, from a file',
            content: <ManyChallenges profile={profile} name={name ?? profile} />,
            contentRenderStrategy: 'lazy',
          },
        ]}
      />
    </Page>
  );
}
