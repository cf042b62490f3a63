import KeyValuePairs, {
  type KeyValuePairsProps,
} from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';

import type { CertificateDetail } from '../api/schema';
import { CopyText } from './CopyText';
import { Expiry } from './Expiry';
import { Time } from './Time';

/** What is in a certificate. */
export function CertificateFacts({ certificate }: { certificate: CertificateDetail }) {
  return (
    <SpaceBetween size="l">
      <KeyValuePairs
        columns={3}
        minColumnWidth={220}
        items={[
          { label: 'Subject', value: certificate.subject || 'None' },
          { label: 'Issuer', value: certificate.issuer },
          {
            label: 'Serial number',
            value: <CopyText text={certificate.serialNumber} name="serial number" />,
          },
          { label: 'Valid from', value: <Time value={certificate.notBefore} /> },
          { label: 'Expires', value: <Expiry value={certificate.notAfter} /> },
        ]}
      />
      <KeyValuePairs columns={1} items={fingerprints(certificate)} />
    </SpaceBetween>
  );
}

function fingerprints(certificate: CertificateDetail): KeyValuePairsProps.Item[] {
  const item = (name: string, text: string) => ({
    label: `${name} fingerprint`,
    value: <CopyText text={text} name={`${name} fingerprint`} />,
  });
  return [
    item('SHA-256', certificate.fingerprintSha256),
    item('SHA-1', certificate.fingerprintSha1),
    item('MD5', certificate.fingerprintMd5),
  ];
}
