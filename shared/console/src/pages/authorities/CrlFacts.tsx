import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import { useMutation } from '@tanstack/react-query';

import { api, body } from '../../api/client';
import type { AuthorityView, ServerStatus } from '../../api/schema';
import { fileName } from '../../components/certificate-files';
import { CopyText } from '../../components/CopyText';
import { saveFile } from '../../components/download';
import { Expiry } from '../../components/Expiry';
import { Loaded } from '../../components/Loaded';
import { useNotify } from '../../components/notifications';
import { useStatus } from '../../api/queries';
import { Time } from '../../components/Time';

/** The CRL of an authority's current key: where verifiers fetch it, and until when it is valid. */
export function CrlFacts({ authority }: { authority: AuthorityView }) {
  const notify = useNotify();
  const status = useStatus();
  const download = useMutation({
    mutationFn: () =>
      body(
        api.GET('/api/v1/authorities/{uuid}/crl', {
          params: { path: { uuid: authority.uuid } },
          parseAs: 'blob',
        }),
      ),
    onSuccess: (crl) => saveFile(crl, 'application/pkix-crl', fileName(authority.name, 'crl')),
    onError: (error) => notify.fail('The CRL was not downloaded', error),
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="It lists the revoked certificates, and is public."
          actions={
            <Button
              iconName="download"
              loading={download.isPending}
              onClick={() => download.mutate()}
            >
              Download CRL
            </Button>
          }
        >
          CRL
        </Header>
      }
    >
      <Loaded query={status}>{(status) => <Facts authority={authority} status={status} />}</Loaded>
    </Container>
  );
}

function Facts({ authority, status }: { authority: AuthorityView; status: ServerStatus }) {
  const crl = status.authorities.find(({ uuid }) => uuid === authority.uuid)?.crl;
  if (!crl) {
    return <Box>There is none yet. Maintenance publishes it within minutes.</Box>;
  }
  return (
    <KeyValuePairs
      columns={4}
      minColumnWidth={180}
      items={[
        { label: 'Number', value: crl.number },
        { label: 'Issued', value: <Time value={crl.thisUpdate} /> },
        { label: 'Next update', value: <Expiry from={crl.thisUpdate} value={crl.nextUpdate} /> },
        {
          label: 'Public URL',
          value: authority.crlUrl ? (
            <CopyText text={authority.crlUrl} name="URL of the CRL" />
          ) : (
            'None: the server has no public URL, so certificates name no CRL'
          ),
        },
      ]}
    />
  );
}
