import Box from '@cloudscape-design/components/box';
import SpaceBetween from '@cloudscape-design/components/space-between';

import { useDenial } from '../../api/caller';
import type { AuthorityView } from '../../api/schema';
import { Expiry } from '../../components/Expiry';
import { algorithmText } from '../../components/key-algorithms';
import { LocalTable } from '../../components/LocalTable';
import { Page } from '../../components/Page';
import { PageButton } from '../../components/PageButton';
import { PageLink } from '../../components/PageLink';
import { useAuthorities, useStatus } from '../../api/queries';
import { AuthorityState } from './AuthorityState';

/** Every authority, with when its certificate and its CRL end. */
export function AuthoritiesPage() {
  const denial = useDenial('write');
  const authorities = useAuthorities();
  const status = useStatus();
  const crlOf = (uuid: string) =>
    status.data?.authorities.find((authority) => authority.uuid === uuid)?.crl;
  return (
    <Page title="Authorities">
      <LocalTable<AuthorityView>
        title="Certification authorities"
        description="They sign the certificates of devices, and of the RA that clients encrypt to."
        query={authorities}
        idOf={(item) => item.uuid}
        nameOf={(item) => item.name}
        textOf={(item) => [item.name, item.certificate?.subject, item.description].join(' ')}
        actions={
          <PageButton to="/authorities/new" variant="primary" denial={denial}>
            Create authority
          </PageButton>
        }
        empty={
          <SpaceBetween size="s" alignItems="center">
            <Box>There is no authority yet. Create one, or let the first run do it.</Box>
            <PageButton to="/first-run">First run</PageButton>
          </SpaceBetween>
        }
        columns={[
          {
            id: 'name',
            header: 'Name',
            isRowHeader: true,
            minWidth: 140,
            sortingField: 'name',
            cell: (item) => <PageLink to={`/authorities/${item.uuid}`}>{item.name}</PageLink>,
          },
          {
            id: 'state',
            header: 'State',
            minWidth: 220,
            cell: (item) => <AuthorityState authority={item} />,
          },
          {
            id: 'kind',
            header: 'Kind',
            minWidth: 130,
            sortingField: 'kind',
            cell: (item) => (item.kind === 'ROOT' ? 'Root' : 'Subordinate'),
          },
          {
            id: 'subject',
            header: 'Subject',
            minWidth: 160,
            cell: (item) => item.certificate?.subject ?? '–',
          },
          {
            id: 'key',
            header: 'Key',
            minWidth: 120,
            cell: (item) => algorithmText(item.keyAlgorithm),
          },
          {
            id: 'expiry',
            header: 'Expires',
            minWidth: 160,
            cell: (item) =>
              item.certificate ? (
                <Expiry
                  from={item.certificate.notBefore}
                  value={item.certificate.notAfter}
                  warnDays={90}
                />
              ) : (
                '–'
              ),
          },
          {
            id: 'crl',
            header: 'CRL ends',
            minWidth: 160,
            cell: (item) => {
              const crl = crlOf(item.uuid);
              return crl ? <Expiry from={crl.thisUpdate} value={crl.nextUpdate} /> : '–';
            },
          },
        ]}
      />
    </Page>
  );
}
