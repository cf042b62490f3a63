#!/usr/bin/env python3
"""Copies certificates from a table to the one that was restored in its place: docs/recovery.md.

    infra/copy-certificates.py OLD NEW MOMENT

OLD and NEW are names of tables of certificates, and MOMENT is the time to which NEW was restored, as
2026-11-28T09:00:00Z. Certificates of later times, and of five minutes before, are copied without their
revocation, with the items by which searches find their names. Nothing in NEW is changed or replaced, so
that the script can be run again. It writes a line for each certificate that it copied, and one for each
that is revoked in OLD and not yet in NEW:

    copied SERIAL_NUMBER
    revoked UUID REASON
"""

import sys
from datetime import datetime, timedelta
from uuid import UUID

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

REVOCATION = ("revokedOf", "revokedAt", "revocationReason")

# An item has the time at which the function signed or revoked, and is written later. The functions have
# half a minute for a request and five minutes for maintenance.
MARGIN = timedelta(minutes=5)


class Tables:
    def __init__(self, old, new):
        self.old, self.new = old, new
        # New tables on demand take few writes at first, and a copy may have many.
        self.client = boto3.client("dynamodb", config=Config(retries={"mode": "adaptive", "max_attempts": 20}))

    def read(self, since):
        """The items of certificates that were issued or revoked since then, and those of all alternative names."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.old,
            ConsistentRead=True,
            FilterExpression="issuedAt >= :since OR revokedAt >= :since OR #list = :names",
            ExpressionAttributeNames={"#list": "list"},
            ExpressionAttributeValues={":since": {"N": str(since)}, ":names": {"S": "alternativeName"}},
        )
        return [item for page in pages for item in page["Items"]]

    def put(self, item):
        """Whether the new table had no such item."""
        try:
            self.client.put_item(TableName=self.new, Item=item, ConditionExpression="attribute_not_exists(id)")
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def is_revoked(self, key):
        """Whether the new table has a revocation of this certificate."""
        found = self.client.get_item(TableName=self.new, Key={"id": {"S": key}}, ConsistentRead=True)
        return "revocationReason" in found.get("Item", {})


def parse_moment(text):
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if not moment.tzinfo:
        sys.exit(f"{text} has no time zone: write {text}Z if it is UTC")
    return moment


def revocation(item):
    """The UUID and the reason, which the shell puts into a command: so they must be what they should be."""
    # Earlier versions stored the UUID beside an id of another form.
    uuid = UUID(item["uuid"]["S"] if "uuid" in item else item["id"]["S"].partition("/")[2])
    reason = item["revocationReason"]["S"]
    if not (reason.isascii() and reason.isalpha()):
        sys.exit(f"the certificate {uuid} has no valid reason: {reason!r}")
    return f"{uuid} {reason}"


def main(old, new, moment):
    since = int((parse_moment(moment) - MARGIN).timestamp() * 1000)
    tables = Tables(old, new)
    items = tables.read(since)
    issued = {item["id"]["S"] for item in items if int(item.get("issuedAt", {"N": 0})["N"]) >= since}
    for item in items:
        key = item["id"]["S"]
        # The id of an alternative name is that of its certificate, a slash and a number.
        if key not in issued and key.rpartition("/")[0] not in issued:
            continue
        is_new = tables.put({name: value for name, value in item.items() if name not in REVOCATION})
        if is_new and key in issued:
            print("copied", item["serialNumber"]["S"])
    for item in items:
        # A key that has a revoked certificate has an item with a time, and without a reason.
        if "revocationReason" not in item or int(item["revokedAt"]["N"]) < since:
            continue
        if not tables.is_revoked(item["id"]["S"]):
            print("revoked", revocation(item))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
