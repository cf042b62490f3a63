import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { useDenial } from '../../api/caller';
import { api, body } from '../../api/client';
import type { LockoutView } from '../../api/schema';
import { ActionButton } from '../../components/ActionButton';
import { ConfirmDialog } from '../../components/ConfirmDialog';
import { LocalTable } from '../../components/LocalTable';
import { useNotify } from '../../components/notifications';
import { Time } from '../../components/Time';

/** Who showed too many wrong challenges of a SCEP Profile, and for how long they are refused. */
export function LockoutTable({ profile }: { profile: string }) {
  const denial = useDenial('write');
  const notify = useNotify();
  const queryClient = useQueryClient();
  const [selected, setSelected] = useState<LockoutView[]>([]);
  const [asked, setAsked] = useState<'selected' | 'all'>();
  const query = useQuery({
    queryKey: ['lockouts', profile],
    queryFn: () =>
      body(
        api.GET('/api/v1/scepProfiles/{uuid}/lockouts', { params: { path: { uuid: profile } } }),
      ),
    refetchInterval: 30_000,
  });

  async function unlock() {
    try {
      if (asked === 'all') {
        await body(
          api.DELETE('/api/v1/scepProfiles/{uuid}/lockouts', {
            params: { path: { uuid: profile } },
          }),
        );
      }
      for (const { uuid } of asked === 'selected' ? selected : []) {
        await body(
          api.DELETE('/api/v1/scepProfiles/{uuid}/lockouts/{lockoutUuid}', {
            params: { path: { uuid: profile, lockoutUuid: uuid } },
          }),
        );
      }
    } finally {
      await queryClient.invalidateQueries({ queryKey: ['lockouts', profile] });
    }
  }

  return (
    <>
      <LocalTable
        title="Lock-outs"
        description="An address or a key that sent ten wrong challenges within ten minutes is refused for a minute, and for longer after each further one, up to an hour. Renewals are not affected."
        query={query}
        idOf={({ uuid }) => uuid}
        nameOf={({ value }) => value}
        textOf={({ by, value }) => `${kindOf(by)} ${value}`}
        selection={{ items: selected, onChange: setSelected }}
        empty="Nobody is locked out. Addresses and keys that send wrong challenges appear here."
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            <ActionButton
              denial={denial ?? (selected.length > 0 ? undefined : 'Select what to unlock.')}
              onClick={() => setAsked('selected')}
            >
              Unlock
            </ActionButton>
            <ActionButton denial={denial} onClick={() => setAsked('all')}>
              Unlock all
            </ActionButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: 'value',
            header: 'Address or key',
            isRowHeader: true,
            minWidth: 200,
            cell: ({ value }) => value,
          },
          {
            id: 'by',
            header: 'Kind',
            minWidth: 100,
            sortingField: 'by',
            cell: ({ by }) => kindOf(by),
          },
          {
            id: 'failures',
            header: 'Wrong challenges',
            minWidth: 120,
            sortingField: 'failures',
            cell: ({ failures }) => failures,
          },
          {
            id: 'until',
            header: 'Locked out until',
            minWidth: 160,
            sortingField: 'until',
            cell: ({ until }) => (until ? <Time value={until} /> : 'Not locked out now'),
          },
        ]}
      />
      {asked && (
        <ConfirmDialog
          title={asked === 'all' ? 'Unlock everybody?' : `Unlock ${selected.length} selected?`}
          verb={asked === 'all' ? 'Unlock all' : 'Unlock'}
          act={unlock}
          onClose={(done) => {
            setAsked(undefined);
            if (done) {
              setSelected([]);
              notify.succeed('Unlocked: they can enrol again.');
            }
          }}
        >
          <Box>
            {asked === 'all'
              ? 'Every address and key can enrol again at once, and its count of wrong challenges starts at zero.'
              : 'They can enrol again at once, and their counts of wrong challenges start at zero.'}
          </Box>
          {asked === 'selected' && (
            <ul>
              {selected.map(({ uuid, by, value }) => (
                <li key={uuid}>
                  {kindOf(by)} {value}
                </li>
              ))}
            </ul>
          )}
        </ConfirmDialog>
      )}
    </>
  );
}

function kindOf(by: string): string {
  return by === 'KEY' ? 'Key' : 'Address';
}
