import Alert from '@cloudscape-design/components/alert';

/** Warnings of the API about an object. They refuse no request. */
export function WarningList({ warnings }: { warnings: string[] }) {
  return (
    warnings.length > 0 && (
      <Alert type="warning" header={warnings.length === 1 ? 'A warning' : 'Warnings'}>
        {warnings.map((warning) => (
          <div key={warning}>{warning}</div>
        ))}
      </Alert>
    )
  );
}
