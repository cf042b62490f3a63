import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';

import type { ScepRequestItem } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import { messageTypeText, outcomeOf } from './outcomes';

/** What is known of a request. */
export function RequestFacts({ request }: { request: ScepRequestItem }) {
  const { type, text } = outcomeOf(request.outcome);
  const { transactionId, clientAddress, key, scepProfile, raProfile, certificateUuid } = request;
  return (
    <KeyValuePairs
      columns={3}
      items={[
        { label: 'Outcome', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
        { label: 'Time', value: <Time value={request.at} /> },
        { label: 'messageType', value: messageTypeText(request.messageType) },
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
          value: raProfile ? (
            <PageLink to={`/ra-profiles/${raProfile.uuid}`}>
              {raProfile.name ?? raProfile.uuid}
            </PageLink>
          ) : (
            'none'
          ),
        },
        { label: 'Subject', value: request.subject || 'not known: the message was not opened' },
        {
          label: 'transactionID',
          value: transactionId ? (
            <CopyText text={transactionId} name="the transactionID" />
          ) : (
            'not known'
          ),
        },
        {
          label: 'Client’s address',
          value: clientAddress ? (
            <CopyText text={clientAddress} name="the client’s address" />
          ) : (
            'not known'
          ),
        },
        { label: 'Key', value: key ? key.algorithm : 'not known: the message was not opened' },
        ...(key
          ? [
              {
                label: 'SHA-256 of the key',
                value: <CopyText text={key.sha256} name="the SHA-256 of the key" />,
              },
            ]
          : []),
        { label: 'failInfo', value: request.failInfo ?? 'none' },
        ...(certificateUuid
          ? [
              {
                label: 'Certificate',
                value: <PageLink to={`/certificates/${certificateUuid}`}>Show it</PageLink>,
              },
            ]
          : []),
      ]}
    />
  );
}
