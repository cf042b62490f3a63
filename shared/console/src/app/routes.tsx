import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';

import { SignedIn } from '../sign-in/SignedIn';
import { NotFound } from './NotFound';
import { RouteError } from './RouteError';
import { Shell } from './Shell';

/** A page whose code is loaded when somebody goes there. */
function page<Name extends string>(
  path: string,
  load: () => Promise<Record<Name, ComponentType>>,
  name: Name,
): RouteObject {
  return { path, lazy: async () => ({ Component: (await load())[name] }) };
}

const home = () => import('../pages/home/HomePage');
const firstRun = () => import('../pages/first-run/FirstRunPage');
const scepProfiles = () => import('../pages/scep-profiles');
const raProfiles = () => import('../pages/ra-profiles');
const challenges = () => import('../pages/challenges');
const requests = () => import('../pages/requests');
const certificates = () => import('../pages/certificates');
const authorities = () => import('../pages/authorities');
const audit = () => import('../pages/audit/AuditPage');
const tokens = () => import('../pages/tokens/TokensPage');
const settings = () => import('../pages/settings/SettingsPage');

/** Every page, by its path below `/console`. */
export const routes: RouteObject[] = [
  { path: '/signed-in', Component: SignedIn },
  {
    path: '/',
    Component: Shell,
    // Nothing is shown while the code of the first page is loaded.
    HydrateFallback: () => null,
    children: [
      {
        ErrorBoundary: RouteError,
        children: [
          { index: true, lazy: async () => ({ Component: (await home()).HomePage }) },
          page('first-run', firstRun, 'FirstRunPage'),
          page('scep-profiles', scepProfiles, 'ScepProfilesPage'),
          page('scep-profiles/new', scepProfiles, 'NewScepProfilePage'),
          page('scep-profiles/:uuid', scepProfiles, 'ScepProfilePage'),
          page('scep-profiles/:uuid/edit', scepProfiles, 'EditScepProfilePage'),
          page('ra-profiles', raProfiles, 'RaProfilesPage'),
          page('ra-profiles/new', raProfiles, 'NewRaProfilePage'),
          page('ra-profiles/:uuid', raProfiles, 'RaProfilePage'),
          page('ra-profiles/:uuid/edit', raProfiles, 'EditRaProfilePage'),
          page('challenges', challenges, 'ChallengesPage'),
          page('challenges/:profile/new', challenges, 'NewChallengesPage'),
          page('requests', requests, 'RequestsPage'),
          page('requests/:uuid', requests, 'RequestPage'),
          page('transactions/:uuid', requests, 'TransactionPage'),
          page('certificates', certificates, 'CertificatesPage'),
          page('certificates/:uuid', certificates, 'CertificatePage'),
          page('authorities', authorities, 'AuthoritiesPage'),
          page('authorities/new', authorities, 'NewAuthorityPage'),
          page('authorities/:uuid', authorities, 'AuthorityPage'),
          page('audit', audit, 'AuditPage'),
          page('tokens', tokens, 'TokensPage'),
          page('settings', settings, 'SettingsPage'),
          { path: '*', Component: NotFound },
        ],
      },
    ],
  },
];
