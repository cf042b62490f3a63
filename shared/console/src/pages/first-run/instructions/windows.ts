import { challengeOf, type Enrolment, type Instruction } from './enrolment';

/** Windows by Microsoft Intune, or by an MDM that sets the nodes of Windows' SCEP CSP. */
export function windows(enrolment: Enrolment): Instruction {
  return {
    id: 'windows',
    title: 'Windows and Intune',
    parts: [
      {
        kind: 'text',
        text: 'With Microsoft Intune: make a Trusted certificate profile with the authority’s certificate first, then a SCEP certificate profile with these settings. Intune makes the challenge itself: the SCEP Profile needs the source Microsoft Intune.',
      },
      {
        kind: 'settings',
        settings: [
          ['Certificate type', 'Device (or User)'],
          ['Subject name format', 'CN={{AAD_Device_ID}}, or another that the rules allow'],
          ['Key usage', 'Digital signature, key encipherment'],
          ['Key size (bits)', '2048'],
          ['Hash algorithm', 'SHA-2'],
          [
            'Root certificate',
            'The Trusted certificate profile; for a subordinate, the subordinate’s',
          ],
          ['Extended key usage', 'Client Authentication; the RA Profile decides'],
          ['Renewal threshold (%)', '20'],
          ['SCEP server URLs', enrolment.url],
        ],
      },
      {
        kind: 'text',
        text: 'With another MDM: set these nodes below ./Device/Vendor/MSFT/ClientCertificateInstall/SCEP/{id}/Install/, and run Enroll last, all in one Atomic.',
      },
      {
        kind: 'settings',
        settings: [
          ['ServerURL', enrolment.url],
          ['Challenge', challengeOf(enrolment)],
          ['CAThumbprint', enrolment.fingerprintSha1.replaceAll(':', '')],
          ['SubjectName', `CN=${quoteSubject(enrolment.deviceName)}`],
          ['KeyLength', '2048'],
          ['HashAlgorithm', 'SHA-2'],
          ['KeyUsage', '160'],
          ['EKUMapping', '1.3.6.1.5.5.7.3.2'],
        ],
      },
      ...(isFitForWindows(challengeOf(enrolment))
        ? []
        : [
            {
              kind: 'text' as const,
              text: 'Windows cannot send this challenge, and then sends nothing at all: use letters and digits.',
            },
          ]),
    ],
  };
}

/** Whether Windows can send a challenge: whether it is a PrintableString. */
function isFitForWindows(challenge: string): boolean {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(challenge);
}

/** A value of a subject as Windows reads it: in quotes where it has separators. */
function quoteSubject(value: string): string {
  return /[,=+;"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
