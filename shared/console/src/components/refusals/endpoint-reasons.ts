/** Why an endpoint does not serve. */
export const ENDPOINT_REASONS = {
  authorityExpired: {
    title: 'The authority’s certificate is not valid now',
    advice:
      'Roll the authority over to a new key and certificate, and see whether the clock of the server is right.',
  },
  authorityMissing: {
    title: 'The RA Profile has no authority',
    advice: 'Make another RA Profile of an authority that exists.',
  },
  authorityNotActive: {
    title: 'The authority awaits its certificate',
    advice:
      'Have its certificate request signed by the authority above it, and upload the certificate.',
  },
  raCertificateExpired: {
    title: 'The RA certificate is not valid now',
    advice:
      'Make a new RA certificate, choose it in the SCEP Profile, and see whether the clock of the server is right.',
  },
  raCertificateMissing: {
    title: 'The SCEP Profile has no RA certificate',
    advice: 'Choose an RA certificate of the RA Profile’s authority in the SCEP Profile.',
  },
  raCertificateUnfit: {
    title: 'The RA certificate does not fit the authority',
    advice:
      'Choose, in the SCEP Profile, an RA certificate that the RA Profile’s authority issued, with an RSA key.',
  },
  raProfileDisabled: {
    title: 'The RA Profile is disabled',
    advice: 'Enable it if devices should enrol, or find out who still sends requests there.',
  },
  raProfileUnknown: {
    title: 'There is no such RA Profile',
    advice: 'Correct the URL in the settings of the device.',
  },
  scepNotActivated: {
    title: 'SCEP is not activated on the RA Profile',
    advice:
      'Activate a SCEP Profile on the RA Profile, or have the device use the SCEP Profile’s URL.',
  },
  scepProfileDisabled: {
    title: 'The SCEP Profile is disabled',
    advice: 'Enable it if devices should enrol, or find out who still sends requests there.',
  },
  scepProfileUnknown: {
    title: 'There is no such SCEP Profile',
    advice: 'Correct the URL in the settings of the device.',
  },
  withoutDefaultRaProfile: {
    title: 'The SCEP Profile has no default RA Profile',
    advice: 'Choose one in the SCEP Profile, or have the device use the RA Profile’s URL.',
  },
};
