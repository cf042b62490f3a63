import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useSearchParams } from 'react-router';

import { api, body } from '../../api/client';
import type { AuditItem } from '../../api/schema';
import { CursorTable } from '../../components/CursorTable';
import { Page } from '../../components/Page';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import type { Filter } from '../../components/url-filters';
import { UrlFilter, useUrlFilters } from '../../components/UrlFilter';
import { ChangeDialog } from './ChangeDialog';
import { actionText, kindInSentence, kindText, objectPath } from './words';

/** What changes can be searched by.
 *  @param object - the one that the URL names, with how it is called. */
function auditFilters(
  object: { value: string; label: string } | undefined,
): Filter<'objectUuid' | 'since' | 'until'>[] {
  return [
    {
      parameter: 'objectUuid',
      property: 'objectUuid',
      label: 'Object',
      operator: '=',
      options: object && [object],
    },
    { parameter: 'since', property: 'at', label: 'Time', operator: '>=', isDate: true },
    { parameter: 'until', property: 'at', label: 'Time', operator: '<', isDate: true },
  ];
}

/** How the object of a UUID is called in the latest record about it. */
function useObjectName(objectUuid: string | null) {
  const query = useQuery({
    queryKey: ['auditRecords', 'latest', objectUuid],
    queryFn: () =>
      body(
        api.GET('/api/v1/auditRecords', {
          params: { query: { objectUuid: objectUuid ?? '', limit: '1' } },
        }),
      ),
    enabled: objectUuid !== null,
  });
  const latest = query.data?.items[0];
  return (
    latest && {
      value: latest.objectUuid,
      label: `${kindText(latest.objectKind)} ${latest.objectName ?? latest.objectUuid}`,
    }
  );
}

/** Who changed what, newest first. */
export function AuditPage() {
  const [search] = useSearchParams();
  const filters = auditFilters(useObjectName(search.get('objectUuid')));
  const values = useUrlFilters(filters);
  const [shown, setShown] = useState<AuditItem>();
  return (
    <Page title="Audit">
      <CursorTable<AuditItem>
        title="Changes"
        description="Every change by the API and by the server itself, newest first."
        queryKey={['auditRecords', values]}
        load={(cursor) =>
          body(api.GET('/api/v1/auditRecords', { params: { query: { ...values, cursor } } }))
        }
        idOf={(item) => item.uuid}
        nameOf={(item) => `${item.action} ${item.objectName ?? item.objectUuid}`}
        filter={<UrlFilter filters={filters} placeholder="Search by object or time" />}
        empty={
          Object.keys(values).length > 0
            ? 'No change matches the search.'
            : 'Nothing was changed yet. Changes appear here as soon as they are made.'
        }
        columns={[
          {
            id: 'at',
            header: 'Time',
            minWidth: 200,
            cell: (item) => <Time value={item.at} seconds />,
          },
          { id: 'who', header: 'Who', minWidth: 190, cell: (item) => item.who },
          {
            id: 'change',
            header: 'What was done',
            isRowHeader: true,
            minWidth: 300,
            cell: (item) => (
              <>
                {actionText(item.action)} <ObjectName item={item} />
              </>
            ),
          },
          {
            id: 'history',
            header: 'Details',
            minWidth: 170,
            cell: (item) => (
              <SpaceBetween direction="horizontal" size="xs">
                <Button
                  variant="inline-link"
                  ariaLabel={`Changes of ${item.objectName ?? item.objectUuid}`}
                  onClick={() => setShown(item)}
                >
                  Changes
                </Button>
                <PageLink to={`/audit?objectUuid=${item.objectUuid}`}>History</PageLink>
              </SpaceBetween>
            ),
          },
        ]}
      />
      {shown && <ChangeDialog item={shown} onClose={() => setShown(undefined)} />}
    </Page>
  );
}

function ObjectName({ item }: { item: AuditItem }) {
  const path = objectPath(item);
  const name = item.objectName ?? item.objectUuid;
  return (
    <>
      {kindInSentence(item.objectKind)}{' '}
      {path === undefined ? name : <PageLink to={path}>{name}</PageLink>}
    </>
  );
}
