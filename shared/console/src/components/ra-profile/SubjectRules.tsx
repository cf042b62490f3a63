import { RadioField, TextField } from '../forms/inputs';
import { PairsField } from '../forms/PairsField';
import { Section } from '../forms/Section';
import { TokensField } from '../forms/TokensField';
import { SUBJECT_ATTRIBUTES } from './attributes';
import type { RulesDraft } from './draft';
import { ruleField, RULES_PREFIX } from './labels';

/** The rules for the subject of certificates. */
export function SubjectRules({
  rules,
  onChange,
}: {
  rules: RulesDraft;
  onChange: (rules: RulesDraft) => void;
}) {
  const set = (change: Partial<RulesDraft>) => onChange({ ...rules, ...change });
  return (
    <Section
      title="Subject"
      description="The subject is taken from the request. A request that breaks these rules is refused."
    >
      <TokensField
        {...ruleField('subject.required')}
        optional
        explanation="A request without one of them is refused."
        constraint="Default none: a subject or a subjectAltName is needed."
        placeholder="Add an attribute or an OID"
        suggestions={SUBJECT_ATTRIBUTES}
        value={rules.subjectRequired}
        onChange={(subjectRequired) => set({ subjectRequired })}
      />
      <RadioField
        label="Allowed attributes"
        path={`${RULES_PREFIX}subject.isLimited`}
        explanation="Whether the subject may contain attributes that are not in a list."
        choices={[
          { value: 'any', label: 'Any', description: 'The default.' },
          {
            value: 'limited',
            label: 'Only those of a list',
            description: 'Fixed ones are allowed besides. Cisco IOS sends unstructuredName.',
          },
        ]}
        value={rules.isSubjectLimited ? 'limited' : 'any'}
        onChange={(choice) => set({ isSubjectLimited: choice === 'limited' })}
      />
      {rules.isSubjectLimited && (
        <TokensField
          {...ruleField('subject.allowed')}
          explanation="A request with another attribute is refused."
          placeholder="Add an attribute or an OID"
          suggestions={SUBJECT_ATTRIBUTES}
          value={rules.subjectAllowed}
          onChange={(subjectAllowed) => set({ subjectAllowed })}
        />
      )}
      <PairsField
        {...ruleField('subject.fixed')}
        optional
        explanation="Every subject has them: they are added where the request lacks them, and another value is refused."
        suggestions={SUBJECT_ATTRIBUTES}
        nameLabel="Attribute"
        valueLabel="Value"
        addText="Add an attribute"
        empty="No attribute is fixed."
        value={rules.subjectFixed}
        onChange={(subjectFixed) => set({ subjectFixed })}
      />
      <TextField
        {...ruleField('subject.commonNamePattern')}
        optional
        explanation="A regular expression that the whole CN must match."
        constraint="Default: any CN. Without look-around, at most 256 characters."
        placeholder="Any"
        value={rules.commonNamePattern}
        onChange={(commonNamePattern) => set({ commonNamePattern })}
      />
    </Section>
  );
}
