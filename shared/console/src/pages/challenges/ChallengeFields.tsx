import Checkbox from '@cloudscape-design/components/checkbox';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Multiselect from '@cloudscape-design/components/multiselect';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';

import { reasonsAbout } from '../../api/errors';
import { DurationInput } from '../../components/forms/DurationInput';
import { ChoiceSelect } from '../../components/ChoiceSelect';
import { useRaProfiles } from '../../api/queries';
import { NAME_TYPES, noteProblem, pairsProblem, usesProblem, type ChallengeDraft } from './draft';
import { durationProblem, endText, VALIDITY_UNITS } from './duration';
import { NamedValues } from './NamedValues';

/** What the fields of the form are called, by their JSON paths. */
export const LABELS = {
  validity: 'Validity',
  note: 'Note',
  uses: 'Uses',
  subject: 'Subject',
  subjectAltNames: 'Subject alternative names',
  raProfileUuid: 'RA Profile',
  transactionId: 'transactionID',
};

/** The fields of the section that is closed at first. */
const INSIDE = ['uses', 'subjectAltNames.sid', 'raProfileUuid', 'transactionId'];

const ATTRIBUTES = ['CN', 'O', 'OU', 'L', 'ST', 'C', 'DC', 'UID', 'serialNumber'].map((value) => ({
  value,
  label: value,
}));

/** The inputs for one challenge.
 *  @param error - why the last attempt failed. */
export function ChallengeFields({
  draft,
  error,
  onChange,
}: {
  draft: ChallengeDraft;
  error: unknown;
  onChange: (change: Partial<ChallengeDraft>) => void;
}) {
  const raProfiles = useRaProfiles();
  const [opened] = useState(() => Date.now());
  const [isExpanded, setExpanded] = useState(false);
  const isFaultInside = INSIDE.some((path) => reasonsAbout(error, path) !== undefined);
  const validityProblem = durationProblem(draft.validity);
  return (
    <SpaceBetween size="l">
      <FormField
        label="Validity"
        description="A device must enrol within this time."
        constraintText={
          validityProblem === undefined &&
          `At most 90 days. A challenge made now expires on ${endText(draft.validity, opened)}.`
        }
        errorText={validityProblem ?? reasonsAbout(error, 'validity')}
      >
        <DurationInput
          label="Validity"
          units={VALIDITY_UNITS}
          value={draft.validity}
          onChange={(validity) => onChange({ validity })}
        />
      </FormField>
      <FormField
        label="Note"
        description="What the challenge is for; it goes onto the record of each certificate."
        constraintText={`Optional; ${draft.note.length} of at most 300 characters.`}
        errorText={noteProblem(draft.note) ?? reasonsAbout(error, 'note')}
      >
        <Input
          value={draft.note}
          placeholder="asset 4711"
          onChange={({ detail }) => onChange({ note: detail.value })}
        />
      </FormField>
      <FormField
        label="Subject"
        description="Attributes that the certificate gets in place of those that the device asks for. A request with another CN is refused."
        constraintText="Without a value, the rules of the RA Profile decide."
        errorText={pairsProblem(draft.subject, true) ?? reasonsAbout(error, 'subject')}
        stretch
      >
        <NamedValues
          pairs={draft.subject}
          names={ATTRIBUTES}
          isOpen
          nameLabel="Attribute"
          addText="Add an attribute"
          empty="The rules of the RA Profile decide on the subject."
          onChange={(subject) => onChange({ subject })}
        />
      </FormField>
      <FormField
        label={LABELS.subjectAltNames}
        description="Names that the certificate gets, whether or not the device asks for them. Other names of the same type are refused."
        constraintText="Types of which there is no name here are left to the rules of the RA Profile."
        errorText={pairsProblem(draft.names, false) ?? reasonsAbout(error, 'subjectAltNames')}
        stretch
      >
        <NamedValues
          pairs={draft.names}
          names={NAME_TYPES}
          isOpen={false}
          nameLabel="Type"
          addText="Add a name"
          empty="The rules of the RA Profile decide on the names."
          onChange={(names) => onChange({ names })}
        />
      </FormField>
      <ExpandableSection
        headerText="More restrictions"
        expanded={isExpanded || isFaultInside}
        onChange={({ detail }) => setExpanded(detail.expanded)}
      >
        <SpaceBetween size="l">
          <FormField
            label="Uses"
            description="How many certificates it is good for."
            constraintText="1 to 100. Default 1."
            errorText={usesProblem(draft.uses) ?? reasonsAbout(error, 'uses')}
          >
            <Input
              value={draft.uses}
              placeholder="1"
              inputMode="numeric"
              onChange={({ detail }) => onChange({ uses: detail.value })}
            />
          </FormField>
          <Checkbox
            checked={draft.hold}
            description="The device waits until an administrator approves its request. Default: no."
            onChange={({ detail }) => onChange({ hold: detail.checked })}
          >
            Hold for approval
          </Checkbox>
          <FormField
            label="No names of these types"
            description="A request that asks for a name of such a type is refused."
            constraintText="Default: none of them."
          >
            <Multiselect
              selectedOptions={NAME_TYPES.filter(({ value }) => draft.without.includes(value))}
              options={NAME_TYPES}
              placeholder="Choose types"
              onChange={({ detail }) =>
                onChange({ without: detail.selectedOptions.map(({ value }) => value ?? '') })
              }
            />
          </FormField>
          <FormField
            label="Security identifier (SID)"
            description="The account as which the device can log on, where Active Directory trusts the authority."
            constraintText="Default: none."
            errorText={reasonsAbout(error, 'subjectAltNames.sid')}
          >
            <Input
              value={draft.sid}
              placeholder="S-1-5-21-1004336348-1177238915-682003330-1601"
              spellcheck={false}
              onChange={({ detail }) => onChange({ sid: detail.value })}
            />
          </FormField>
          <ChoiceSelect
            label="RA Profile"
            any="Any RA Profile"
            value={draft.raProfileUuid}
            choices={(raProfiles.data ?? []).map(({ uuid, name }) => ({
              value: uuid,
              label: name,
            }))}
            onChange={(raProfileUuid) => onChange({ raProfileUuid })}
          />
          <FormField
            label="transactionID"
            description="The only transactionID for which it is valid. A device with an EC key needs it, because its request is encrypted under the challenge."
            constraintText="Default: any."
            errorText={reasonsAbout(error, 'transactionId')}
          >
            <Input
              value={draft.transactionId}
              placeholder="2B4F60F1"
              spellcheck={false}
              onChange={({ detail }) => onChange({ transactionId: detail.value })}
            />
          </FormField>
        </SpaceBetween>
      </ExpandableSection>
    </SpaceBetween>
  );
}
