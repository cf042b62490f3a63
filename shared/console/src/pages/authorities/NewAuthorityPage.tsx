import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Tiles from '@cloudscape-design/components/tiles';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { reasonsAbout } from '../../api/errors';
import type { AuthorityKind } from '../../api/schema';
import { hasChanged } from '../../components/forms/changes';
import { EditForm } from '../../components/forms/EditForm';
import { durationFault, emptyFault, nameFault, refuseFaults } from '../../components/forms/faults';
import { WITHOUT_ASKING } from '../../components/LeaveGuard';
import { useNotify } from '../../components/notifications';
import { Page } from '../../components/Page';
import { KeyFields, ValidityField, type KeyDraft } from './KeyFields';
import { orDefault } from './texts';

interface Draft extends KeyDraft {
  kind: AuthorityKind;
  name: string;
  subject: string;
  description: string;
  validity: string;
}

const NEW_AUTHORITY: Draft = {
  kind: 'ROOT',
  name: '',
  subject: '',
  description: '',
  keyAlgorithm: 'RSA_2048',
  keyArn: '',
  validity: '',
};

const LABELS = {
  name: 'Name',
  subject: 'Subject',
  description: 'Description',
  keyAlgorithm: 'Key algorithm',
  keyArn: 'Existing key',
  validity: 'Validity',
};

/** Creates a root, or a subordinate whose certificate another CA signs. */
export function NewAuthorityPage() {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const client = useQueryClient();
  const notify = useNotify();
  const [draft, setDraft] = useState(NEW_AUTHORITY);
  const action = useMutation({
    mutationFn: async () => {
      refuseFaults([
        nameFault('name', draft.name),
        emptyFault('subject', draft.subject, 'Enter a subject, such as CN=Corp Device CA,O=Corp.'),
        draft.kind === 'ROOT' ? durationFault('validity', draft.validity) : undefined,
      ]);
      return body(api.POST('/api/v1/authorities', { body: bodyOf(draft) }));
    },
    onSuccess: async (created) => {
      await client.invalidateQueries({ queryKey: ['authorities'] });
      await client.invalidateQueries({ queryKey: ['status'] });
      notify.succeed(`Authority ${created.name} was created.`);
      await navigate(`/authorities/${created.uuid}`, WITHOUT_ASKING);
    },
  });
  return (
    <Page title="Create authority" parents={[{ text: 'Authorities', href: '/authorities' }]}>
      <EditForm
        labels={LABELS}
        problems={{ error: action.error }}
        saveText="Create authority"
        denial={denial}
        isSaving={action.isPending}
        isChanged={hasChanged(draft, NEW_AUTHORITY)}
        onSave={() => action.mutate()}
        cancelTo="/authorities"
      >
        <Container>
          <Fields draft={draft} onChange={setDraft} error={action.error} />
        </Container>
      </EditForm>
    </Page>
  );
}

function Fields({
  draft,
  onChange,
  error,
}: {
  draft: Draft;
  onChange: (draft: Draft) => void;
  error: unknown;
}) {
  return (
    <SpaceBetween size="l">
      <FormField label="Kind" stretch>
        <Tiles
          value={draft.kind}
          onChange={({ detail }) =>
            onChange({ ...draft, kind: detail.value === 'SUBORDINATE' ? 'SUBORDINATE' : 'ROOT' })
          }
          items={[
            {
              value: 'ROOT',
              label: 'Root',
              description: 'Signs its own certificate, and can issue at once.',
            },
            {
              value: 'SUBORDINATE',
              label: 'Subordinate',
              description:
                'Another CA signs its certificate: you download a request, and upload what that CA returns.',
            },
          ]}
        />
      </FormField>
      <FormField
        label="Name"
        description="Names it in URLs, such as that of its CRL. It cannot be changed."
        constraintText="1 to 64 of A-Z a-z 0-9 - . _ ~"
        errorText={reasonsAbout(error, 'name')}
      >
        <Input
          value={draft.name}
          placeholder="corp-ca"
          onChange={({ detail }) => onChange({ ...draft, name: detail.value })}
        />
      </FormField>
      <FormField
        label="Subject"
        description="Stands in its certificate, and as the issuer in those of devices."
        constraintText="RFC 4514 text: attributes separated by commas."
        errorText={reasonsAbout(error, 'subject')}
      >
        <Input
          value={draft.subject}
          placeholder="CN=Corp Device CA,O=Corp"
          onChange={({ detail }) => onChange({ ...draft, subject: detail.value })}
        />
      </FormField>
      <FormField
        label={
          <span>
            Description <i>- optional</i>
          </span>
        }
        description="For administrators; no client sees it."
        errorText={reasonsAbout(error, 'description')}
      >
        <Input
          value={draft.description}
          onChange={({ detail }) => onChange({ ...draft, description: detail.value })}
        />
      </FormField>
      <KeyFields draft={draft} onChange={onChange} error={error} />
      {draft.kind === 'ROOT' ? (
        <ValidityField
          value={draft.validity}
          onChange={(validity) => onChange({ ...draft, validity })}
          standard="P10Y"
          description="How long its certificate is valid. No certificate that it issues is valid for longer."
        />
      ) : (
        <Alert type="info">The CA that signs its certificate decides how long it is valid.</Alert>
      )}
    </SpaceBetween>
  );
}

function bodyOf(draft: Draft) {
  return {
    kind: draft.kind,
    name: draft.name,
    subject: draft.subject,
    description: draft.description,
    keyAlgorithm: draft.keyAlgorithm,
    keyArn: orDefault(draft.keyArn),
    // Another CA decides about a subordinate's.
    validity: draft.kind === 'ROOT' ? orDefault(draft.validity) : undefined,
  };
}
