import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { api, body, versioned, type Versioned } from '../../api/client';
import { ApiError, reasonsAbout } from '../../api/errors';
import type { AuthorityView } from '../../api/schema';
import { ConflictDialog } from '../../components/ConflictDialog';
import { FormDialog } from '../../components/FormDialog';
import { useNotify } from '../../components/notifications';

/** Edits what can be edited of an authority: its description. */
export function EditAuthorityDialog({
  authority,
  onClose,
}: {
  authority: Versioned<AuthorityView>;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const notify = useNotify();
  const [description, setDescription] = useState(authority.object.description);
  const [theirs, setTheirs] = useState<Versioned<AuthorityView>>();
  const [base, setBase] = useState(authority);
  const path = { uuid: authority.object.uuid };

  async function put(etag: string) {
    await body(
      api.PUT('/api/v1/authorities/{uuid}', {
        params: { path, header: { 'If-Match': etag } },
        body: { description },
      }),
    );
    await client.invalidateQueries({ queryKey: ['authorities'] });
    notify.succeed(`Authority ${authority.object.name} was saved.`);
  }
  async function save(etag: string) {
    try {
      await put(etag);
    } catch (error) {
      if (error instanceof ApiError && error.isConflict) {
        setTheirs(await versioned(api.GET('/api/v1/authorities/{uuid}', { params: { path } })));
      }
      throw error;
    }
  }

  if (theirs) {
    return (
      <ConflictDialog
        mine={{ description }}
        theirs={{ description: theirs.object.description }}
        onClose={() => {
          setBase(theirs);
          setTheirs(undefined);
        }}
        onTakeTheirs={() => {
          setBase(theirs);
          setDescription(theirs.object.description);
          setTheirs(undefined);
        }}
        words={{ labels: { description: 'Description' } }}
        onKeepMine={() => {
          save(theirs.etag).then(onClose, (error: unknown) => {
            notify.fail('It was not saved', error);
          });
        }}
      />
    );
  }
  return (
    <FormDialog
      title={`Edit ${authority.object.name}`}
      verb="Save"
      fields={['description']}
      save={() => save(base.etag)}
      onClose={onClose}
    >
      {(error) => (
        <SpaceBetween size="l">
          <FormField label="Name" description="It cannot be changed: URLs and CRLs contain it.">
            <Input value={authority.object.name} readOnly />
          </FormField>
          <FormField
            label="Description"
            description="For administrators; no client sees it."
            errorText={reasonsAbout(error, 'description')}
          >
            <Input
              autoFocus
              value={description}
              placeholder="None"
              onChange={({ detail }) => setDescription(detail.value)}
            />
          </FormField>
        </SpaceBetween>
      )}
    </FormDialog>
  );
}
