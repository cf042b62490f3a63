import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';

import type { TemplateView } from '../../api/schema';
import { durationInWords } from '../../components/durations';
import { rulesDraftOf } from '../../components/ra-profile/draft';
import { ruleLabel } from '../../components/ra-profile/labels';

/** The rules of an RA Profile, defaults included. */
export function RuleList({ template }: { template: TemplateView }) {
  const rules = rulesDraftOf(template);
  return (
    <Container header={<Header variant="h2">Rules</Header>}>
      <KeyValuePairs
        columns={3}
        items={[
          {
            label: ruleLabel('validity'),
            value: durationInWords(rules.validity) ?? rules.validity,
          },
          {
            label: ruleLabel('backdate'),
            value: durationInWords(rules.backdate) ?? rules.backdate,
          },
          { label: ruleLabel('rsaMinBits'), value: `${rules.rsaMinBits} bits` },
          { label: ruleLabel('ecCurves'), value: listed(rules.ecCurves) },
          { label: ruleLabel('subject.required'), value: listed(rules.subjectRequired) },
          {
            label: 'Allowed attributes',
            value: rules.isSubjectLimited ? listed(rules.subjectAllowed) : 'Any',
          },
          {
            label: ruleLabel('subject.fixed'),
            value: listed(rules.subjectFixed.map(({ name, value }) => `${name}=${value}`)),
          },
          {
            label: ruleLabel('subject.commonNamePattern'),
            value: rules.commonNamePattern || 'Any',
          },
          { label: ruleLabel('subjectAltName.types'), value: listed(rules.nameTypes) },
          {
            label: ruleLabel('subjectAltName.patterns'),
            value:
              rules.namePatterns.length === 0
                ? 'None'
                : rules.namePatterns.map(({ name, value }) => (
                    <div key={name}>
                      {name}: {value}
                    </div>
                  )),
          },
          {
            label: ruleLabel('subjectAltName.commonNameAsDns'),
            value: rules.commonNameAsDns ? 'Yes' : 'No',
          },
          {
            label: 'Names of other types',
            value: rules.ignoreOthers ? 'Left out' : 'Refused',
          },
          {
            label: 'Form of security identifiers',
            value: rules.sidForm === 'URI' ? 'A URI in subjectAltName' : 'An extension',
          },
          { label: ruleLabel('keyUsage'), value: listed(rules.keyUsage) },
          { label: ruleLabel('extendedKeyUsage'), value: listed(rules.extendedKeyUsage) },
          {
            label: ruleLabel('crlDistributionPoint'),
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
