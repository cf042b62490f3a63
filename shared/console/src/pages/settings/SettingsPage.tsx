import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import KeyValuePairs from '@cloudscape-design/components/key-value-pairs';
import Link from '@cloudscape-design/components/link';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';

import type { ServerSettings } from '../../api/schema';
import { useSettings } from '../../api/settings';
import { Loaded } from '../../components/Loaded';
import { Page } from '../../components/Page';
import { useFittingColumns } from '../../components/tables';
import { factsOf, type Fact } from './facts';

/** The settings of the server, which are changed where it is started. */
export function SettingsPage() {
  const query = useSettings();
  return (
    <Page
      title="Settings"
      description="They are shown here, and changed where the server is started or deployed."
    >
      <Loaded query={query}>{(settings) => <Facts settings={settings} />}</Loaded>
    </Page>
  );
}

function Facts({ settings }: { settings: ServerSettings }) {
  const columns = useFittingColumns<Fact>(COLUMNS);
  return (
    <SpaceBetween size="l">
      <Table<Fact>
        header={<Header variant="h2">Server</Header>}
        items={factsOf(settings)}
        trackBy="name"
        wrapLines
        ariaLabels={{ tableLabel: 'Settings' }}
        columnDefinitions={columns}
      />
      <Container header={<Header variant="h2">About</Header>}>
        <KeyValuePairs
          columns={2}
          items={[
            { label: 'Version', value: settings.version },
            {
              label: 'Management API',
              value: (
                <Link
                  href="/api/v1/openapi.json"
                  external
                  externalIconAriaLabel="Opens in a new tab"
                >
                  OpenAPI document
                </Link>
              ),
            },
          ]}
        />
      </Container>
    </SpaceBetween>
  );
}

const COLUMNS: TableProps.ColumnDefinition<Fact>[] = [
  {
    id: 'name',
    header: 'Setting',
    isRowHeader: true,
    minWidth: 140,
    cell: (fact) => fact.name,
  },
  { id: 'value', header: 'Value', minWidth: 140, cell: (fact) => fact.value },
  { id: 'meaning', header: 'What it means', minWidth: 240, cell: (fact) => fact.meaning },
  {
    id: 'change',
    header: 'Changed by',
    minWidth: 220,
    cell: (fact) => fact.changedBy ?? <Box color="text-body-secondary">It cannot be changed</Box>,
  },
];
