import { api, body } from '../../api/client';

/** Activates a SCEP Profile on an RA Profile, in place of another one. */
export function activate(raProfileUuid: string, scepProfileUuid: string) {
  return body(
    api.PATCH('/api/v1/raProfiles/{uuid}/protocols/scep/activate/{scepProfileUuid}', {
      params: { path: { uuid: raProfileUuid, scepProfileUuid } },
    }),
  );
}

/** Deactivates SCEP on an RA Profile. */
export function deactivate(raProfileUuid: string) {
  return body(
    api.PATCH('/api/v1/raProfiles/{uuid}/protocols/scep/deactivate', {
      params: { path: { uuid: raProfileUuid } },
    }),
  );
}

/** Makes an RA Profile the default of a SCEP Profile. */
export function makeDefault(scepProfileUuid: string, raProfileUuid: string) {
  return body(
    api.PATCH('/api/v1/scepProfiles/{uuid}/raProfiles/{raProfileUuid}', {
      params: { path: { uuid: scepProfileUuid, raProfileUuid } },
    }),
  );
}
