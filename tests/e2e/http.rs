//! The HTTP interfaces and the process: limits, plain errors, slow clients, metrics, files.

mod client_address;
mod console;
mod conversion;
mod crl_cost;
mod data_folder;
mod failing_disk;
mod line;
mod metrics;
mod rejections;
mod slow_clients;
mod wire;
