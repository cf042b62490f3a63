import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { TransactionView } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import { messageTypeText, outcomeOf } from './outcomes';

/** What a transaction is about, and what became of it. */
export function TransactionFacts({ transaction }: { transaction: TransactionView }) {
  const { type, text } = outcomeOf(transaction.status);
  const { scepProfile, raProfile, certificateUuid } = transaction;
  return (
    <KeyValuePairs
      columns={3}
      items={[
        { label: 'Status', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
        { label: 'Time', value: <Time value={transaction.createdAt} seconds /> },
        { label: 'messageType', value: messageTypeText(transaction.messageType) },
        {
          label: 'SCEP Profile',
          value: (
            <PageLink to={`/scep-profiles/${scepProfile.uuid}`}>
              {scepProfile.name ?? scepProfile.uuid}
            </PageLink>
          ),
        },
        {
          label: 'RA Profile',
          value: (
            <PageLink to={`/ra-profiles/${raProfile.uuid}`}>
              {raProfile.name ?? raProfile.uuid}
            </PageLink>
          ),
        },
        {
          label: 'transactionID',
          value: <CopyText text={transaction.transactionId} name="the transactionID" />,
        },
        { label: 'Requested subject', value: transaction.subject || 'none' },
        {
          label: 'Certificate',
          value: certificateUuid ? (
            <PageLink to={`/certificates/${certificateUuid}`}>Show the certificate</PageLink>
          ) : (
            'none yet'
          ),
        },
        {
          label: 'Requests of this transactionID',
          value: (
            <PageLink
              to={`/requests?transactionId=${encodeURIComponent(transaction.transactionId)}`}
            >
              Show all of them
            </PageLink>
          ),
        },
      ]}
    />
  );
}
