//! The tests of the build program, which cargo itself runs for no build program.

#[path = "../build/main.rs"]
#[expect(dead_code, reason = "nobody calls the program's main")]
mod build;
