import { PageLink } from './PageLink';
import { useAuthorities, useRaProfiles, useScepProfiles } from '../api/queries';

/** A link to a SCEP Profile, which shows its name. */
export function ScepProfileLink({ uuid }: { uuid: string }) {
  const profiles = useScepProfiles();
  return <NamedLink to={`/scep-profiles/${uuid}`} uuid={uuid} objects={profiles.data} />;
}

/** A link to an RA Profile, which shows its name. */
export function RaProfileLink({ uuid }: { uuid: string }) {
  const profiles = useRaProfiles();
  return <NamedLink to={`/ra-profiles/${uuid}`} uuid={uuid} objects={profiles.data} />;
}

/** A link to an authority, which shows its name. */
export function AuthorityLink({ uuid }: { uuid: string }) {
  const authorities = useAuthorities();
  return <NamedLink to={`/authorities/${uuid}`} uuid={uuid} objects={authorities.data} />;
}

function NamedLink({
  to,
  uuid,
  objects,
}: {
  to: string;
  uuid: string;
  objects: { uuid: string; name: string }[] | undefined;
}) {
  if (!objects) {
    return <PageLink to={to}>{uuid}</PageLink>;
  }
  const object = objects.find((object) => object.uuid === uuid);
  return object ? <PageLink to={to}>{object.name}</PageLink> : <>{uuid} (deleted)</>;
}
