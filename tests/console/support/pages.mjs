// Every page of the console, with the objects of an estate on it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './server.mjs';

/** The paths of all pages by their names, on a server with this estate. */
export function listPages({ authority, subordinate, routers, once, pending, certificates, refused }) {
  return {
    home: '/',
    'first-run': '/first-run',
    'scep-profiles': '/scep-profiles',
    'scep-profile-new': '/scep-profiles/new',
    'scep-profile': `/scep-profiles/${once.uuid}`,
    'scep-profile-edit': `/scep-profiles/${once.uuid}/edit`,
    'ra-profiles': '/ra-profiles',
    'ra-profile-new': '/ra-profiles/new',
    'ra-profile': `/ra-profiles/${routers.uuid}`,
    'ra-profile-edit': `/ra-profiles/${routers.uuid}/edit`,
    challenges: `/challenges?profile=${once.uuid}`,
    'challenges-new': `/challenges/${once.uuid}/new`,
    requests: '/requests',
    request: `/requests/${refused.uuid}`,
    transaction: `/transactions/${pending[0].uuid}`,
    certificates: '/certificates',
    certificate: `/certificates/${certificates[0].uuid}`,
    authorities: '/authorities',
    'authority-new': '/authorities/new',
    authority: `/authorities/${authority.uuid}`,
    'authority-subordinate': `/authorities/${subordinate.uuid}`,
    audit: '/audit',
    tokens: '/tokens',
    settings: '/settings',
    'not-found': '/nowhere',
  };
}

/** The paths of the console's routes, as its code declares them: `/certificates/:uuid`. */
export function listRoutes() {
  const code = readFileSync(join(ROOT, 'shared/console/src/app/routes.tsx'), 'utf8');
  return [...code.matchAll(/\bpage\('([^']+)'/g)].map(([, path]) => `/${path}`);
}
