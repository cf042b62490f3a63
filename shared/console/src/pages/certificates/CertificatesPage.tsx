import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { api, body } from '../../api/client';
import type { CertificateItem } from '../../api/schema';
import { CursorTable } from '../../components/CursorTable';
import { Expiry } from '../../components/Expiry';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { RaProfileLink, ScepProfileLink } from '../../components/ProfileLinks';
import { useAuthorities, useRaProfiles, useScepProfiles } from '../../api/queries';
import { ShortText } from '../../components/ShortText';
import { SubjectLink } from '../../components/SubjectLink';
import { Time } from '../../components/Time';
import { UrlFilter, useUrlFilters } from '../../components/UrlFilter';
import { CertificateState } from './CertificateState';
import { certificateFilters } from './filters';

/** Every certificate that was issued to a device, searched by what the URL says. */
export function CertificatesPage() {
  const filters = certificateFilters(
    useScepProfiles().data,
    useRaProfiles().data,
    useAuthorities().data,
  );
  const values = useUrlFilters(filters);
  const isFiltered = Object.keys(values).length > 0;
  return (
    <Page title="Certificates">
      <CursorTable<CertificateItem>
        title="Issued to devices"
        queryKey={['certificates', values]}
        load={(cursor) =>
          body(api.GET('/api/v1/certificates', { params: { query: { ...values, cursor } } }))
        }
        idOf={(item) => item.uuid}
        nameOf={(item) => item.subject}
        filter={
          <UrlFilter
            filters={filters}
            placeholder="Search by subject, alternative name, profile, …"
          />
        }
        empty={isFiltered ? 'No certificate matches the search.' : <Nothing />}
        columns={COLUMNS}
      />
    </Page>
  );
}

function Nothing() {
  return (
    <SpaceBetween size="s" alignItems="center">
      <Box>No certificate was issued yet. The first run leads a device to one.</Box>
      <PageButton to="/first-run">First run</PageButton>
    </SpaceBetween>
  );
}

const COLUMNS = [
  {
    id: 'subject',
    header: 'Subject',
    isRowHeader: true,
    minWidth: 200,
    cell: (item: CertificateItem) => (
      <SubjectLink
        to={`/certificates/${item.uuid}`}
        subject={item.subject}
        commonName={item.commonName}
      />
    ),
  },
  {
    id: 'status',
    header: 'Status',
    minWidth: 160,
    cell: (item: CertificateItem) => <CertificateState certificate={item} />,
  },
  {
    id: 'expiry',
    header: 'Expires',
    minWidth: 160,
    cell: (item: CertificateItem) =>
      item.status === 'VALID' ? (
        <Expiry value={item.notAfter} from={item.notBefore} />
      ) : (
        <Time value={item.notAfter} dateOnly />
      ),
  },
  {
    id: 'scepProfile',
    header: 'SCEP Profile',
    minWidth: 140,
    cell: (item: CertificateItem) => <ScepProfileLink uuid={item.scepProfileUuid} />,
  },
  {
    id: 'raProfile',
    header: 'RA Profile',
    minWidth: 140,
    cell: (item: CertificateItem) => <RaProfileLink uuid={item.raProfileUuid} />,
  },
  {
    id: 'serial',
    header: 'Serial number',
    minWidth: 160,
    cell: (item: CertificateItem) => <ShortText text={item.serialNumber} name="serial number" />,
  },
];
