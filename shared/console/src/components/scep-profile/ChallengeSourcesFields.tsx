import type { ScepProfileView } from '../../api/schema';
import { ChecksField } from '../forms/inputs';
import { Section } from '../forms/Section';
import { SecretField } from '../forms/SecretField';
import { storedSecrets, usesWebhook, type ScepProfileDraft } from './draft';
import { IntuneFields } from './IntuneFields';
import { scepField } from './labels';
import { SOURCES } from './sources';
import { WebhookFields } from './WebhookFields';

/** Who vouches for enrolments, and the settings of each. */
export function ChallengeSourcesFields({
  draft,
  onChange,
  saved,
}: {
  draft: ScepProfileDraft;
  onChange: (draft: ScepProfileDraft) => void;
  saved?: ScepProfileView;
}) {
  const set = (change: Partial<ScepProfileDraft>) => onChange({ ...draft, ...change });
  const stored = storedSecrets(saved);
  return (
    <Section title="Challenge sources">
      <ChecksField
        {...scepField('challengeSources')}
        explanation="They are asked in this order. The first yes suffices; a no of Intune or of the webhook is final."
        constraint="Without any, enrolments are refused unless they wait for an administrator."
        choices={SOURCES}
        value={draft.sources}
        onChange={(sources) => set({ sources })}
      />
      {draft.sources.includes('STATIC') && (
        <SecretField
          {...scepField('challengePassword')}
          explanation="It is stored encrypted and never shown again. Without this source it is deleted."
          constraint="16 or more letters and digits are good; Windows cannot send most other characters."
          isStored={stored.challengePassword}
          value={draft.challengePassword}
          onChange={(challengePassword) => set({ challengePassword })}
        />
      )}
      {draft.sources.includes('INTUNE') && (
        <IntuneFields
          intune={draft.intune}
          onChange={(intune) => set({ intune })}
          profileUuid={saved?.uuid}
          isSecretStored={stored.intuneApplicationKey}
        />
      )}
      <WebhookFields
        webhook={draft.webhook}
        isUsed={usesWebhook(draft)}
        isSource={draft.sources.includes('WEBHOOK')}
        onChange={(webhook) => set({ webhook })}
        isSecretStored={stored.webhookSecret}
      />
    </Section>
  );
}
