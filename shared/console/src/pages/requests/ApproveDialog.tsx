import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';

import type { TransactionView } from '../../api/schema';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { HashText } from '../../components/HashText';

/** Asks before an approval, with whom and what it certifies. */
export function ApproveDialog({
  transaction,
  approve,
  onClose,
}: {
  transaction: TransactionView;
  approve: () => Promise<unknown>;
  onClose: () => void;
}) {
  const { subject, subjectAltNames, publicKeySha256 } = transaction;
  return (
    <ConfirmDialog
      title="Approve the request?"
      verb="Approve"
      act={approve}
      onClose={() => onClose()}
    >
      <Box>
        The device gets a certificate for what is below. Approve it only if you know that this key
        is the device’s.
      </Box>
      <KeyValuePairs
        columns={1}
        items={[
          { label: 'Subject', value: subject || 'None' },
          {
            label: 'Names',
            value: subjectAltNames?.length
              ? subjectAltNames.map((name) => <div key={name}>{name}</div>)
              : 'None',
          },
          ...(publicKeySha256
            ? [
                {
                  label: 'SHA-256 of the key',
                  value: <HashText text={publicKeySha256} name="the SHA-256 of the key" />,
                },
              ]
            : []),
        ]}
      />
      <SidWarning transaction={transaction} />
    </ConfirmDialog>
  );
}

/** Says as which account the device will be able to log on; nothing if it will not. */
export function SidWarning({ transaction: { sid } }: { transaction: TransactionView }) {
  return (
    sid && (
      <Alert type="warning" header="The certificate will have a security identifier">
        Where Active Directory trusts the authority, the device can log on as the account {sid}.
      </Alert>
    )
  );
}
