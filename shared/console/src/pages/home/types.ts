import type { paths } from '../../api/schema';

/** What a GET of a path responds. */
type Got<Path extends '/api/v1/status' | '/api/v1/statistics'> =
  paths[Path]['get']['responses'][200]['content']['application/json'];

/** The health of the server. */
export type Status = Got<'/api/v1/status'>;

/** Counts of requests over time. */
export type Statistics = Got<'/api/v1/statistics'>;
