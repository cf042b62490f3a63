import Alert from '@cloudscape-design/components/alert';

/** Replaces the settings of what exists already. */
export function AlreadyCreated({ what }: { what: string }) {
  return (
    <Alert type="success" header={`${what} exists`}>
      It was created before a later step failed, and is not created again. Its own page has its
      settings.
    </Alert>
  );
}
