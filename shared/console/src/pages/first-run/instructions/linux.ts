import { challengeOf, escapeName, quoteShell, type Enrolment, type Instruction } from './enrolment';

/** strongSwan's `pki`, which enrols any Linux machine from the command line. */
export function strongSwan(enrolment: Enrolment): Instruction {
  const url = quoteShell(enrolment.url);
  const name = quoteShell(`CN=${escapeName(enrolment.deviceName)}`);
  const challenge = quoteShell(challengeOf(enrolment));
  return {
    id: 'strongswan',
    title: 'strongSwan',
    parts: [
      {
        kind: 'text',
        text: 'Run this in an empty folder; Debian’s package is strongswan-pki. Compare the fingerprint that it shows with the authority’s SHA-256 fingerprint.',
      },
      {
        kind: 'code',
        name: 'the commands that fetch the certificates',
        code: [
          `pki --scepca --url ${url} --caout ca.pem --raout ra.pem --outform pem --force`,
          'openssl x509 -in ca.pem -noout -fingerprint -sha256',
        ].join('\n'),
      },
      { kind: 'text', text: 'If they are the same, go on:' },
      {
        kind: 'code',
        name: 'the commands that enrol',
        code: [
          'openssl genrsa -traditional -out device.key 2048',
          `pki --scep --url ${url} --in device.key --dn ${name} --password ${challenge} \\`,
          '    --cacert-enc ra.pem --cacert-sig ra.pem --cacert ca.pem --cipher aes --digest sha256 --outform pem > device.crt',
          'openssl verify -CAfile ca.pem device.crt',
        ].join('\n'),
      },
      {
        kind: 'text',
        text: 'Where an administrator approves, add --interval 1 --maxpolltime 3600 to the command that enrols.',
      },
    ],
  };
}

/** certmonger, which renews by itself. */
export function certmonger(enrolment: Enrolment): Instruction {
  const name = quoteShell(`CN=${escapeName(enrolment.deviceName)}`);
  return {
    id: 'certmonger',
    title: 'certmonger',
    parts: [
      {
        kind: 'text',
        text: 'Run this as root. certmonger renews the certificate 28 days before it expires: a renewal threshold of the SCEP Profile must not be less.',
      },
      {
        kind: 'code',
        name: 'the commands for certmonger',
        code: [
          `getcert add-scep-ca -c scepter -u ${quoteShell(enrolment.url)}`,
          'getcert request -c scepter -f /etc/ssl/certs/device.crt -k /etc/ssl/private/device.key \\',
          `    -N ${name} -L ${quoteShell(challengeOf(enrolment))} -I device -g 2048`,
          'getcert list -i device',
        ].join('\n'),
      },
      {
        kind: 'text',
        text: 'The status MONITORING means that the certificate was issued, CA_REJECTED that the request was refused: Requests says why.',
      },
    ],
  };
}

/** sscep, a small client for machines without anything else. */
export function sscep(enrolment: Enrolment): Instruction {
  const url = quoteShell(enrolment.url);
  return {
    id: 'sscep',
    title: 'sscep',
    parts: [
      {
        kind: 'text',
        text: 'The first certificate that sscep fetches, ca.pem-0, is the RA certificate, to which it encrypts.',
      },
      {
        kind: 'code',
        name: 'the commands for sscep',
        code: [
          `export DEVICE=${quoteShell(enrolment.deviceName)} CHALLENGE=${quoteShell(challengeOf(enrolment))}`,
          "cat > request.cnf <<'END'",
          '[req]',
          'prompt = no',
          'distinguished_name = name',
          'attributes = attributes',
          '[name]',
          'CN = $ENV::DEVICE',
          '[attributes]',
          'challengePassword = $ENV::CHALLENGE',
          'END',
          'openssl req -new -newkey rsa:2048 -nodes -keyout device.key -out device.csr -config request.cnf',
          `sscep getca -u ${url} -c ca.pem`,
          `sscep enroll -u ${url} -k device.key -r device.csr -c ca.pem-0 -l device.crt -E aes -S sha256`,
        ].join('\n'),
      },
    ],
  };
}
