//! Every test of the whole, in one binary.

mod architecture;
mod availability;
mod clients;
mod crashes;
mod enrolment;
mod keys;
mod objects;
mod refusals;
mod rejections;
mod second_opinion;
mod store;
mod vectors;
mod wire;
