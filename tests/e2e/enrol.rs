//! Enrolments: what a device sends, what it gets, and what it is refused.

mod approval;
mod availability;
mod capabilities;
mod content;
mod cost;
pub(crate) mod enrolment;
mod guesses;
pub(crate) mod habits;
mod intune;
mod one_time;
pub(crate) mod refusals;
mod renewal;
mod resending;
mod rules;
mod vouched_names;
mod webhook;
