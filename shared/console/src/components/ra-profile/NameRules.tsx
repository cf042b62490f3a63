import { RadioField, ToggleField } from '../forms/inputs';
import { PairsField } from '../forms/PairsField';
import { Section } from '../forms/Section';
import { TokensField } from '../forms/TokensField';
import { NAME_TYPES } from './attributes';
import type { RulesDraft } from './draft';
import { ruleField } from './labels';

/** The rules for the names in subjectAltName. */
export function NameRules({
  rules,
  onChange,
}: {
  rules: RulesDraft;
  onChange: (rules: RulesDraft) => void;
}) {
  const set = (change: Partial<RulesDraft>) => onChange({ ...rules, ...change });
  return (
    <Section
      title="Subject alternative names"
      description="The names are taken from the request. Names that a challenge, Intune or a webhook vouches for need no rule."
    >
      <TokensField
        {...ruleField('subjectAltName.types')}
        explanation="The types of names that a request may ask for: dns, ip, email, uri, upn, or the OID of an otherName."
        constraint="Default dns and ip. email, uri and upn each need a pattern. 1.3.6.1.5.2.2 is KRB5PrincipalName."
        placeholder="Add a type or an OID"
        suggestions={NAME_TYPES}
        value={rules.nameTypes}
        onChange={(nameTypes) => set({ nameTypes })}
      />
      <PairsField
        {...ruleField('subjectAltName.patterns')}
        optional
        explanation="A regular expression for each type, which every whole name of the type must match."
        constraint="Default none. A DNS name with a wildcard needs one that matches the asterisk."
        suggestions={rules.nameTypes}
        nameLabel="Type"
        valueLabel="Pattern"
        addText="Add a pattern"
        empty="No type has a pattern."
        value={rules.namePatterns}
        onChange={(namePatterns) => set({ namePatterns })}
      />
      <ToggleField
        {...ruleField('subjectAltName.commonNameAsDns')}
        explanation="For servers whose clients look only at subjectAltName. A CN that is no DNS name is refused. Default off."
        value={rules.commonNameAsDns}
        onChange={(commonNameAsDns) => set({ commonNameAsDns })}
      />
      <ToggleField
        {...ruleField('subjectAltName.ignoreOthers')}
        explanation="For devices that cannot omit a name, instead of refusing their requests. Default off."
        value={rules.ignoreOthers}
        onChange={(ignoreOthers) => set({ ignoreOthers })}
      />
      <RadioField
        {...ruleField('subjectAltName.sidForm')}
        explanation="How a SID is written when a challenge, Intune, a webhook or an administrator vouches for it."
        choices={[
          {
            value: 'EXTENSION',
            label: 'An extension',
            description: '1.3.6.1.4.1.311.25.2, as Microsoft’s authorities write it. The default.',
          },
          { value: 'URI', label: 'A URI in subjectAltName', description: 'As Intune writes it.' },
        ]}
        value={rules.sidForm}
        onChange={(sidForm) => set({ sidForm })}
      />
    </Section>
  );
}
