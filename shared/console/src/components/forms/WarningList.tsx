import Alert from '@cloudscape-design/components/alert';

/** Warnings of the API about an object. They refuse no request.
 *  @param labels - what fields are called, by the paths with which warnings begin. */
export function WarningList({
  warnings,
  labels = {},
}: {
  warnings: string[];
  labels?: Record<string, string>;
}) {
  const [only, ...others] = warnings;
  if (only === undefined) {
    return null;
  }
  return (
    <Alert type="warning" header={others.length > 0 && 'Check these settings'}>
      {warnings.map((warning) => (
        <div key={warning}>{withLabel(warning, labels)}</div>
      ))}
    </Alert>
  );
}

function withLabel(warning: string, labels: Record<string, string>): string {
  const [path = ''] = warning.split(': ', 1);
  const label = labels[path];
  return label === undefined ? warning : label + warning.slice(path.length);
}
