//! Writes the seed corpus to the folder in `SCEPTER_FUZZ_CORPUS`. It has the form of a fuzz target
//! because only fuzz targets link with the functions that instrumented code calls.

#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use scepter_fuzz::corpus::Corpus;

fuzz_target!(init: write_corpus(), |_nothing| {});

fn write_corpus() {
    let folder = std::env::var_os("SCEPTER_FUZZ_CORPUS");
    let folder = PathBuf::from(folder.expect("SCEPTER_FUZZ_CORPUS names no folder"));
    Corpus::new().write(&folder).unwrap();
    std::process::exit(0)
}
