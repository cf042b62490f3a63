import FormField from '@cloudscape-design/components/form-field';
import Input from '@cloudscape-design/components/input';
import Multiselect from '@cloudscape-design/components/multiselect';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useCaller } from '../../api/caller';
import { api, body } from '../../api/client';
import { reasonsAbout } from '../../api/errors';
import type { NewToken, Scope } from '../../api/schema';
import { FormDialog } from '../../components/FormDialog';
import { choices, scopesAmong } from './scopes';

/** Creates a token.
 *  @param onCreated - gets the token with its value, which nothing else keeps. */
export function NewTokenDialog({
  onCreated,
  onClose,
}: {
  onCreated: (token: NewToken) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const caller = useCaller();
  const [draft, setDraft] = useState<{ name: string; scopes: Scope[] }>({ name: '', scopes: [] });
  const options = choices(caller.data?.scopes ?? []);
  async function save() {
    onCreated(await body(api.POST('/api/v1/tokens', { body: draft })));
    await client.invalidateQueries({ queryKey: ['tokens'] });
  }
  return (
    <FormDialog
      title="Create token"
      verb="Create"
      fields={['name', 'scopes']}
      save={save}
      onClose={onClose}
    >
      {(error) => (
        <SpaceBetween size="l">
          <FormField
            label="Name"
            description="Who or what it is for; audit records show it."
            errorText={reasonsAbout(error, 'name')}
          >
            <Input
              autoFocus
              value={draft.name}
              placeholder="dashboard"
              onChange={({ detail }) => setDraft({ ...draft, name: detail.value })}
            />
          </FormField>
          <FormField
            label="Scopes"
            description="What it may do: no more than its user needs, and no more than you may."
            errorText={reasonsAbout(error, 'scopes')}
          >
            <Multiselect
              options={options}
              selectedOptions={options.filter(({ value }) => draft.scopes.includes(value))}
              placeholder="Choose at least one"
              expandToViewport
              deselectAriaLabel={(option) => `Remove ${option.label ?? ''}`}
              onChange={({ detail }) =>
                setDraft({
                  ...draft,
                  scopes: scopesAmong(detail.selectedOptions.map(({ value }) => value)),
                })
              }
            />
          </FormField>
        </SpaceBetween>
      )}
    </FormDialog>
  );
}
