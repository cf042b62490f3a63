//! The tasks that schedules give to a function, by their events.

use serde_json::{Value, json};

/// A task of a function that schedules invoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledTask {
    /// Everything that is due. Its event is that of a rule without an input of its own:
    /// `{"source": "aws.events", …}`.
    Everything,
    /// The delivery of notices, and nothing else: `{"task": "notices"}`.
    Notices,
}

/// An event is that of no task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event is not that of a known schedule")]
pub struct UnknownTask;

impl ScheduledTask {
    /// Reads the task in an event.
    ///
    /// # Errors
    /// [`UnknownTask`] for any other event.
    pub(crate) fn parse(event: &Value) -> Result<Self, UnknownTask> {
        // EventBridge adds fields to its events from time to time, but none to an input.
        if event.get("source") == Some(&json!("aws.events")) && event.get("task").is_none() {
            return Ok(Self::Everything);
        }
        if *event == json!({ "task": "notices" }) {
            return Ok(Self::Notices);
        }
        Err(UnknownTask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_names_a_known_task_or_is_refused() {
        let everything = Ok(ScheduledTask::Everything);
        for (event, expected) in [
            (json!({ "source": "aws.events" }), everything),
            (
                json!({ "version": "0", "source": "aws.events", "detail": {} }),
                everything,
            ),
            (json!({ "task": "notices" }), Ok(ScheduledTask::Notices)),
            (json!({ "task": "Notices" }), Err(UnknownTask)),
            (json!({ "task": "notices", "more": 1 }), Err(UnknownTask)),
            (
                json!({ "source": "aws.events", "task": "notices" }),
                Err(UnknownTask),
            ),
            (json!({ "source": "aws.s3" }), Err(UnknownTask)),
            (json!({}), Err(UnknownTask)),
            (json!(null), Err(UnknownTask)),
            (json!("notices"), Err(UnknownTask)),
            (json!(["aws.events"]), Err(UnknownTask)),
        ] {
            assert_eq!(ScheduledTask::parse(&event), expected, "{event}");
        }
    }
}
