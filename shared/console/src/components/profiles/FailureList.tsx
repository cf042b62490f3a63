import type { BulkMessage } from '../../api/schema';

/** The objects for which something could not be done, each with the reason. */
export function FailureList({ failures }: { failures: BulkMessage[] }) {
  return failures.map(({ uuid, name, message }) => (
    <div key={uuid}>
      <b>{name || uuid}</b>: {message}
    </div>
  ));
}
