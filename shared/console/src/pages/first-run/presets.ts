import type { ChallengeSourceKind } from '../../api/schema';
import { DEFAULT_RULES, type RulesDraft } from '../../components/ra-profile/draft';

export type PresetId = 'network' | 'windows' | 'apple' | 'servers';

/** Rules and challenge sources to begin with, for a kind of device. */
export interface Preset {
  id: PresetId;
  label: string;
  description: string;
  rules: RulesDraft;
  sources: ChallengeSourceKind[];
}

export const PRESETS: Preset[] = [
  {
    id: 'network',
    label: 'Network devices',
    description:
      'Routers, switches and Linux machines that identify themselves to others: a CN, DNS names and IP addresses.',
    rules: { ...DEFAULT_RULES, subjectRequired: ['CN'] },
    sources: ['ONE_TIME'],
  },
  {
    id: 'windows',
    label: 'Windows by Intune',
    description:
      'Intune vouches for each request, its names and its security identifier. Other names are left out.',
    rules: { ...DEFAULT_RULES, subjectRequired: ['CN'], ignoreOthers: true, sidForm: 'URI' },
    sources: ['INTUNE'],
  },
  {
    id: 'apple',
    label: 'Apple devices',
    description:
      'iPhones, iPads and Macs by an MDM, such as Jamf Pro, which fetches a challenge for each device.',
    rules: { ...DEFAULT_RULES, subjectRequired: ['CN'], ignoreOthers: true },
    sources: ['ONE_TIME'],
  },
  {
    id: 'servers',
    label: 'Servers',
    description:
      'TLS servers: the CN becomes a DNS name too, the certificate is for serverAuth and lasts 90 days.',
    rules: {
      ...DEFAULT_RULES,
      validity: 'P90D',
      subjectRequired: ['CN'],
      nameTypes: ['dns', 'ip'],
      commonNameAsDns: true,
      extendedKeyUsage: ['serverAuth', 'clientAuth'],
    },
    sources: ['ONE_TIME'],
  },
];
