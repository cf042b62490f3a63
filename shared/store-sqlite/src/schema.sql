-- The schema of version 1. UUIDs and SHA-256 fingerprints are BLOBs of 16 and 32 octets; times are
-- milliseconds since 1970, UTC. The views at the end show both as text.

-- Authorities, RA certificates, SCEP Profiles and RA Profiles, as JSON.
CREATE TABLE objects (
    kind TEXT NOT NULL,
    uuid BLOB NOT NULL,
    name TEXT,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, uuid),
    UNIQUE (kind, name)
) STRICT;

-- Which objects need which: an object with dependents cannot be deleted.
CREATE TABLE dependents (
    kind TEXT NOT NULL,
    uuid BLOB NOT NULL,
    dependent_kind TEXT NOT NULL,
    dependent_uuid BLOB NOT NULL,
    PRIMARY KEY (kind, uuid, dependent_kind, dependent_uuid)
) STRICT, WITHOUT ROWID;

-- Their identities sort by time.
CREATE TABLE audit_records (
    uuid BLOB PRIMARY KEY NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_kind TEXT NOT NULL,
    object_uuid BLOB NOT NULL,
    name TEXT,
    before TEXT,
    after TEXT
) STRICT;
CREATE INDEX audit_records_by_object ON audit_records (object_uuid, uuid);

-- The latest CRL of each generation of each authority.
CREATE TABLE crls (
    authority BLOB NOT NULL,
    generation INTEGER NOT NULL,
    number INTEGER NOT NULL,
    this_update INTEGER NOT NULL,
    next_update INTEGER NOT NULL,
    der BLOB NOT NULL,
    PRIMARY KEY (authority, generation)
) STRICT;

-- A certificate's UUID is its serial number. Certificates are never deleted.
CREATE TABLE certificates (
    number INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    authority BLOB NOT NULL,
    generation INTEGER NOT NULL,
    scep_profile BLOB NOT NULL,
    ra_profile BLOB NOT NULL,
    transaction_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    common_name TEXT,
    -- What searches by subject look for, in lower case.
    search_key TEXT,
    key BLOB NOT NULL,
    predecessor BLOB,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    revoked_at INTEGER,
    revocation_reason TEXT,
    annotations TEXT,
    vouching TEXT,
    der BLOB NOT NULL
) STRICT;
CREATE INDEX certificates_by_expiry ON certificates (not_after);
CREATE INDEX certificates_by_name ON certificates (search_key) WHERE search_key IS NOT NULL;
CREATE INDEX certificates_by_scep_profile ON certificates (scep_profile, not_after);
CREATE INDEX certificates_by_ra_profile ON certificates (ra_profile, not_after);
CREATE INDEX certificates_by_key ON certificates (key, not_after);
CREATE INDEX certificates_by_predecessor ON certificates (predecessor, not_after)
    WHERE predecessor IS NOT NULL;
CREATE INDEX certificates_by_revocation ON certificates (authority, generation, not_after)
    WHERE revoked_at IS NOT NULL;

-- The names of subjectAltName by which searches find certificates, in lower case.
CREATE TABLE alternative_names (
    name TEXT NOT NULL,
    certificate INTEGER NOT NULL REFERENCES certificates (number),
    PRIMARY KEY (name, certificate)
) STRICT, WITHOUT ROWID;

CREATE TABLE revoked_keys (
    key BLOB PRIMARY KEY NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The certificates, claimed or recorded, that renew a certificate.
CREATE TABLE successors (
    number INTEGER PRIMARY KEY,
    authority BLOB NOT NULL,
    predecessor BLOB NOT NULL,
    successor BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX successors_by_predecessor ON successors (predecessor, authority);
CREATE INDEX successors_by_end ON successors (expires_at);

-- `state` is issuing, pending, rejected or issued. A transaction that is being issued never
-- expires: its certificate may have been signed.
CREATE TABLE transactions (
    number INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    scep_profile BLOB NOT NULL,
    transaction_id TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    message_type TEXT NOT NULL,
    subject TEXT NOT NULL,
    claim BLOB NOT NULL,
    ra_profile BLOB NOT NULL,
    csr BLOB NOT NULL,
    signer_class TEXT NOT NULL,
    signer_key BLOB NOT NULL,
    requester_key BLOB NOT NULL,
    authority BLOB,
    generation INTEGER,
    -- What was asked for, of a request that waited for an administrator.
    requested TEXT,
    -- The reason of a rejection.
    reason TEXT,
    -- The certificate of an issued transaction.
    certificate BLOB,
    -- What is to be signed, while a transaction is issuing or pending.
    lease_until INTEGER,
    to_be_signed BLOB,
    key TEXT,
    key_algorithm TEXT,
    subject_key BLOB,
    predecessor BLOB,
    annotations TEXT,
    vouching TEXT
) STRICT;
CREATE INDEX transactions_by_state ON transactions (state, created_at);
CREATE INDEX transactions_by_profile ON transactions (scep_profile, state, created_at);
CREATE INDEX transactions_by_id ON transactions (transaction_id);
CREATE INDEX transactions_by_end ON transactions (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX transactions_by_wait ON transactions (scep_profile, expires_at)
    WHERE state = 'pending';

-- Leads from a request, by its identity, to the transaction that claimed it and the certificate.
CREATE TABLE requests (
    id BLOB PRIMARY KEY NOT NULL,
    transaction_uuid BLOB NOT NULL,
    claim BLOB NOT NULL,
    authority BLOB,
    certificate BLOB,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_end ON requests (expires_at);

-- The ciphertext that each encrypted content key was first received with.
CREATE TABLE envelopes (
    encrypted_key BLOB PRIMARY KEY NOT NULL,
    ciphertext BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX envelopes_by_end ON envelopes (expires_at);

-- One-time challenges. `digest` is an HMAC of the challenge, `secret` is encrypted.
CREATE TABLE challenges (
    number INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    scep_profile BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    digest BLOB NOT NULL,
    secret TEXT,
    ra_profile BLOB,
    transaction_id TEXT,
    -- The transaction that the transactionID makes with the SCEP Profile.
    transaction_uuid BLOB,
    names TEXT NOT NULL,
    uses INTEGER NOT NULL,
    hold INTEGER NOT NULL,
    note TEXT NOT NULL,
    annotations TEXT NOT NULL
) STRICT;
CREATE INDEX challenges_by_profile ON challenges (scep_profile, created_at);
CREATE INDEX challenges_by_transaction ON challenges (transaction_uuid, number)
    WHERE transaction_uuid IS NOT NULL;
CREATE INDEX challenges_by_end ON challenges (expires_at);

-- Who used one-time challenges, in order.
CREATE TABLE challenge_uses (
    challenge BLOB NOT NULL,
    position INTEGER NOT NULL,
    claim BLOB NOT NULL,
    certificate BLOB NOT NULL,
    csr BLOB NOT NULL,
    requester_key BLOB NOT NULL,
    -- Set while the request waits for an administrator.
    held_until INTEGER,
    PRIMARY KEY (challenge, position)
) STRICT, WITHOUT ROWID;

-- Counts of wrong challenges by address or by key.
CREATE TABLE lockouts (
    uuid BLOB PRIMARY KEY NOT NULL,
    scep_profile BLOB NOT NULL,
    version INTEGER NOT NULL,
    address TEXT,
    key BLOB,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    rounds INTEGER NOT NULL,
    locked_until INTEGER,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX lockouts_by_profile ON lockouts (scep_profile, since) WHERE locked_until IS NOT NULL;
CREATE INDEX lockouts_by_end ON lockouts (expires_at);

-- Notices to other services that are not delivered yet.
CREATE TABLE notices (
    uuid BLOB PRIMARY KEY NOT NULL,
    scep_profile BLOB NOT NULL,
    receiver TEXT NOT NULL,
    event TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX notices_by_due_time ON notices (due_at);
CREATE INDEX notices_by_end ON notices (expires_at);

-- Requests that were refused.
CREATE TABLE refusals (
    number INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    scep_profile BLOB NOT NULL,
    ra_profile BLOB,
    message_type TEXT,
    transaction_id TEXT,
    client_address TEXT,
    subject TEXT,
    key_algorithm TEXT,
    key BLOB,
    reason TEXT NOT NULL,
    failed_check TEXT NOT NULL,
    message TEXT NOT NULL,
    fail_info TEXT
) STRICT;
CREATE INDEX refusals_by_time ON refusals (created_at);
CREATE INDEX refusals_by_profile ON refusals (scep_profile, created_at);
CREATE INDEX refusals_by_reason ON refusals (reason, created_at);
CREATE INDEX refusals_by_id ON refusals (transaction_id) WHERE transaction_id IS NOT NULL;
CREATE INDEX refusals_by_end ON refusals (expires_at);

-- Counts by hour, for statistics. `series` is enrolments, renewals or the reason of a refusal.
CREATE TABLE counts (
    hour INTEGER NOT NULL,
    series TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, series)
) STRICT, WITHOUT ROWID;

-- Up to when issued transactions are in `counts`: no row or one.
CREATE TABLE counted_until (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    until INTEGER NOT NULL
) STRICT;

CREATE VIEW certificate_list AS
SELECT
    ltrim(hex(uuid), '0') AS serial_number,
    subject,
    datetime(not_before / 1000, 'unixepoch') AS not_before,
    datetime(not_after / 1000, 'unixepoch') AS not_after,
    datetime(issued_at / 1000, 'unixepoch') AS issued_at,
    datetime(revoked_at / 1000, 'unixepoch') AS revoked_at,
    revocation_reason,
    lower(hex(scep_profile)) AS scep_profile,
    lower(hex(ra_profile)) AS ra_profile,
    lower(hex(key)) AS key_sha256
FROM certificates;

CREATE VIEW transaction_list AS
SELECT
    transaction_id,
    state,
    subject,
    datetime(created_at / 1000, 'unixepoch') AS created_at,
    datetime(expires_at / 1000, 'unixepoch') AS expires_at,
    reason,
    lower(hex(scep_profile)) AS scep_profile,
    lower(hex(certificate)) AS certificate
FROM transactions;
