import SpaceBetween from '@cloudscape-design/components/space-between';

import { DurationField } from '../../components/forms/DurationField';
import { SelectField, TextField } from '../../components/forms/inputs';
import { Section } from '../../components/forms/Section';
import { timeText } from '../../components/Time';
import { useRaCertificates } from '../../api/queries';
import { AlreadyCreated } from './AlreadyCreated';
import type { RaCertificateDraft } from './draft';
import type { StepProps } from './steps';

/** The certificate to which devices encrypt. */
export function RaCertificateStep({ draft, onChange, created }: StepProps) {
  const raCertificates = useRaCertificates();
  const { raCertificate, authority } = draft;
  const set = (change: Partial<RaCertificateDraft>) =>
    onChange({ ...draft, raCertificate: { ...raCertificate, ...change } });
  if (created.raCertificateUuid !== undefined) {
    return <AlreadyCreated what="The RA certificate" />;
  }
  const usable = (raCertificates.data ?? []).filter(
    ({ authorityUuid }) => authorityUuid === authority.uuid,
  );
  return (
    <Section
      title="Which RA certificate"
      description="Devices encrypt their requests to its RSA key, and the server signs responses with it. It renews itself."
    >
      <SelectField
        label="RA certificate"
        path="raCertificate"
        explanation="One that the authority has issued, or a new one."
        choices={[
          { value: '', label: 'A new one' },
          ...usable.map(({ uuid, certificate }) => ({
            value: uuid,
            label: certificate.subject,
            description: `Until ${timeText(certificate.notAfter, 'day')}`,
          })),
        ]}
        value={raCertificate.uuid}
        onChange={(uuid) => set({ uuid })}
      />
      {raCertificate.uuid === '' && (
        <SpaceBetween size="l">
          <TextField
            label="Common name"
            path="commonName"
            explanation="The CN of its subject, which devices may show."
            constraint="1 to 64 characters"
            value={raCertificate.commonName}
            onChange={(commonName) => set({ commonName })}
          />
          <DurationField
            label="Validity"
            path="validity"
            optional
            explanation="How long each of its certificates is valid; never longer than the authority."
            standard="P2Y"
            value={raCertificate.validity}
            onChange={(validity) => set({ validity })}
          />
        </SpaceBetween>
      )}
    </Section>
  );
}
