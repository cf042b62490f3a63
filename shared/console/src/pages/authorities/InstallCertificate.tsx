import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';
import FileInput from '@cloudscape-design/components/file-input';
import FormField from '@cloudscape-design/components/form-field';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Textarea from '@cloudscape-design/components/textarea';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { otherReasons, reasonsAbout } from '../../api/errors';
import type { AuthorityView } from '../../api/schema';
import { fileName, pemOfFile } from '../../components/certificate-files';
import { saveFile } from '../../components/download';
import { UNSAVED } from '../../components/forms/changes';
import { LeaveWarning } from '../../components/LeaveGuard';
import { useNotify } from '../../components/notifications';
import { installationOf } from './texts';

/** Leads a subordinate to a certificate: the request goes to another CA, and what it signed comes
 *  back. */
export function InstallCertificate({ authority }: { authority: AuthorityView }) {
  const denial = useDenial('write');
  const client = useQueryClient();
  const notify = useNotify();
  const [draft, setDraft] = useState({ certificate: '', chain: '' });
  const action = useMutation({
    mutationFn: () =>
      body(
        api.POST('/api/v1/authorities/{uuid}/certificate', {
          params: { path: { uuid: authority.uuid } },
          body: installationOf(draft.certificate, draft.chain),
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['authorities'] });
      await client.invalidateQueries({ queryKey: ['status'] });
      setDraft({ certificate: '', chain: '' });
      notify.succeed(`The certificate of ${authority.name} was installed.`);
    },
  });
  const others = action.error ? otherReasons(action.error, ['certificate', 'chain']) : [];
  function submit(event: SyntheticEvent) {
    event.preventDefault();
    action.mutate();
  }
  return (
    <form onSubmit={submit}>
      {(draft.certificate || draft.chain) && <LeaveWarning>{UNSAVED}</LeaveWarning>}
      <SpaceBetween size="m">
        <PemField
          label="Certificate"
          description="What the other CA signed. Certificates after the first one are taken for its chain."
          value={draft.certificate}
          errorText={reasonsAbout(action.error, 'certificate')}
          onChange={(certificate) => setDraft({ ...draft, certificate })}
        />
        <PemField
          label="Chain"
          description="The certificates above it, its issuer’s first, as far as they are not above."
          value={draft.chain}
          errorText={reasonsAbout(action.error, 'chain')}
          onChange={(chain) => setDraft({ ...draft, chain })}
        />
        {others.length > 0 && (
          <Alert type="error" header="It was not installed">
            {others.map((reason) => (
              <div key={reason}>{reason}</div>
            ))}
          </Alert>
        )}
        <Button
          variant="primary"
          loading={action.isPending}
          disabled={denial !== undefined || draft.certificate.trim() === ''}
          disabledReason={denial ?? 'Paste or choose the certificate first.'}
        >
          Install certificate
        </Button>
      </SpaceBetween>
    </form>
  );
}

/** Downloads the certificate request of a subordinate's latest key. */
export function DownloadRequest({ authority }: { authority: AuthorityView }) {
  const notify = useNotify();
  const action = useMutation({
    mutationFn: () =>
      body(
        api.GET('/api/v1/authorities/{uuid}/csr', {
          params: { path: { uuid: authority.uuid } },
          parseAs: 'text',
        }),
      ),
    onSuccess: (pem) => saveFile(pem, 'application/x-pem-file', fileName(authority.name, 'csr')),
    onError: (error) => notify.fail('The request was not downloaded', error),
  });
  return (
    <Button iconName="download" loading={action.isPending} onClick={() => action.mutate()}>
      Download request (PKCS #10)
    </Button>
  );
}

function PemField({
  label,
  description,
  value,
  errorText,
  onChange,
}: {
  label: string;
  description: string;
  value: string;
  errorText: string | undefined;
  onChange: (text: string) => void;
}) {
  async function read(files: File[]) {
    const texts = await Promise.all(
      files.map(async (file) => pemOfFile(new Uint8Array(await file.arrayBuffer()))),
    );
    onChange(texts.join('\n'));
  }
  return (
    <FormField
      stretch
      label={label}
      description={description}
      constraintText="PEM; a file may also be a certificate in DER."
      errorText={errorText}
      secondaryControl={
        <FileInput
          value={[]}
          multiple
          accept=".pem,.crt,.cer,.der"
          ariaLabel={`Choose a file: ${label}`}
          onChange={({ detail }) => void read(detail.value)}
        >
          Choose file
        </FileInput>
      }
    >
      <Textarea
        value={value}
        rows={5}
        spellcheck={false}
        placeholder="-----BEGIN CERTIFICATE-----"
        onChange={({ detail }) => onChange(detail.value)}
      />
    </FormField>
  );
}
