import createClient, { type Middleware } from 'openapi-fetch';

import { session } from '../sign-in/session';
import { ApiError, readError } from './errors';
import type { paths } from './schema';

const authenticate: Middleware = {
  async onRequest({ request }) {
    const token = await session.token();
    request.headers.set('Authorization', `Bearer ${token ?? ''}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) {
      session.expire();
    }
  },
};

/** The management API. Paths, parameters and bodies have the types of its OpenAPI document. */
export const api = createClient<paths>({ baseUrl: '/', cache: 'no-store' });
api.use(authenticate);

/** What a request of `api` resolves to. */
interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of a successful response.
 *  @throws ApiError when the API refuses, or does not answer. */
export async function body<T>(request: Promise<Answer<T>>): Promise<T> {
  return (await answer(request)).data;
}

/** The body of a successful response, with the ETag of the version that it shows.
 *  @throws ApiError when the API refuses, does not answer, or names no version. */
export async function versioned<T>(request: Promise<Answer<T>>): Promise<Versioned<T>> {
  const { data, response } = await answer(request);
  const etag = response.headers.get('ETag');
  if (etag === null) {
    // Without it an edit could not name its version, and would overwrite what others saved.
    throw new ApiError(response.status, ['The server did not say which version it returned.']);
  }
  return { object: data, etag };
}

/** An object as read, and the ETag by which an edit names this version in If-Match. */
export interface Versioned<T> {
  object: T;
  etag: string;
}

async function answer<T>(request: Promise<Answer<T>>): Promise<{ data: T; response: Response }> {
  const { data, error, response } = await request.catch(() => {
    throw new ApiError(0, ['The server cannot be reached.']);
  });
  if (!response.ok) {
    throw readError(response.status, error);
  }
  // A response without content has no body to type.
  return { data: data as T, response };
}
