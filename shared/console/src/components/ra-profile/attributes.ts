/** The attributes of a subject that have names, those that devices use most first. */
export const SUBJECT_ATTRIBUTES = [
  'CN',
  'O',
  'OU',
  'C',
  'ST',
  'L',
  'DC',
  'serialNumber',
  'UID',
  'emailAddress',
  'unstructuredName',
  'unstructuredAddress',
  'organizationIdentifier',
  'postalCode',
  'street',
  'postOfficeBox',
  'physicalDeliveryOfficeName',
  'houseIdentifier',
  'businessCategory',
  'name',
  'SN',
  'GN',
  'initials',
  'generationQualifier',
  'title',
  'pseudonym',
  'description',
  'dnQualifier',
  'telephoneNumber',
  'destinationIndicator',
  'x121Address',
  'internationalISDNNumber',
  'placeOfBirth',
  'gender',
  'countryOfCitizenship',
  'countryOfResidence',
];

/** The types of names in subjectAltName that have names. */
export const NAME_TYPES = ['dns', 'ip', 'email', 'uri', 'upn'];

/** The purposes of certificates that have names. */
export const PURPOSES = [
  'clientAuth',
  'serverAuth',
  'codeSigning',
  'emailProtection',
  'timeStamping',
];
