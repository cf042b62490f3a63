import { challengeOf, type Enrolment, type Instruction } from './enrolment';

/** Jamf Pro, with one challenge for each device or one for all.
 *  @param hasOneTime - whether the SCEP Profile accepts one-time challenges. */
export function jamf(enrolment: Enrolment, hasOneTime: boolean): Instruction {
  const base = enrolment.url.replace(/\/pkiclient\.exe$/, '');
  const fingerprint: [string, string] = [
    'Fingerprint (SHA-1)',
    enrolment.fingerprintSha1.replaceAll(':', ' '),
  ];
  const common: [string, string][] = [
    ['URL', base],
    ['Subject', 'CN=$SERIALNUMBER, or another that the rules allow'],
    ['Key size', '2048'],
    ['Use as digital signature, for key encipherment', 'both'],
    fingerprint,
  ];
  return {
    id: 'jamf',
    title: 'Jamf Pro',
    parts: hasOneTime
      ? [
          {
            kind: 'text',
            text: 'First make a token with the scope challenge, under Tokens or with “scepter token create --scope challenge --name jamf”. Then add a webhook: Settings, Global, Webhooks, New. By it Jamf Pro asks for a challenge whenever it installs the profile on a device.',
          },
          {
            kind: 'settings',
            settings: [
              ['Webhook event', 'SCEPChallenge'],
              ['Webhook URL', `${base}/jamf`],
              ['Content type', 'JSON'],
              ['Authentication', 'Basic: any user name, and the token as password'],
            ],
          },
          { kind: 'text', text: 'Then add the payload SCEP to a configuration profile.' },
          { kind: 'settings', settings: [...common, ['Challenge type', 'Dynamic']] },
        ]
      : [
          { kind: 'text', text: 'Add the payload SCEP to a configuration profile.' },
          {
            kind: 'settings',
            settings: [
              ...common,
              ['Challenge type', 'Static'],
              ['Challenge', challengeOf(enrolment)],
            ],
          },
        ],
  };
}
