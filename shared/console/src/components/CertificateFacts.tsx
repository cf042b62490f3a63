import KeyValuePairs, {
  type KeyValuePairsProps,
} from '@cloudscape-design/components/key-value-pairs';
import SpaceBetween from '@cloudscape-design/components/space-between';

import type { CertificateDetail } from '../api/schema';
import { CopyText } from './CopyText';
import { Expiry } from './Expiry';
import { HashText } from './HashText';
import { algorithmText } from './key-algorithms';
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
          {
            label: 'Expires',
            value: <Expiry value={certificate.notAfter} from={certificate.notBefore} />,
          },
          {
            label: 'Subject alternative names',
            value: <Names names={certificate.subjectAltNames} />,
          },
          {
            label: 'Key',
            value: certificate.keyAlgorithm
              ? algorithmText(certificate.keyAlgorithm)
              : 'Of an unknown algorithm',
          },
          { label: 'Key usage', value: certificate.keyUsage.join(', ') || 'Any' },
          { label: 'Extended key usage', value: certificate.extendedKeyUsage.join(', ') || 'Any' },
          { label: 'Signature', value: certificate.signatureAlgorithm },
          ...(certificate.isCa ? [{ label: 'Path length', value: pathLengthOf(certificate) }] : []),
        ]}
      />
      <KeyValuePairs columns={1} items={longTexts(certificate)} />
    </SpaceBetween>
  );
}

/** Each name on a line of its own. */
function Names({ names }: { names: string[] }) {
  return names.length === 0 ? 'None' : names.map((name) => <div key={name}>{name}</div>);
}

function pathLengthOf({ pathLength }: CertificateDetail): string {
  return pathLength === null || pathLength === undefined ? 'No limit' : `${pathLength}`;
}

function longTexts(certificate: CertificateDetail): KeyValuePairsProps.Item[] {
  const hash = (label: string, text: string) => ({
    label,
    value: <HashText text={text} name={label} />,
  });
  return [
    hash('SHA-256 fingerprint', certificate.fingerprintSha256),
    hash('SHA-1 fingerprint', certificate.fingerprintSha1),
    hash('MD5 fingerprint', certificate.fingerprintMd5),
    ...certificate.crlDistributionPoints.map((url) => ({
      label: 'URL of the CRL',
      value: <CopyText text={url} name="URL of the CRL" />,
    })),
  ];
}
