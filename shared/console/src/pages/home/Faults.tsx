import Alert from '@cloudscape-design/components/alert';

import type { ServerStatus } from '../../api/schema';
import { endpointHealth, type Health } from '../../components/health';
import { PageLink } from '../../components/PageLink';
import { endpointPath } from './endpoints';
import { healthItems } from './health';
import { useCurrentStatus } from './status';

/** What devices suffer from now, before anything else. */
export function Faults() {
  const query = useCurrentStatus((status) => faultsOf(status, Date.now()));
  const faults = query.data ?? [];
  if (faults.length === 0) {
    return null;
  }
  return (
    <Alert type="error" header={faults.length === 1 ? 'A fault' : `${faults.length} faults`}>
      {faults.map(({ id, name, href, text }) => (
        <div key={id}>
          <PageLink to={href}>{name}</PageLink>: {text}
        </div>
      ))}
    </Alert>
  );
}

interface Fault {
  id: string;
  name: string;
  href: string;
  text: string;
}

function faultsOf(status: ServerStatus, now: number): Fault[] {
  const isFault = ({ health }: { health: Health }) => health.type === 'error';
  const items = healthItems(status, now)
    .filter(isFault)
    .map(({ id, kind, name, href, health }) => ({
      id,
      name: `${kind} ${name}`,
      href,
      text: health.text,
    }));
  const endpoints = status.endpoints
    .map((endpoint) => ({ endpoint, health: endpointHealth(endpoint) }))
    .filter(isFault)
    .map(({ endpoint, health }) => ({
      id: endpoint.url,
      name: `Endpoint of ${endpoint.name}`,
      href: endpointPath(endpoint),
      text: health.text,
    }));
  return [...items, ...endpoints];
}
