import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';

import type { TemplateView } from '../../api/schema';
import { durationInWords } from '../../components/durations';
import { rulesDraftOf } from '../../components/ra-profile/draft';

/** The rules of an RA Profile, defaults included. */
export function RuleList({ template }: { template: TemplateView }) {
  const rules = rulesDraftOf(template);
  return (
    <Container header={<Header variant="h2">Rules</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          { label: 'Validity', value: durationInWords(rules.validity) ?? rules.validity },
          { label: 'Backdate', value: durationInWords(rules.backdate) ?? rules.backdate },
          { label: 'Least size of RSA keys', value: `${rules.rsaMinBits} bits` },
          { label: 'Curves of EC keys', value: listed(rules.ecCurves) },
          { label: 'Required attributes', value: listed(rules.subjectRequired) },
          {
            label: 'Allowed attributes',
            value: rules.isSubjectLimited ? listed(rules.subjectAllowed) : 'Any',
          },
          {
            label: 'Fixed attributes',
            value: listed(rules.subjectFixed.map(({ name, value }) => `${name}=${value}`)),
          },
          { label: 'Pattern of the CN', value: rules.commonNamePattern || 'Any' },
          { label: 'Types of names', value: listed(rules.nameTypes) },
          {
            label: 'Patterns of names',
            value:
              rules.namePatterns.length === 0
                ? 'None'
                : rules.namePatterns.map(({ name, value }) => (
                    <div key={name}>
                      {name}: {value}
                    </div>
                  )),
          },
          { label: 'The CN becomes a DNS name too', value: rules.commonNameAsDns ? 'Yes' : 'No' },
          {
            label: 'Names of other types',
            value: rules.ignoreOthers ? 'Left out' : 'Refused',
          },
          {
            label: 'Form of security identifiers',
            value: rules.sidForm === 'URI' ? 'A URI in subjectAltName' : 'An extension',
          },
          { label: 'Key usages', value: listed(rules.keyUsage) },
          { label: 'Extended key usages', value: listed(rules.extendedKeyUsage) },
          {
            label: 'Certificates name their CRL',
            value: rules.crlDistributionPoint ? 'Yes' : 'No',
          },
        ]}
      />
    </Container>
  );
}

function listed(values: string[]): string {
  return values.join(', ') || 'None';
}
