//! Writes what each target begins with to the folder that `SCEPTER_FUZZ_CORPUS` names. In form it
//! is a target too: only those link with the functions that instrumented code calls.

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
