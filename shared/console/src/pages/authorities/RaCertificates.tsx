import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { AuthorityView, RaCertificateView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CertificateFacts } from '../../components/CertificateFacts';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { DownloadCertificate } from '../../components/DownloadCertificate';
import { Expiry } from '../../components/Expiry';
import { algorithmText } from '../../components/key-algorithms';
import { LocalTable } from '../../components/LocalTable';
import { useNotify } from '../../components/notifications';
import { Time } from '../../components/Time';
import { NewRaCertificateDialog } from './NewRaCertificateDialog';

/** The RA certificates of an authority: the keys that clients encrypt to. */
export function RaCertificates({ authority }: { authority: AuthorityView }) {
  const denial = useDenial('write');
  const [isCreating, setCreating] = useState(false);
  const [removed, setRemoved] = useState<RaCertificateView>();
  const path = { authorityUuid: authority.uuid };
  const query = useQuery({
    queryKey: ['authorities', authority.uuid, 'raCertificates'],
    queryFn: () =>
      body(api.GET('/api/v1/authorities/{authorityUuid}/raCertificates', { params: { path } })),
  });
  const obstacle =
    authority.state === 'ACTIVE' ? undefined : 'The authority has no certificate yet.';
  const create = (
    <ActionButton denial={denial ?? obstacle} onClick={() => setCreating(true)}>
      Create RA certificate
    </ActionButton>
  );
  return (
    <>
      <LocalTable<RaCertificateView>
        title="RA certificates"
        description="Clients encrypt their requests to one, which a SCEP Profile names. Each gets a new key 30 days before it expires; messages to the old key are accepted until it has expired."
        query={query}
        idOf={(item) => item.uuid}
        nameOf={(item) => item.certificate.subject}
        textOf={(item) => item.certificate.subject}
        actions={create}
        empty="There is none yet. A SCEP Profile needs one."
        columns={[
          {
            id: 'subject',
            header: 'Subject',
            isRowHeader: true,
            minWidth: 220,
            cell: (item) => <Subject item={item} />,
          },
          {
            id: 'key',
            header: 'Key',
            minWidth: 120,
            cell: (item) => algorithmText(item.keyAlgorithm),
          },
          {
            id: 'usage',
            header: 'Extended key usage',
            minWidth: 140,
            cell: (item) => item.extendedKeyUsage.join(', ') || 'None',
          },
          {
            id: 'expiry',
            header: 'Expires',
            minWidth: 160,
            cell: (item) => <Expiry value={item.certificate.notAfter} />,
          },
          {
            id: 'renewals',
            header: 'Earlier and next',
            minWidth: 160,
            cell: (item) => <Renewals item={item} />,
          },
          {
            id: 'actions',
            header: 'Actions',
            minWidth: 240,
            cell: (item) => (
              <SpaceBetween direction="horizontal" size="xs">
                <DownloadCertificate certificate={item.certificate} />
                <ActionButton denial={denial} onClick={() => setRemoved(item)}>
                  Delete
                </ActionButton>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {isCreating && (
        <NewRaCertificateDialog authority={authority} onClose={() => setCreating(false)} />
      )}
      {removed && <DeleteDialog item={removed} onClose={() => setRemoved(undefined)} />}
    </>
  );
}

function Subject({ item }: { item: RaCertificateView }) {
  return (
    <ExpandableSection headerText={item.certificate.subject} variant="inline">
      <CertificateFacts certificate={item.certificate} />
      {item.crlDistributionPoint && (
        <Box padding={{ top: 's' }}>
          It names the CRL at <Box variant="code">{item.crlDistributionPoint}</Box>.
        </Box>
      )}
    </ExpandableSection>
  );
}

function Renewals({ item }: { item: RaCertificateView }) {
  const latest = item.previous.at(-1);
  return (
    <>
      <div>
        {latest ? (
          <>
            {item.previous.length} earlier; the latest ends{' '}
            <Time value={latest.notAfter} dateOnly />
          </>
        ) : (
          'None earlier'
        )}
      </div>
      {item.next && (
        <div>
          Next, of the rollover: <Time value={item.next.notAfter} dateOnly />
        </div>
      )}
    </>
  );
}

function DeleteDialog({ item, onClose }: { item: RaCertificateView; onClose: () => void }) {
  const client = useQueryClient();
  const notify = useNotify();
  const path = { authorityUuid: item.authorityUuid, uuid: item.uuid };
  async function remove() {
    await body(
      api.DELETE('/api/v1/authorities/{authorityUuid}/raCertificates/{uuid}', { params: { path } }),
    );
    await client.invalidateQueries({ queryKey: ['authorities'] });
    await client.invalidateQueries({ queryKey: ['status'] });
    notify.succeed(`RA certificate ${item.certificate.subject} was deleted.`);
  }
  return (
    <ConfirmDialog title="Delete the RA certificate?" verb="Delete" act={remove} onClose={onClose}>
      <Box>
        Clients that still have <Box variant="strong">{item.certificate.subject}</Box> can no longer
        enrol with it; they fetch the SCEP Profile’s certificate again. Its key is kept.
      </Box>
    </ConfirmDialog>
  );
}
