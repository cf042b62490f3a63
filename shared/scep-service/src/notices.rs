//! Notices: who hears of which events.

use scep_protocol::notice::{Notice, NoticeEvent, NoticeReceiver};
use scep_protocol::profile::ScepProfile;
use time::OffsetDateTime;

use crate::ports::{EntropyError, Random};

/// The notices of an event, one for each service of the profile that is to hear of it.
pub(crate) fn notices_of(
    event: NoticeEvent,
    scep_profile: &ScepProfile,
    random: &dyn Random,
    now: OffsetDateTime,
) -> Result<Vec<Notice>, EntropyError> {
    let webhook = scep_profile.webhook.as_ref();
    let is_told = webhook.is_some_and(|webhook| webhook.notify.contains(&event.kind()));
    if !is_told {
        return Ok(Vec::new());
    }
    let receiver = NoticeReceiver::Webhook;
    let notice = Notice::new(random.uuid()?, scep_profile.uuid, receiver, event, now);
    Ok(vec![notice])
}
