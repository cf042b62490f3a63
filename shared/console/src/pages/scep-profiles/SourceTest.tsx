import SpaceBetween from '@cloudscape-design/components/space-between';
import StatusIndicator from '@cloudscape-design/components/status-indicator';
import { useMutation } from '@tanstack/react-query';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import { ActionButton } from '../../components/ActionButton';

/** Asks the server to try a challenge source, and shows what it found. */
export function SourceTest({
  uuid,
  source,
  name,
}: {
  /** Of the SCEP Profile. */
  uuid: string;
  source: 'INTUNE' | 'WEBHOOK';
  name: string;
}) {
  const denial = useDenial('write');
  const test = useMutation({
    mutationFn: () =>
      body(
        api.POST('/api/v1/scepProfiles/{uuid}/challengeSources/{source}/test', {
          params: { path: { uuid, source } },
        }),
      ),
  });
  return (
    <SpaceBetween direction="horizontal" size="s" alignItems="center">
      <ActionButton onClick={() => test.mutate()} busy={test.isPending} denial={denial}>
        Test {name}
      </ActionButton>
      <span role="status">
        {test.data && (
          <>
            <StatusIndicator type={test.data.ok ? 'success' : 'error'}>
              {test.data.ok ? 'It answered' : 'It failed'} after {test.data.milliseconds} ms
            </StatusIndicator>
            <div>{test.data.message}</div>
          </>
        )}
        {test.error && <StatusIndicator type="error">{test.error.message}</StatusIndicator>}
      </span>
    </SpaceBetween>
  );
}
