import Alert from '@cloudscape-design/components/alert';

/** Says above a form that it can be read and not saved.
 *  @param denial - why; `undefined` shows nothing. */
export function DenialAlert({ denial }: { denial: string | undefined }) {
  return (
    denial !== undefined && (
      <Alert type="info" header="You can read this form, and not save it">
        {denial}
      </Alert>
    )
  );
}
