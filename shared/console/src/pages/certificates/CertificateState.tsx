import Box from '@cloudscape-design/components/box';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { CertificateItem } from '../../api/schema';
import { reasonText } from './revocation';

/** Whether a certificate is valid, and if not why. */
export function CertificateState({ certificate }: { certificate: CertificateItem }) {
  switch (certificate.status) {
    case 'VALID':
      return <StatusIndicator type="success">Valid</StatusIndicator>;
    case 'EXPIRED':
      return <StatusIndicator type="stopped">Expired</StatusIndicator>;
    case 'REVOKED':
      return (
        <>
          <StatusIndicator type="error">Revoked</StatusIndicator>
          <Box variant="small" display="block">
            {reasonText(certificate.revocationReason)}
          </Box>
        </>
      );
  }
}
