//! Notices: who hears of which events.

use scep_protocol::notice::{Notice, NoticeEvent, NoticeReceiver};
use scep_protocol::profile::ScepProfile;
use time::OffsetDateTime;

use crate::ports::{EntropyError, Random};

/// The notices of an event, one for each service that is to hear of it: Intune if it validated the
/// request, which is in the event then, and the profile's webhook if it is told of such events.
pub(crate) fn notices_of(
    mut event: NoticeEvent,
    scep_profile: &ScepProfile,
    random: &dyn Random,
    now: OffsetDateTime,
) -> Result<Vec<Notice>, EntropyError> {
    let write = |receiver, event| {
        let uuid = random.uuid()?;
        Ok::<_, EntropyError>(Notice::new(uuid, scep_profile.uuid, receiver, event, now))
    };
    let mut notices = Vec::new();
    let with_csr = event.clone();
    if event.take_csr().is_some() {
        notices.push(write(NoticeReceiver::Intune, with_csr)?);
    }
    let webhook = scep_profile.webhook.as_ref();
    if webhook.is_some_and(|webhook| webhook.notify.contains(&event.kind())) {
        notices.push(write(NoticeReceiver::Webhook, event)?);
    }
    Ok(notices)
}
