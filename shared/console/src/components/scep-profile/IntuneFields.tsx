import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { RadioField, TextField } from '../forms/inputs';
import { SecretField } from '../forms/SecretField';
import type { IntuneDraft } from './draft';
import { scepField } from './labels';

/** How the server asks Microsoft Intune. */
export function IntuneFields({
  intune,
  onChange,
  profileUuid,
  isSecretStored,
}: {
  intune: IntuneDraft;
  onChange: (intune: IntuneDraft) => void;
  /** Of a profile that exists. */
  profileUuid: string | undefined;
  isSecretStored: boolean;
}) {
  const set = (change: Partial<IntuneDraft>) => onChange({ ...intune, ...change });
  const subject = profileUuid ?? 'the UUID of this profile, which it has once it is created';
  return (
    <ExpandableSection headerText="Microsoft Intune" defaultExpanded variant="inline">
      <SpaceBetween size="l">
        <TextField
          {...scepField('intuneTenant')}
          explanation="The Entra tenant, by its domain or its id."
          placeholder="corp.onmicrosoft.com"
          value={intune.tenant}
          onChange={(tenant) => set({ tenant })}
        />
        <TextField
          {...scepField('intuneApplicationId')}
          explanation="The application in Entra that may validate challenges (scep_challenge_provider) and read applications (Application.Read.All)."
          value={intune.applicationId}
          onChange={(applicationId) => set({ applicationId })}
        />
        <RadioField
          {...scepField('intuneCredential')}
          explanation="How the server proves to Entra that it is the application."
          choices={[
            {
              value: 'SECRET',
              label: 'Client secret',
              description: 'It has to be renewed in time.',
            },
            {
              value: 'FEDERATED',
              label: 'Federated credential',
              description: `Nothing to store or renew. In Entra: issuer is the server’s public HTTPS URL, audience api://AzureADTokenExchange, subject ${subject}.`,
            },
          ]}
          value={intune.credential}
          onChange={(credential) => set({ credential })}
        />
        {intune.credential === 'SECRET' && (
          <SecretField
            {...scepField('intuneApplicationKey')}
            explanation="The value of the secret, not its id. It is stored encrypted and never shown again."
            isStored={isSecretStored}
            mayClear
            value={intune.applicationKey}
            onChange={(applicationKey) => set({ applicationKey })}
          />
        )}
      </SpaceBetween>
    </ExpandableSection>
  );
}
