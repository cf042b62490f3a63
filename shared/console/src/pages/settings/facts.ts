import type { ServerSettings } from '../../api/schema';

/** A setting, in words. */
export interface Fact {
  name: string;
  value: string;
  /** What it is about. */
  meaning: string;
  /** The option of the local server and its variable, or the parameter of the AWS stack. */
  changedBy: string | undefined;
}

/** The settings in words, with how each is changed on this platform. */
export function factsOf(settings: ServerSettings): Fact[] {
  const isLocal = settings.platform === 'LOCAL';
  const change = (option: string, variable: string, parameter: string) =>
    isLocal ? `--${option} or ${variable}` : `the stack’s parameter ${parameter}`;
  return [
    {
      name: 'Platform',
      value: isLocal ? 'Local server' : 'AWS',
      meaning: isLocal
        ? 'One process, with its data in a folder.'
        : 'Functions, tables and keys in AWS.',
      changedBy: undefined,
    },
    {
      name: 'Public URL',
      value: settings.publicUrl,
      meaning: 'Clients are given this URL, and certificates name it as the location of their CRL.',
      changedBy: change('public-url', 'SCEPTER_PUBLIC_URL', 'PublicUrl'),
    },
    {
      name: 'Waiting requests',
      value: days(settings.pendingDays),
      meaning: 'So long a request waits for approval before it is dropped.',
      changedBy: change('pending-days', 'SCEPTER_PENDING_DAYS', 'PendingDays'),
    },
    {
      name: 'CRLs',
      value: days(settings.crlDays),
      meaning:
        'So long a CRL is valid. It is renewed after half of that, and with each revocation.',
      changedBy: change('crl-days', 'SCEPTER_CRL_DAYS', 'CrlDays'),
    },
    {
      name: 'Refused requests',
      value: days(settings.requestDays),
      meaning: 'So long a refused request, and what the chart counts, is kept.',
      changedBy: change('request-days', 'SCEPTER_REQUEST_DAYS', 'RequestDays'),
    },
    {
      name: 'Edits of profiles',
      value: `${settings.profilesMaxAgeSeconds} s`,
      meaning: 'After so long, an edit is in force for every request.',
      changedBy: isLocal ? undefined : 'the stack’s parameter ProfilesMaxAgeSeconds',
    },
    {
      name: 'Default SCEP Profile',
      value: settings.defaultScepProfile ?? 'None',
      meaning:
        'It serves devices whose path cannot be configured: /cgi-bin/pkiclient.exe and /certsrv/mscep/mscep.dll.',
      changedBy: change(
        'default-scep-profile',
        'SCEPTER_DEFAULT_SCEP_PROFILE',
        'DefaultScepProfile',
      ),
    },
  ];
}

function days(number: number): string {
  return number === 1 ? '1 day' : `${number} days`;
}
