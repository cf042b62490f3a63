import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs, {
  type KeyValuePairsProps,
} from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';

import type { CertificateView } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { flatValues } from '../../components/flat-values';
import { HashText } from '../../components/HashText';
import { PageLink } from '../../components/PageLink';
import { AuthorityLink, RaProfileLink, ScepProfileLink } from '../../components/ProfileLinks';
import { Time } from '../../components/Time';
import { attributePairs, sourceText } from './origin-texts';

/** How a certificate came to be: by which profiles, and what vouched for it. */
export function Origin({ certificate }: { certificate: CertificateView }) {
  const vouched = pairsOf(flatValues(certificate.vouchedNames));
  const notes = pairsOf(flatValues(certificate.annotations));
  const { owner, groups, customAttributes } = certificate.certificateAssociations;
  const associations = [
    ...(owner ? [{ label: 'Owner', value: owner }] : []),
    ...(groups.length > 0 ? [{ label: 'Groups', value: groups.join(', ') }] : []),
    ...attributePairs([...customAttributes, ...certificate.customAttributes]),
  ];
  return (
    <Container header={<Header variant="h2">How it came to be</Header>}>
      <SpaceBetween size="l">
        <KeyValuePairs
          columns={3}
          minColumnWidth={220}
          items={[
            { label: 'Issued', value: <Time value={certificate.issuedAt} /> },
            { label: 'Authority', value: <AuthorityLink uuid={certificate.authorityUuid} /> },
            { label: 'RA Profile', value: <RaProfileLink uuid={certificate.raProfileUuid} /> },
            {
              label: 'SCEP Profile',
              value: <ScepProfileLink uuid={certificate.scepProfileUuid} />,
            },
            { label: 'What vouched for it', value: <Source certificate={certificate} /> },
            {
              label: 'transactionID',
              value: <CopyText text={certificate.transactionId} name="transactionID" />,
            },
            {
              label: 'Key (SHA-256 of its SubjectPublicKeyInfo)',
              value: (
                <>
                  <HashText text={certificate.keySha256} name="SHA-256 of the key" />
                  <PageLink to={`/certificates?keySha256=${certificate.keySha256}`}>
                    Certificates of this key
                  </PageLink>
                </>
              ),
            },
          ]}
        />
        <Group title="Names that were vouched for" items={vouched} />
        <Group title="Notes of what vouched for it" items={notes} />
        <Group title="Owner, groups and custom attributes" items={associations} />
        <Group
          title="Attributes of its issuance"
          items={attributePairs(certificate.issueCertificateAttributes)}
        />
      </SpaceBetween>
    </Container>
  );
}

function Source({ certificate }: { certificate: CertificateView }) {
  const text = sourceText(certificate);
  return certificate.challengeUuid ? (
    <>
      {text}{' '}
      <PageLink to={`/certificates?challengeUuid=${certificate.challengeUuid}`}>
        Certificates by this challenge
      </PageLink>
    </>
  ) : (
    text
  );
}

function Group({ title, items }: { title: string; items: KeyValuePairsProps.Pair[] }) {
  if (items.length === 0) {
    return null;
  }
  return <KeyValuePairs columns={1} items={[{ type: 'group', title, items }]} />;
}

function pairsOf(values: Map<string, string>): KeyValuePairsProps.Pair[] {
  return [...values].map(([label, value]) => ({ label, value }));
}
