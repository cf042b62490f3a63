import { api, body } from '../../api/client';
import type { AuthorityView, ScepProfileView } from '../../api/schema';
import { templateOf } from '../../components/ra-profile/draft';
import { activate } from '../../components/profiles/links';
import { scepProfileBodyOf } from '../../components/scep-profile/draft';
import type { FirstRunDraft } from './draft';

/** What the first run has created or found so far. */
export interface Created {
  authority?: AuthorityView;
  raCertificateUuid?: string;
  raProfileUuid?: string;
  scepProfile?: ScepProfileView;
  isActivated?: boolean;
  isEnabled?: boolean;
  /** A one-time challenge or else the static one; `null` where the profile takes neither. */
  challenge?: string | null;
}

/** One thing that the first run does. */
export interface Task {
  title: string;
  /** The page of the wizard that has its settings. */
  page: number;
  isDone: (created: Created) => boolean;
  /** Does it, and returns what it adds. */
  run: (draft: FirstRunDraft, created: Created) => Promise<Created>;
}

/** The thing that was to be done first is missing: the order of the tasks rules that out. */
function found<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new Error('An earlier step is missing. Start the first run again.');
  }
  return value;
}

export const TASKS: Task[] = [
  {
    title: 'Authority',
    page: 0,
    isDone: ({ authority }) => authority !== undefined,
    run: async ({ authority }) => ({
      authority: await (authority.uuid === ''
        ? body(
            api.POST('/api/v1/authorities', {
              body: {
                name: authority.name,
                subject: authority.subject,
                keyAlgorithm: authority.keyAlgorithm,
                validity: authority.validity.trim() || null,
              },
            }),
          )
        : body(
            api.GET('/api/v1/authorities/{uuid}', { params: { path: { uuid: authority.uuid } } }),
          )),
    }),
  },
  {
    title: 'RA certificate',
    page: 1,
    isDone: ({ raCertificateUuid }) => raCertificateUuid !== undefined,
    run: async ({ raCertificate }, { authority }) => {
      if (raCertificate.uuid !== '') {
        return { raCertificateUuid: raCertificate.uuid };
      }
      const { uuid } = await body(
        api.POST('/api/v1/authorities/{authorityUuid}/raCertificates', {
          params: { path: { authorityUuid: found(authority).uuid } },
          body: {
            commonName: raCertificate.commonName,
            validity: raCertificate.validity.trim() || null,
          },
        }),
      );
      return { raCertificateUuid: uuid };
    },
  },
  {
    title: 'RA Profile',
    page: 2,
    isDone: ({ raProfileUuid }) => raProfileUuid !== undefined,
    run: async ({ raProfileName, rules }, { authority }) => {
      const { uuid } = await body(
        api.POST('/api/v1/authorities/{authorityUuid}/raProfiles', {
          params: { path: { authorityUuid: found(authority).uuid } },
          body: { name: raProfileName, certificateTemplate: templateOf(rules), enabled: true },
        }),
      );
      return { raProfileUuid: uuid };
    },
  },
  {
    title: 'SCEP Profile',
    page: 3,
    isDone: ({ scepProfile }) => scepProfile !== undefined,
    run: async ({ scepProfile }, created) => ({
      scepProfile: await body(
        api.POST('/api/v1/scepProfiles', {
          body: scepProfileBodyOf({
            ...scepProfile,
            caCertificateUuid: found(created.raCertificateUuid),
            raProfileUuid: found(created.raProfileUuid),
          }),
        }),
      ),
    }),
  },
  {
    title: 'Activation on the RA Profile',
    page: 3,
    isDone: ({ isActivated }) => isActivated === true,
    run: async (_, { raProfileUuid, scepProfile }) => {
      await activate(found(raProfileUuid), found(scepProfile).uuid);
      return { isActivated: true };
    },
  },
  {
    title: 'Enabling the SCEP Profile',
    page: 3,
    isDone: ({ isEnabled }) => isEnabled === true,
    run: async (_, { scepProfile }) => {
      const { uuid } = found(scepProfile);
      await body(api.PATCH('/api/v1/scepProfiles/{uuid}/enable', { params: { path: { uuid } } }));
      return { isEnabled: true };
    },
  },
  {
    title: 'Challenge',
    page: 3,
    isDone: ({ challenge }) => challenge !== undefined,
    run: async (_, { scepProfile }) => {
      const { uuid, challengeSources } = found(scepProfile);
      return {
        challenge: challengeSources.includes('ONE_TIME') ? await makeChallenge(uuid) : null,
      };
    },
  },
];

/** Makes a challenge that is good for one device, for a day. */
export async function makeChallenge(scepProfileUuid: string): Promise<string> {
  const made = await body(
    api.POST('/api/v1/scepProfiles/{uuid}/challenges', {
      params: { path: { uuid: scepProfileUuid } },
      body: { validity: 'P1D', note: 'First run' },
    }),
  );
  const [challenge] = Array.isArray(made) ? made : [made];
  return found(challenge).challengePassword;
}

/** Does what is not done yet, in order, and stops at what fails.
 *  @param onProgress - is told of everything that exists, after each task.
 *  @returns what failed, or `undefined` when all is done. */
export async function runTasks<Draft, State>(
  tasks: {
    isDone: (state: State) => boolean;
    run: (draft: Draft, state: State) => Promise<Partial<State>>;
  }[],
  draft: Draft,
  state: State,
  onProgress: (state: State) => void,
): Promise<{ index: number; error: unknown } | undefined> {
  let current = state;
  for (const [index, task] of tasks.entries()) {
    if (task.isDone(current)) {
      continue;
    }
    try {
      current = { ...current, ...(await task.run(draft, current)) };
    } catch (error) {
      return { index, error };
    }
    onProgress(current);
  }
  return undefined;
}
