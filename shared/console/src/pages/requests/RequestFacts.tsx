import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';

import type { ScepRequestItem } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import { messageTypeText, outcomeOf } from './outcomes';

/** A fact, unless it is not known. */
function fact(label: string, value: ReactNode) {
  return value ? [{ label, value }] : [];
}

/** What is known of a request. */
export function RequestFacts({ request }: { request: ScepRequestItem }) {
  const { type, text } = outcomeOf(request.outcome);
  const { transactionId, clientAddress, key, scepProfile, raProfile, certificateUuid } = request;
  return (
    <KeyValuePairs
      columns={3}
      items={[
        { label: 'Outcome', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
        { label: 'Time', value: <Time value={request.at} unit="second" /> },
        { label: 'messageType', value: messageTypeText(request.messageType) },
        {
          label: 'SCEP Profile',
          value: (
            <PageLink to={`/scep-profiles/${scepProfile.uuid}`}>
              {scepProfile.name ?? scepProfile.uuid}
            </PageLink>
          ),
        },
        ...fact(
          'RA Profile',
          raProfile && (
            <PageLink to={`/ra-profiles/${raProfile.uuid}`}>
              {raProfile.name ?? raProfile.uuid}
            </PageLink>
          ),
        ),
        ...fact('Subject', request.subject),
        ...fact(
          'transactionID',
          transactionId && <CopyText text={transactionId} name="the transactionID" />,
        ),
        ...fact(
          'Client address',
          clientAddress && <CopyText text={clientAddress} name="the client address" />,
        ),
        ...fact('Key', key?.algorithm),
        ...fact(
          'SHA-256 of the key',
          key && <CopyText text={key.sha256} name="the SHA-256 of the key" />,
        ),
        ...fact('failInfo', request.failInfo),
        ...fact(
          'Certificate',
          certificateUuid && <PageLink to={`/certificates/${certificateUuid}`}>Show it</PageLink>,
        ),
      ]}
    />
  );
}
