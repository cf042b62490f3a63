import Button from '@cloudscape-design/components/button';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { useState } from 'react';

import { api, body } from '../../api/client';
import type { AuditItem } from '../../api/schema';
import { CursorTable } from '../../components/CursorTable';
import { Page } from '../../components/Page';
import { PageLink } from '../../components/PageLink';
import { Time } from '../../components/Time';
import type { Filter } from '../../components/url-filters';
import { UrlFilter, useUrlFilters } from '../../components/UrlFilter';
import { ChangeDialog } from './ChangeDialog';
import { actionText, kindText, objectPath } from './words';

const FILTERS: Filter<'objectUuid' | 'since' | 'until'>[] = [
  { parameter: 'objectUuid', property: 'objectUuid', label: 'UUID of the object', operator: '=' },
  { parameter: 'since', property: 'at', label: 'Time', operator: '>=', isDate: true },
  { parameter: 'until', property: 'at', label: 'Time', operator: '<', isDate: true },
];

/** Who changed what, newest first. */
export function AuditPage() {
  const values = useUrlFilters(FILTERS);
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
        filter={<UrlFilter filters={FILTERS} placeholder="Search by object or time" />}
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
            id: 'action',
            header: 'Action',
            minWidth: 140,
            cell: (item) => actionText(item.action),
          },
          {
            id: 'object',
            header: 'Object',
            isRowHeader: true,
            minWidth: 200,
            cell: (item) => <ObjectName item={item} />,
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
      {kindText(item.objectKind)}{' '}
      {path === undefined ? name : <PageLink to={path}>{name}</PageLink>}
    </>
  );
}
