import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { ActionButton } from '../ActionButton';
import { ChecksField, TextField, ToggleField } from '../forms/inputs';
import { SecretField } from '../forms/SecretField';
import type { WebhookDraft } from './draft';
import { scepField } from './labels';
import { NOTIFICATIONS } from './sources';
import { newWebhookSecret } from './webhook-secret';
import { CopyText } from '../CopyText';

/** The HTTP service that is asked about enrolments, told of what became of them, or both. */
export function WebhookFields({
  webhook,
  isUsed,
  isSource,
  onChange,
  isSecretStored,
}: {
  webhook: WebhookDraft;
  isUsed: boolean;
  /** Whether it vouches for enrolments. */
  isSource: boolean;
  onChange: (webhook: WebhookDraft) => void;
  isSecretStored: boolean;
}) {
  const set = (change: Partial<WebhookDraft>) => onChange({ ...webhook, ...change });
  return (
    <SpaceBetween size="l">
      {!isSource && (
        <ToggleField
          label="Use a webhook without vouching"
          path="webhook.isUsed"
          explanation="It can be told of what happens, or asked about every enrolment, without vouching for any. Default off."
          value={webhook.isUsed}
          onChange={(used) => set({ isUsed: used })}
        />
      )}
      {isUsed && (
        <ExpandableSection headerText="Webhook" defaultExpanded variant="inline">
          <SpaceBetween size="l">
            <TextField
              {...scepField('webhook.url')}
              explanation="Each enrolment is posted there as JSON, signed as the Standard Webhooks specification says."
              constraint="https:, or http: with a host of the loopback interface"
              placeholder="https://inventory.corp.example/scep"
              value={webhook.url}
              onChange={(url) => set({ url })}
            />
            <SecretField
              {...scepField('webhook.secret')}
              explanation="The service needs it too, to verify the signatures. It is stored encrypted and never shown again."
              constraint="whsec_ and the base64 of 24 to 64 octets"
              isStored={isSecretStored}
              value={webhook.secret}
              onChange={(secret) => set({ secret })}
            />
            {webhook.secret.choice === 'replace' && (
              <SpaceBetween direction="horizontal" size="s" alignItems="center">
                <ActionButton
                  onClick={() => set({ secret: { choice: 'replace', value: newWebhookSecret() } })}
                >
                  Generate a secret
                </ActionButton>
                {webhook.secret.value !== '' && (
                  <CopyText text={webhook.secret.value} name="the secret" />
                )}
              </SpaceBetween>
            )}
            <ToggleField
              {...scepField('webhook.gate')}
              explanation="Whoever vouched: its DENY refuses, and its HOLD makes an administrator approve. Default off."
              value={webhook.gate}
              onChange={(gate) => set({ gate })}
            />
            <ChecksField
              {...scepField('webhook.notify')}
              explanation="Each event arrives at least once. Default none."
              choices={NOTIFICATIONS}
              value={webhook.notify}
              onChange={(notify) => set({ notify })}
            />
            <TextField
              {...scepField('webhook.timeoutSeconds')}
              optional
              inputMode="numeric"
              explanation="After this time the device gets a 503 and tries again later."
              constraint="1 to 10 seconds. Default 3."
              placeholder="3"
              value={webhook.timeoutSeconds}
              onChange={(timeoutSeconds) => set({ timeoutSeconds })}
            />
          </SpaceBetween>
        </ExpandableSection>
      )}
    </SpaceBetween>
  );
}
