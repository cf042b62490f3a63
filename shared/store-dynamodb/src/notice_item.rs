//! The items of notices.

use scep_protocol::id::{NoticeUuid, ScepProfileUuid};
use scep_protocol::notice::{Notice, NoticeEvent, NoticeReceiver};
use scep_service::error::StoreError;
use serde::{Deserialize, Serialize};
use time::Duration;

use crate::attribute::{ByName, Expiry, Millis, json_text};
use crate::item::{Item, build_item, parse_item};

/// The value of the attribute `state`, under which an index lists the notices by due time.
pub(crate) const NOTICE: &str = "notice";

/// How long a notice is kept if nobody delivers it. Delivery itself gives up earlier, and says so.
const KEPT: Duration = Duration::days(30);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NoticeItem {
    #[serde(skip_deserializing)]
    id: String,
    #[serde(skip_deserializing)]
    state: String,
    uuid: NoticeUuid,
    scep_profile: ScepProfileUuid,
    receiver: ByName<NoticeReceiver>,
    #[serde(with = "json_text")]
    event: NoticeEvent,
    attempts: u32,
    /// The due time: the index sorts by this attribute.
    created_at: Millis,
    noticed_at: Millis,
    expires_at: Expiry,
}

pub(crate) fn notice_id(uuid: NoticeUuid) -> String {
    format!("notice/{uuid}")
}

pub(crate) fn notice_item(notice: &Notice) -> Result<Item, StoreError> {
    build_item(NoticeItem {
        id: notice_id(notice.uuid),
        state: NOTICE.to_owned(),
        uuid: notice.uuid,
        scep_profile: notice.scep_profile,
        receiver: ByName(notice.receiver),
        event: notice.event.clone(),
        attempts: notice.attempts,
        created_at: Millis(notice.due_at),
        noticed_at: Millis(notice.created_at),
        expires_at: Expiry(notice.created_at.saturating_add(KEPT)),
    })
}

pub(crate) fn parse_notice(item: Item) -> Result<Notice, StoreError> {
    let found: NoticeItem = parse_item("notice", item)?;
    Ok(Notice {
        uuid: found.uuid,
        scep_profile: found.scep_profile,
        receiver: found.receiver.0,
        event: found.event,
        attempts: found.attempts,
        created_at: found.noticed_at.0,
        due_at: found.created_at.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{to_number, to_text};
    use crate::samples::{NOW, build_sample_item, sample_notices};

    #[test]
    fn a_notice_is_stored_in_this_form() {
        let event = "{\"type\":\"issued\",\"authority\":\"00000000-0000-0000-0000-00000000000a\",\
                     \"certificate\":\"00000000-0000-0000-0000-000000000005\",\"csr\":\"AAAA\"}";
        let [notice, ..] = sample_notices();
        let expected = build_sample_item([
            ("id", to_text(format!("notice/{}", notice.uuid))),
            ("state", to_text("notice")),
            ("uuid", to_text(notice.uuid.to_string())),
            ("scepProfile", to_text(notice.scep_profile.to_string())),
            ("receiver", to_text("intune")),
            ("event", to_text(event)),
            ("attempts", to_number(2)),
            ("createdAt", to_number(1_767_323_105_678_i64)),
            ("noticedAt", to_number(1_767_323_045_678_i64)),
            ("expiresAt", to_number(1_769_915_046)),
        ]);
        assert_eq!(notice_item(&notice).unwrap(), expected);
    }

    #[test]
    fn each_kind_of_notice_is_read_as_it_was_written() {
        for notice in sample_notices() {
            let read = parse_notice(notice_item(&notice).unwrap()).unwrap();
            assert_eq!(read, notice);
            assert_eq!(read.created_at, NOW);
        }
    }
}
