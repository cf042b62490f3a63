import Box from '@cloudscape-design/components/box';

import { PageLink } from './PageLink';
import { withoutCommonName } from './subjects';

/** A link that is called as a subject: its CN, and the rest of it below. */
export function SubjectLink({
  to,
  subject,
  commonName,
}: {
  to: string;
  /** RFC 4514 text; empty for a certificate that has names only. */
  subject: string;
  commonName: string | null | undefined;
}) {
  if (!commonName) {
    return <PageLink to={to}>{subject || 'None: names only'}</PageLink>;
  }
  return (
    <>
      <PageLink to={to}>{commonName}</PageLink>
      <Box variant="small" display="block" color="text-body-secondary">
        {withoutCommonName(subject)}
      </Box>
    </>
  );
}
