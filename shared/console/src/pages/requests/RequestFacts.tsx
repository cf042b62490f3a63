import KeyValuePairs, {
  type KeyValuePairsProps,
} from '@cloudscape-design/components/key-value-pairs';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import type { ReactNode } from 'react';

import type { ScepRequestItem } from '../../api/schema';
import { CopyText } from '../../components/CopyText';
import { HashText } from '../../components/HashText';
import { algorithmText } from '../../components/key-algorithms';
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
      minColumnWidth={220}
      items={[
        { label: 'Outcome', value: <StatusIndicator type={type}>{text}</StatusIndicator> },
        { label: 'Time', value: <Time value={request.at} seconds /> },
        { label: 'messageType', value: messageTypeText(request.messageType) },
        {
          label: 'SCEP Profile',
          value: (
            <PageLink to={`/scep-profiles/${scepProfile.uuid}`}>
              {scepProfile.name ?? scepProfile.uuid}
            </PageLink>
          ),
        },
        ...known(
          'RA Profile',
          raProfile && (
            <PageLink to={`/ra-profiles/${raProfile.uuid}`}>
              {raProfile.name ?? raProfile.uuid}
            </PageLink>
          ),
        ),
        ...known('Subject', request.subject),
        ...known(
          'transactionID',
          transactionId && <CopyText text={transactionId} name="the transactionID" />,
        ),
        ...known(
          'Client’s address',
          clientAddress && <CopyText text={clientAddress} name="the client’s address" />,
        ),
        ...known('Key', key && algorithmText(key.algorithm)),
        ...known(
          'SHA-256 of the key',
          key && <HashText text={key.sha256} name="the SHA-256 of the key" />,
        ),
        ...known('failInfo', request.failInfo),
        ...known(
          'Certificate',
          certificateUuid && (
            <PageLink to={`/certificates/${certificateUuid}`}>Show the certificate</PageLink>
          ),
        ),
      ]}
    />
  );
}

/** A fact, or nothing where the API does not have it: a message that cannot be opened tells little,
 *  and of a transaction not everything is kept. */
function known(label: string, value: ReactNode): KeyValuePairsProps.Pair[] {
  return value === null || value === undefined || value === '' ? [] : [{ label, value }];
}
