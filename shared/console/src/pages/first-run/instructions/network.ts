import { challengeOf, quoteRouterOs, type Enrolment, type Instruction } from './enrolment';

/** Cisco IOS and IOS XE. */
export function cisco(enrolment: Enrolment): Instruction {
  const challenge = challengeOf(enrolment);
  return {
    id: 'cisco',
    title: 'Cisco IOS',
    parts: [
      {
        kind: 'text',
        text: 'Set the clock by NTP first. Compare the fingerprint that “authenticate” shows before you accept it.',
      },
      {
        kind: 'code',
        name: 'the configuration for Cisco IOS',
        code: [
          'crypto key generate rsa modulus 2048 label scepter',
          'crypto pki trustpoint scepter',
          // The command line takes anything after the profile's name for a part of the path.
          ` enrollment url ${enrolment.url.replace(/\/pkiclient\.exe$/, '')}`,
          ' enrollment mode ra',
          ` subject-name CN=${quoteIosName(enrolment.deviceName)}`,
          ' serial-number none',
          ' ip-address none',
          ' fqdn none',
          ` password ${typedInIos(challenge)}`,
          ' rsakeypair scepter',
          ' revocation-check crl',
          ' auto-enroll 80 regenerate',
          'crypto pki authenticate scepter',
          'crypto pki enroll scepter',
        ].join('\n'),
      },
      ...(isFitForIos(challenge)
        ? []
        : [
            {
              kind: 'text' as const,
              text: 'The command line of IOS cannot take this challenge as it is: a question mark must be typed after Ctrl-V, and spaces at its ends are lost. Better use letters and digits.',
            },
          ]),
      { kind: 'text', text: 'Use an RSA authority: many versions of IOS verify nothing else.' },
    ],
  };
}

/** MikroTik RouterOS. */
export function mikrotik(enrolment: Enrolment): Instruction {
  const url = quoteRouterOs(enrolment.url.replace(/\/pkiclient\.exe$/, ''));
  return {
    id: 'mikrotik',
    title: 'MikroTik',
    parts: [
      {
        kind: 'code',
        name: 'the commands for RouterOS',
        code: [
          `/certificate add name=device common-name=${quoteRouterOs(enrolment.deviceName)} key-size=2048`,
          `/certificate add-scep template=device scep-url=${url} challenge-password=${quoteRouterOs(challengeOf(enrolment))}`,
          '/certificate print detail',
          '/log print where topics~"certificate"',
        ].join('\n'),
      },
      {
        kind: 'text',
        text: 'Compare the fingerprint of the authority’s certificate: RouterOS shows SHA-256 since 6.18, SHA-1 before. RouterOS 6 needs SHA-1 and triple DES, which the SCEP Profile accepts unless you turn them off.',
      },
    ],
  };
}

/** Whether a challenge can be pasted into the command line of IOS as it is. */
function isFitForIos(challenge: string): boolean {
  return /^[!->@-~]([ -~]*[!->@-~])?$/.test(challenge) && !challenge.includes('?');
}

/** A line of IOS ends at the first line break, and what follows would be another command. */
function typedInIos(text: string): string {
  return text.replace(/[\u0000-\u001F\u007F]/g, '');
}

function quoteIosName(value: string): string {
  const typed = typedInIos(value);
  return /[,=+;\s"]/.test(typed) ? `"${typed.replaceAll('"', '')}"` : typed;
}
