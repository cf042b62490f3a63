import Alert from '@cloudscape-design/components/alert';

import { refusalReason } from '../../components/refusals/reasons';

/** Why a request was refused, and what an administrator can do about it. */
export function Failure({
  reason,
  message,
}: {
  reason: string;
  message: string | null | undefined;
}) {
  const { title, advice } = refusalReason(reason);
  return (
    <Alert type="error" header={title}>
      {message && <div>The server says: “{message}”.</div>}
      <div>{advice}</div>
    </Alert>
  );
}
