#!/usr/bin/env python3
"""Copies certificates from a table to the one that was restored in its place: docs/recovery.md.

    infra/copy-certificates.py OLD NEW MOMENT

OLD and NEW are names of tables of certificates, and MOMENT is the time to which NEW was restored, as
2026-11-28T09:00:00Z. Certificates of later times are copied without their revocation, with the items by
which searches find their names. Nothing in NEW is changed or replaced, so that the script can be run
again. It writes a line for each certificate that it copied, and one for each that was revoked since:

    copied SERIAL_NUMBER
    revoked UUID REASON
"""

import sys
from datetime import datetime

import boto3
from botocore.exceptions import ClientError

REVOCATION = ("revokedOf", "revokedAt", "revocationReason")


def read(table, since):
    """The items of certificates that were issued or revoked since then, and those of all alternative names."""
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        FilterExpression="issuedAt >= :since OR revokedAt >= :since OR #list = :names",
        ExpressionAttributeNames={"#list": "list"},
        ExpressionAttributeValues={":since": {"N": str(since)}, ":names": {"S": "alternativeName"}},
    )
    return [item for page in pages for item in page["Items"]]


def put(table, item):
    """Whether the table had no such item."""
    try:
        boto3.client("dynamodb").put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def main(old, new, moment):
    since = int(datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() * 1000)
    items = read(old, since)
    issued = {item["id"]["S"] for item in items if int(item.get("issuedAt", {"N": 0})["N"]) >= since}
    for item in items:
        key = item["id"]["S"]
        # The id of an alternative name is that of its certificate, a slash and a number.
        if key not in issued and key.rpartition("/")[0] not in issued:
            continue
        is_new = put(new, {name: value for name, value in item.items() if name not in REVOCATION})
        if is_new and key in issued:
            print("copied", item["serialNumber"]["S"])
    for item in items:
        # A key that has a revoked certificate has an item with a time, and without a reason.
        if "revocationReason" in item and int(item["revokedAt"]["N"]) >= since:
            # Earlier versions stored the UUID beside an id of another form.
            uuid = item["uuid"]["S"] if "uuid" in item else item["id"]["S"].partition("/")[2]
            print("revoked", uuid, item["revocationReason"]["S"])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
