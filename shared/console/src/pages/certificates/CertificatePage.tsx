import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { CertificateView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { CertificateFacts } from '../../components/CertificateFacts';
import { DownloadCertificate } from '../../components/DownloadCertificate';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { Time } from '../../components/Time';
import { CertificateState } from './CertificateState';
import { LineageTable } from './LineageTable';
import { Origin } from './Origin';
import { reasonText, revocationObstacle } from './revocation';
import { RevokeDialog } from './RevokeDialog';

const PARENTS = [{ text: 'Certificates', href: '/certificates' }];

/** A certificate: what is in it, how it came to be, and what renewed it. */
export function CertificatePage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['certificates', uuid],
    queryFn: () => body(api.GET('/api/v1/certificates/{uuid}', { params: { path: { uuid } } })),
  });
  const certificate = query.data;
  return (
    <Page
      title={(certificate && (certificate.commonName ?? certificate.subject)) || 'Certificate'}
      parents={PARENTS}
      description={certificate && <CertificateState certificate={certificate} />}
      actions={certificate && <Actions certificate={certificate} />}
    >
      <Loaded query={query}>{(certificate) => <Details certificate={certificate} />}</Loaded>
    </Page>
  );
}

function Actions({ certificate }: { certificate: CertificateView }) {
  const [isRevoking, setRevoking] = useState(false);
  const denial = useDenial('approve');
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <DownloadCertificate
        certificate={certificate.certificate}
        name={certificate.commonName ?? certificate.serialNumber}
      />
      <ActionButton
        denial={denial ?? revocationObstacle(certificate.status, certificate.revocationReason)}
        onClick={() => setRevoking(true)}
      >
        Revoke
      </ActionButton>
      {isRevoking && <RevokeDialog certificate={certificate} onClose={() => setRevoking(false)} />}
    </SpaceBetween>
  );
}

function Details({ certificate }: { certificate: CertificateView }) {
  return (
    <SpaceBetween size="l">
      {certificate.revokedAt && (
        <Alert type="warning" header="It is revoked">
          It was revoked on <Time value={certificate.revokedAt} />, for the reason “
          {reasonText(certificate.revocationReason)}”.
        </Alert>
      )}
      <Container header={<Header variant="h2">The certificate</Header>}>
        <CertificateFacts certificate={certificate.certificate} />
      </Container>
      <Origin certificate={certificate} />
      <LineageTable certificate={certificate} />
    </SpaceBetween>
  );
}
