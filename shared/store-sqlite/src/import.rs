//! Records of a store of another kind, as they are written into this one.

use rusqlite::Connection;
use scep_service::record::Record;

use crate::audit::insert_audit;
use crate::certificate_row::insert_certificate;
use crate::certificates::put_revoked_key;
use crate::challenges::insert_challenge;
use crate::counts::{add_counts, put_counted_until};
use crate::crls::put_crl;
use crate::envelopes::put_envelope;
use crate::lockouts::insert_lockout;
use crate::notices::put_notice;
use crate::objects::import_object;
use crate::request_log::insert_refusal;
use crate::successors::insert_successor;
use crate::{requests, transaction_row};

/// Writes a record. It fails if there is one with its identity where records are never overwritten.
pub(crate) fn import_record(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Audit(audit) => insert_audit(connection, audit),
        Record::Certificate(record) => insert_certificate(connection, record),
        Record::Challenge(challenge) => insert_challenge(connection, challenge),
        Record::CountedUntil(until) => put_counted_until(connection, *until),
        Record::Counts(counts) => add_counts(connection, counts),
        Record::Crl(authority, generation, crl) => {
            put_crl(connection, *authority, *generation, crl)
        }
        Record::Envelope(record) => put_envelope(connection, record),
        Record::Lockout(lockout) => {
            insert_lockout(connection, lockout, lockout.version).map(|_| ())
        }
        Record::Notice(notice) => put_notice(connection, notice),
        Record::Object(object) => import_object(connection, object),
        Record::Refusal(record) => insert_refusal(connection, record).map(|_| ()),
        Record::Request(record) => requests::put_record(connection, record),
        Record::RevokedKey(key, at) => put_revoked_key(connection, *key, *at),
        Record::Successors(record) => record.successors.iter().try_for_each(|successor| {
            insert_successor(
                connection,
                record.authority,
                record.predecessor,
                *successor,
                record.until,
            )
        }),
        Record::Transaction(record) => transaction_row::put_record(connection, record),
    }
}
