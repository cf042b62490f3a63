import Box from '@cloudscape-design/components/box';
import Container from '@cloudscape-design/components/container';
import Header from '@cloudscape-design/components/header';
import SpaceBetween from '@cloudscape-design/components/space-between';
import Table, { type TableProps } from '@cloudscape-design/components/table';
import { useQuery } from '@tanstack/react-query';

import { api, body } from '../../api/client';
import type { CertificateItem, CertificateView } from '../../api/schema';
import { Loaded } from '../../components/Loaded';
import { PageLink } from '../../components/PageLink';
import { ShortText } from '../../components/ShortText';
import { useFittingColumns } from '../../components/tables';
import { Time } from '../../components/Time';
import { CertificateState } from './CertificateState';
import { distanceText, readLineage, type Lineage } from './lineage';

const LIMIT = 20;

/** What a certificate renewed, and what renewed it, as a chain. */
export function LineageTable({ certificate }: { certificate: CertificateView }) {
  const query = useQuery({
    queryKey: ['certificates', 'lineage', certificate.uuid, certificate.status],
    queryFn: () => readLineage<CertificateItem>(certificate, loadOne, loadRenewals, LIMIT),
  });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The certificates that this one renewed, and those that renewed it, oldest first."
        >
          Lineage
        </Header>
      }
    >
      <Loaded query={query}>{(lineage) => <Chain lineage={lineage} />}</Loaded>
    </Container>
  );
}

function Chain({ lineage: { members, isCut } }: { lineage: Lineage<CertificateItem> }) {
  const columns = useFittingColumns<Member>(COLUMNS);
  if (members.length === 1) {
    return <Box>It was enrolled, and nothing has renewed it.</Box>;
  }
  return (
    <SpaceBetween size="s">
      <Table
        variant="embedded"
        wrapLines
        items={members}
        trackBy={({ certificate }) => certificate.uuid}
        ariaLabels={{ tableLabel: 'Lineage' }}
        columnDefinitions={columns}
      />
      {isCut && (
        <Box color="text-body-secondary">
          There are more. Open the first or the last one to see what is before or after it.
        </Box>
      )}
    </SpaceBetween>
  );
}

type Member = Lineage<CertificateItem>['members'][number];

const COLUMNS: TableProps.ColumnDefinition<Member>[] = [
  {
    id: 'place',
    header: 'Place',
    isRowHeader: true,
    cell: ({ certificate, distance }) =>
      distance === 0 ? (
        <Box variant="strong">{distanceText(distance)}</Box>
      ) : (
        <PageLink to={`/certificates/${certificate.uuid}`}>{distanceText(distance)}</PageLink>
      ),
  },
  {
    id: 'serial',
    header: 'Serial number',
    minWidth: 160,
    cell: ({ certificate }) => <ShortText text={certificate.serialNumber} name="serial number" />,
  },
  {
    id: 'issued',
    header: 'Issued',
    cell: ({ certificate }) => <Time value={certificate.issuedAt} />,
  },
  {
    id: 'status',
    header: 'Status',
    cell: ({ certificate }) => <CertificateState certificate={certificate} />,
  },
];

function loadOne(uuid: string): Promise<CertificateItem> {
  return body(api.GET('/api/v1/certificates/{uuid}', { params: { path: { uuid } } }));
}

async function loadRenewals(predecessorUuid: string): Promise<CertificateItem[]> {
  const query = { predecessorUuid, limit: String(LIMIT) };
  return (await body(api.GET('/api/v1/certificates', { params: { query } }))).items;
}
