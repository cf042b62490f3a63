import Alert from '@cloudscape-design/components/alert';
import Container from '@cloudscape-design/components/container';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate, useParams } from 'react-router';

import { useDenial } from '../../api/caller';
import { api, versioned, type Versioned } from '../../api/client';
import type { AuthorityView, CertificateDetail } from '../../api/schema';
import { CertificateFacts } from '../../components/CertificateFacts';
import { DownloadCertificate } from '../../components/DownloadCertificate';
import { HeaderActions } from '../../components/HeaderActions';
import { algorithmText } from '../../components/key-algorithms';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { PageLink } from '../../components/PageLink';
import { AuthorityState } from './AuthorityState';
import { CrlFacts } from './CrlFacts';
import { DeleteAuthorityDialog } from './DeleteAuthorityDialog';
import { EditAuthorityDialog } from './EditAuthorityDialog';
import { DownloadRequest, InstallCertificate } from './InstallCertificate';
import { RaCertificates } from './RaCertificates';
import { Rollover } from './Rollover';

const PARENTS = [{ text: 'Authorities', href: '/authorities' }];

/** An authority: its certificate, CRL and RA certificates, and its rollover. */
export function AuthorityPage() {
  const { uuid = '' } = useParams();
  const query = useQuery({
    queryKey: ['authorities', uuid, 'versioned'],
    queryFn: () => versioned(api.GET('/api/v1/authorities/{uuid}', { params: { path: { uuid } } })),
  });
  const authority = query.data;
  return (
    <Page
      title={authority?.object.name ?? 'Authority'}
      parents={PARENTS}
      description={authority && <AuthorityState authority={authority.object} />}
      actions={authority && <Actions authority={authority} />}
    >
      <Loaded query={query}>{({ object }) => <Details authority={object} />}</Loaded>
    </Page>
  );
}

function Actions({ authority }: { authority: Versioned<AuthorityView> }) {
  const denial = useDenial('write');
  const navigate = useNavigate();
  const [dialog, setDialog] = useState<'edit' | 'delete'>();
  const { object } = authority;
  return (
    <SpaceBetween direction="horizontal" size="xs">
      {object.certificate && (
        <DownloadCertificate
          certificate={object.certificate}
          chain={object.chain}
          name={object.name}
          text="Download certificate"
        />
      )}
      <HeaderActions
        actions={[
          { text: 'Edit', denial, act: () => setDialog('edit') },
          { text: 'Delete', denial, act: () => setDialog('delete') },
        ]}
      />
      {dialog === 'edit' && (
        <EditAuthorityDialog authority={authority} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'delete' && (
        <DeleteAuthorityDialog
          authority={object}
          onClose={(done) => (done ? void navigate('/authorities') : setDialog(undefined))}
        />
      )}
    </SpaceBetween>
  );
}

function Details({ authority }: { authority: AuthorityView }) {
  const isActive = authority.state === 'ACTIVE';
  return (
    <SpaceBetween size="l">
      {!isActive && <FirstCertificate authority={authority} />}
      <Overview authority={authority} />
      {isActive && <CrlFacts authority={authority} />}
      <RaCertificates authority={authority} />
      {isActive && <Rollover authority={authority} />}
    </SpaceBetween>
  );
}

function FirstCertificate({ authority }: { authority: AuthorityView }) {
  return (
    <Container
      header={
        <Header variant="h2" actions={<DownloadRequest authority={authority} />}>
          Have its certificate signed
        </Header>
      }
    >
      <SpaceBetween size="m">
        <Alert type="info">
          It cannot issue yet. Download the request, have the other CA sign it (CA:TRUE, with
          keyCertSign and cRLSign), and install what it returns.
        </Alert>
        <InstallCertificate authority={authority} />
      </SpaceBetween>
    </Container>
  );
}

function Overview({ authority }: { authority: AuthorityView }) {
  return (
    <Container header={<Header variant="h2">The authority</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={4}
          minColumnWidth={180}
          items={[
            { label: 'Kind', value: authority.kind === 'ROOT' ? 'Root' : 'Subordinate' },
            {
              label: 'Key',
              value: `${algorithmText(authority.keyAlgorithm)}, ${authority.keyReference}`,
            },
            { label: 'Description', value: authority.description || 'None' },
            {
              label: 'Issued to devices',
              value: (
                <PageLink to={`/certificates?authorityUuid=${authority.uuid}`}>
                  Its certificates
                </PageLink>
              ),
            },
          ]}
        />
        {authority.certificate && <CertificateFacts certificate={authority.certificate} />}
        <Others title="Chain" certificates={authority.chain} />
        <Others title="Certificates of its earlier keys" certificates={authority.previous} />
        {authority.kind === 'SUBORDINATE' &&
          authority.state === 'ACTIVE' &&
          !authority.nextState && (
            <ExpandableSection headerText="Install a later certificate for the same key">
              <SpaceBetween size="m">
                <DownloadRequest authority={authority} />
                <InstallCertificate authority={authority} />
              </SpaceBetween>
            </ExpandableSection>
          )}
      </SpaceBetween>
    </Container>
  );
}

function Others({ title, certificates }: { title: string; certificates: CertificateDetail[] }) {
  if (certificates.length === 0) {
    return null;
  }
  return (
    <ExpandableSection headerText={title} headerCounter={`(${certificates.length})`}>
      <SpaceBetween size="xl">
        {certificates.map((certificate) => (
          <SpaceBetween size="s" key={certificate.fingerprintSha256}>
            <CertificateFacts certificate={certificate} />
            <DownloadCertificate certificate={certificate} />
          </SpaceBetween>
        ))}
      </SpaceBetween>
    </ExpandableSection>
  );
}
