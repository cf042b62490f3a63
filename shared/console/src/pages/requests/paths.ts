/** The page of a request: a transaction has one of its own, on which it is decided. */
export function requestPath(request: { uuid: string; transactionUuid?: string | null }): string {
  return request.transactionUuid
    ? `/transactions/${request.transactionUuid}`
    : `/requests/${request.uuid}`;
}
