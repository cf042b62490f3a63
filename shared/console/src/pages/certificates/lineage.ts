/** What a lineage needs to know of a certificate. */
export interface Link {
  uuid: string;
  predecessorUuid?: string | null;
}

/** Certificates that renewed each other, oldest first. */
export interface Lineage<T> {
  /** Those before (negative) and after the one in question (0), by renewals. */
  members: { certificate: T; distance: number }[];
  /** Whether there are more than were read. */
  isCut: boolean;
}

/** Reads what a certificate renewed, and what renewed it in turn.
 *  @param limit - how many certificates are read in each direction. */
export async function readLineage<T extends Link>(
  start: T,
  load: (uuid: string) => Promise<T>,
  renewalsOf: (uuid: string) => Promise<T[]>,
  limit: number,
): Promise<Lineage<T>> {
  const seen = new Set([start.uuid]);
  const before: T[] = [];
  let above = start.predecessorUuid;
  while (above && !seen.has(above) && before.length < limit) {
    const predecessor = await load(above);
    seen.add(above);
    before.unshift(predecessor);
    above = predecessor.predecessorUuid;
  }
  const members = before.map((certificate, place) => ({
    certificate,
    distance: place - before.length,
  }));
  members.push({ certificate: start, distance: 0 });
  const own = before.length;
  // Each member of the queue is asked for its renewals, nearest first.
  for (let place = own; place < members.length && members.length <= own + 1 + limit; place += 1) {
    const parent = members[place];
    const renewals = parent ? await renewalsOf(parent.certificate.uuid) : [];
    for (const certificate of renewals.filter(({ uuid }) => !seen.has(uuid))) {
      seen.add(certificate.uuid);
      members.push({ certificate, distance: (parent?.distance ?? 0) + 1 });
    }
  }
  const isCut = Boolean(above && !seen.has(above)) || members.length > own + 1 + limit;
  return { members, isCut };
}

/** Where a member stands, in words. */
export function distanceText(distance: number): string {
  if (distance === 0) {
    return 'This certificate';
  }
  const number = Math.abs(distance);
  const renewals = number === 1 ? 'One renewal' : `${number} renewals`;
  return `${renewals} ${distance < 0 ? 'before' : 'after'}`;
}
