import type { Filter } from '../../components/url-filters';

type Option = { uuid: string; name: string };

export type CertificateParameter =
  | 'subject'
  | 'subjectAltName'
  | 'serialNumber'
  | 'status'
  | 'expiringBefore'
  | 'scepProfileUuid'
  | 'raProfileUuid'
  | 'authorityUuid'
  | 'keySha256'
  | 'challengeUuid'
  | 'predecessorUuid';

/** What certificates can be searched by. */
export function certificateFilters(
  scepProfiles: Option[] = [],
  raProfiles: Option[] = [],
  authorities: Option[] = [],
): Filter<CertificateParameter>[] {
  return [
    { parameter: 'subject', property: 'subject', label: 'Subject', operator: ':' },
    { ...text('subjectAltName', 'Alternative name'), operator: ':' },
    text('serialNumber', 'Serial number'),
    {
      ...text('status', 'Status'),
      options: [
        { value: 'VALID', label: 'Valid' },
        { value: 'EXPIRED', label: 'Expired' },
        { value: 'REVOKED', label: 'Revoked' },
      ],
    },
    {
      parameter: 'expiringBefore',
      property: 'expiry',
      label: 'Expiry',
      operator: '<',
      isDate: true,
    },
    { ...text('scepProfileUuid', 'SCEP Profile'), options: scepProfiles.map(toOption) },
    { ...text('raProfileUuid', 'RA Profile'), options: raProfiles.map(toOption) },
    { ...text('authorityUuid', 'Authority'), options: authorities.map(toOption) },
    text('keySha256', 'SHA-256 of the key'),
    text('challengeUuid', 'Challenge'),
    text('predecessorUuid', 'Renewal of'),
  ];
}

function text(parameter: CertificateParameter, label: string): Filter<CertificateParameter> {
  return { parameter, property: parameter, label, operator: '=' };
}

function toOption({ uuid, name }: Option) {
  return { value: uuid, label: name };
}
