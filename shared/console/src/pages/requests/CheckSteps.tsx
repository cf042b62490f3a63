import Box from '@cloudscape-design/components/box';
import ExpandableSection from '@cloudscape-design/components/expandable-section';
import SpaceBetween from '@cloudscape-design/components/space-between';
import type { StatusIndicatorProps } from '@cloudscape-design/components/status-indicator';
import Steps from '@cloudscape-design/components/steps';

import type { ScepRequestItem } from '../../api/schema';
import { checkText } from './checks';

type RequestCheck = ScepRequestItem['checks'][number];

const STATUS: Record<RequestCheck['outcome'], { type: StatusIndicatorProps.Type; label: string }> =
  {
    PASSED: { type: 'success', label: 'Passed' },
    FAILED: { type: 'error', label: 'Failed' },
    NOT_REACHED: { type: 'not-started', label: 'Not reached' },
  };

/** The checks of a request in their order: those that it passed can be opened, so that what it
 *  failed is seen first. */
export function CheckSteps({ checks }: { checks: RequestCheck[] }) {
  const passed = checks.filter(({ outcome }) => outcome === 'PASSED');
  const others = checks.filter(({ outcome }) => outcome !== 'PASSED');
  return (
    <SpaceBetween size="s">
      {passed.length > 0 && (
        <ExpandableSection
          headerText={
            passed.length === 1 ? 'It passed one check' : `It passed ${passed.length} checks`
          }
        >
          <StepList checks={passed} label="The checks that the request passed" />
        </ExpandableSection>
      )}
      {others.length > 0 && (
        <StepList checks={others} label="The check that the request failed, and those after it" />
      )}
    </SpaceBetween>
  );
}

/** Says why a request shows no checks, of which nothing is known. */
export function NoChecks() {
  return (
    <Box color="text-body-secondary">
      Its checks are not shown: they are kept for refused requests only.
    </Box>
  );
}

function StepList({ checks, label }: { checks: RequestCheck[]; label: string }) {
  return (
    <Steps
      ariaLabel={label}
      steps={checks.map(({ check, outcome }) => {
        const { title, explanation } = checkText(check);
        const { type, label } = STATUS[outcome];
        return {
          status: type,
          statusIconAriaLabel: label,
          header: outcome === 'FAILED' ? <strong>{title}</strong> : title,
          details: (
            <Box variant="small" color="text-body-secondary">
              {explanation}
            </Box>
          ),
        };
      })}
    />
  );
}
