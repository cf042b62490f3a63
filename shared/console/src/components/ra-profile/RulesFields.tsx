import SpaceBetween from '@cloudscape-design/components/space-between';

import { DurationField } from '../forms/DurationField';
import { ChecksField, TextField, ToggleField, type Choice } from '../forms/inputs';
import { Section } from '../forms/Section';
import { TokensField } from '../forms/TokensField';
import type { EcCurve, KeyUsage } from '../../api/schema';
import { PURPOSES } from './attributes';
import type { RulesDraft } from './draft';
import { ruleField } from './labels';
import { NameRules } from './NameRules';
import { SubjectRules } from './SubjectRules';

const CURVES: Choice<EcCurve>[] = [
  { value: 'P256', label: 'P-256' },
  { value: 'P384', label: 'P-384' },
  { value: 'P521', label: 'P-521' },
];

const KEY_USAGES: Choice<KeyUsage>[] = [
  { value: 'digitalSignature', label: 'digitalSignature', description: 'Signs, such as in TLS.' },
  { value: 'contentCommitment', label: 'contentCommitment', description: 'Signs documents.' },
  { value: 'keyEncipherment', label: 'keyEncipherment', description: 'Decrypts keys; RSA only.' },
  { value: 'dataEncipherment', label: 'dataEncipherment', description: 'Decrypts data; RSA only.' },
  { value: 'keyAgreement', label: 'keyAgreement', description: 'Agrees on keys; EC only.' },
];

/** The rules of an RA Profile: what may be issued. */
export function RulesFields({
  rules,
  onChange,
}: {
  rules: RulesDraft;
  onChange: (rules: RulesDraft) => void;
}) {
  const set = (change: Partial<RulesDraft>) => onChange({ ...rules, ...change });
  return (
    <SpaceBetween size="l">
      <Section title="Validity">
        <DurationField
          {...ruleField('validity')}
          optional
          explanation="How long a certificate is valid from the moment of issuance; never longer than its authority."
          standard="P365D"
          value={rules.validity}
          onChange={(validity) => set({ validity })}
        />
        <DurationField
          {...ruleField('backdate')}
          optional
          explanation="How long before the moment of issuance the validity begins, for devices whose clocks are slow."
          standard="PT1H"
          constraint="At most P31D."
          value={rules.backdate}
          onChange={(backdate) => set({ backdate })}
        />
      </Section>
      <Section title="Keys">
        <TextField
          {...ruleField('rsaMinBits')}
          optional
          inputMode="numeric"
          explanation="A device with a shorter key is refused (badAlg)."
          constraint="1024 to 8192 bits. Default 2048."
          placeholder="2048"
          value={rules.rsaMinBits}
          onChange={(rsaMinBits) => set({ rsaMinBits })}
        />
        <ChecksField
          {...ruleField('ecCurves')}
          explanation="A device with a key on another curve is refused (badAlg)."
          constraint="Default all three. Without any, EC keys are refused."
          choices={CURVES}
          value={rules.ecCurves}
          onChange={(ecCurves) => set({ ecCurves })}
        />
      </Section>
      <SubjectRules rules={rules} onChange={onChange} />
      <NameRules rules={rules} onChange={onChange} />
      <Section title="Usage">
        <ChecksField
          {...ruleField('keyUsage')}
          explanation="A certificate gets those of these that its key supports."
          constraint="Default digitalSignature and keyEncipherment."
          choices={KEY_USAGES}
          value={rules.keyUsage}
          onChange={(keyUsage) => set({ keyUsage })}
        />
        <TokensField
          {...ruleField('extendedKeyUsage')}
          explanation="The purposes of a certificate, by name or OID. A purpose that a device asks for besides is left out."
          constraint="Default clientAuth. 1.3.6.1.4.1.311.20.2.2 is smart-card logon."
          placeholder="Add a purpose or an OID"
          suggestions={PURPOSES}
          value={rules.extendedKeyUsage}
          onChange={(extendedKeyUsage) => set({ extendedKeyUsage })}
        />
        <ToggleField
          {...ruleField('crlDistributionPoint')}
          explanation="The extension crlDistributionPoints has the URL at which the authority’s CRL is published. Default on."
          value={rules.crlDistributionPoint}
          onChange={(crlDistributionPoint) => set({ crlDistributionPoint })}
        />
      </Section>
    </SpaceBetween>
  );
}
