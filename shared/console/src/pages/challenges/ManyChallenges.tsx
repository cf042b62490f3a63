import Alert from '@cloudscape-design/components/alert';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { ChallengeRequest } from '../../api/schema';
import { LeaveWarning } from '../../components/LeaveGuard';
import { generalReasons, sendRows, withReasons, type Progress } from './batches';
import type { CsvContents, CsvRow } from './csv';
import { CsvInput } from './CsvInput';
import { RowsTable } from './RowsTable';
import { Secrets } from './Secrets';

/** Makes a challenge for each row of a file, and gives the secrets as a file. */
export function ManyChallenges({ profile, name }: { profile: string; name: string }) {
  const denial = useDenial('challenge', 'write');
  const queryClient = useQueryClient();
  const [contents, setContents] = useState<CsvContents>();
  const [progress, setProgress] = useState<Progress>();

  const sending = useMutation({
    mutationFn: (start: Progress) => sendRows(start, send, setProgress),
    // It holds secrets, which are forgotten as soon as the page is left.
    gcTime: 0,
    onSettled: () => queryClient.invalidateQueries({ queryKey: ['challenges', profile] }),
  });
  const left = progress?.left ?? contents?.rows ?? [];
  const made = progress?.made ?? [];

  async function send(requests: ChallengeRequest[]) {
    const response = await body(
      api.POST('/api/v1/scepProfiles/{uuid}/challenges', {
        params: { path: { uuid: profile } },
        body: requests,
      }),
    );
    return [response].flat();
  }

  /** The rows of a file that is chosen now. After a failure it is the corrected one, of which the
   *  first rows are made. */
  function rowsToSend(rows: CsvRow[]) {
    const last = left.length > 0 ? (made.at(-1)?.row ?? 0) : 0;
    return rows.filter(({ number }) => number > last);
  }

  function read(next: CsvContents | undefined) {
    setContents(next);
    // Secrets stay until they are saved, whatever is chosen in their place.
    setProgress(
      made.length > 0
        ? { made, left: next?.errors.length === 0 ? rowsToSend(next.rows) : left }
        : undefined,
    );
    sending.reset();
  }

  return (
    <SpaceBetween size="l">
      {sending.isPending && (
        <LeaveWarning>
          Challenges are being made, and those are lost whose response arrives after you leave.
        </LeaveWarning>
      )}
      <CsvInput isDisabled={sending.isPending} onRead={read} />
      {contents && contents.errors.length > 0 && (
        <Alert type="error" header="The file cannot be used">
          {contents.errors.map((error) => (
            <div key={error}>{error}</div>
          ))}
        </Alert>
      )}
      {sending.isError && (
        <Alert type="error" header={`The rows from row ${left[0]?.number ?? 0} on were not sent`}>
          {generalReasons(sending.error).map((reason) => (
            <div key={reason}>{reason}</div>
          ))}
          <div>
            Nothing is lost: challenges that were made are below, and rows that are left can be sent
            again. If the server could not be reached, it may have made some without an answer:
            delete the unused ones that you do not know. When you choose a corrected file, its rows
            before row {left[0]?.number ?? 0} are left out.
          </div>
        </Alert>
      )}
      {contents?.errors.length === 0 && left.length > 0 && (
        <RowsTable
          rows={sending.isError ? withReasons(left, sending.error) : left}
          sent={made.length}
          total={made.length + left.length}
          isSending={sending.isPending}
          denial={denial}
          verb={sending.isError ? 'Send the rest again' : 'Make the challenges'}
          onSend={() => sending.mutate({ made, left })}
        />
      )}
      {made.length > 0 && <Secrets made={made} isComplete={left.length === 0} name={name} />}
    </SpaceBetween>
  );
}
