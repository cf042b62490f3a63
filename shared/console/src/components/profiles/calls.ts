import { api, body } from '../../api/client';
import type { BulkMessage } from '../../api/schema';

/** What is done to several profiles of a kind at once. Each call resolves to those for which it
 *  failed, with the reason. */
export interface ProfileCalls {
  /** What one and several are called. */
  noun: string;
  plural: string;
  enable: (uuids: string[]) => Promise<BulkMessage[]>;
  disable: (uuids: string[]) => Promise<BulkMessage[]>;
  remove: (uuids: string[]) => Promise<BulkMessage[]>;
  /** Deletes them with their links to other profiles. */
  forceRemove: (uuids: string[]) => Promise<BulkMessage[]>;
}

export const scepProfileCalls: ProfileCalls = {
  noun: 'SCEP Profile',
  plural: 'SCEP Profiles',
  enable: (uuids) => body(api.PATCH('/api/v1/scepProfiles/enable', { body: uuids })),
  disable: (uuids) => body(api.PATCH('/api/v1/scepProfiles/disable', { body: uuids })),
  remove: (uuids) => body(api.DELETE('/api/v1/scepProfiles/delete', { body: uuids })),
  forceRemove: (uuids) => body(api.DELETE('/api/v1/scepProfiles/delete/force', { body: uuids })),
};

export const raProfileCalls: ProfileCalls = {
  noun: 'RA Profile',
  plural: 'RA Profiles',
  enable: (uuids) => body(api.PATCH('/api/v1/raProfiles/enable', { body: uuids })),
  disable: (uuids) => body(api.PATCH('/api/v1/raProfiles/disable', { body: uuids })),
  remove: (uuids) => body(api.DELETE('/api/v1/raProfiles/delete', { body: uuids })),
  forceRemove: (uuids) => body(api.DELETE('/api/v1/raProfiles/delete/force', { body: uuids })),
};
