import Box from '@cloudscape-design/components/box';
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Steps from '@cloudscape-design/components/steps';

import type { ScepRequestItem } from '../../api/schema';
import { refusalReason } from '../../components/refusals/reasons';
import { checkText } from './checks';

type RequestCheck = ScepRequestItem['checks'][number];

const STATUS: Record<RequestCheck['outcome'], { type: StatusIndicatorProps.Type; label: string }> =
  {
    PASSED: { type: 'success', label: 'Passed' },
    FAILED: { type: 'error', label: 'Failed' },
    NOT_REACHED: { type: 'pending', label: 'Not reached' },
  };

/** The checks of a request in their order, and what can be done about the one that failed. */
export function CheckSteps({
  checks,
  reason,
  message,
}: {
  checks: RequestCheck[];
  reason: string | null | undefined;
  message: string | null | undefined;
}) {
  return (
    <Steps
      ariaLabel="The checks of the request in their order"
      steps={checks.map(({ check, outcome }) => {
        const { title, explanation } = checkText(check);
        const { type, label } = STATUS[outcome];
        return {
          status: type,
          statusIconAriaLabel: label,
          header: outcome === 'FAILED' ? <strong>{title}</strong> : title,
          details: (
            <>
              <Box variant="small" color="text-body-secondary">
                {explanation}
              </Box>
              {outcome === 'FAILED' && <Failure reason={reason} message={message} />}
            </>
          ),
        };
      })}
    />
  );
}

/** Why the request was refused, and what an administrator can do about it. */
export function Failure({
  reason,
  message,
}: {
  reason: string | null | undefined;
  message: string | null | undefined;
}) {
  const { title, advice } = refusalReason(reason ?? 'refused');
  return (
    <Box padding={{ vertical: 'xs' }}>
      <Box fontWeight="bold">{title}</Box>
      {message && (
        <Box>
          The server says: <i>{message}</i>
        </Box>
      )}
      <Box>{advice}</Box>
    </Box>
  );
}
