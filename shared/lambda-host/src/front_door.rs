//! The routes behind the front doors.
//!
//! SCEP names the operation in the query, API Gateway routes by path. So whoever stands in front writes the operation into the
//! path: `/internal/scep/{operation}/{endpoint}`. Here it becomes the path again that the client asked for. The query still
//! names the operation, and each function compares it with its own: whatever the path says, no function does another's work.

use std::borrow::Cow;

const INTERNAL: &str = "/internal/scep/";

const PUBLIC: &str = "/api/v1/protocols/scep/";

/// The path that the client asked for.
pub(crate) fn public_path(path: &str) -> Cow<'_, str> {
    let rest = path.strip_prefix(INTERNAL);
    match rest.and_then(|rest| rest.split_once('/')) {
        Some((_operation, endpoint)) => Cow::Owned(format!("{PUBLIC}{endpoint}")),
        None => Cow::Borrowed(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_leaves_the_path() {
        for (path, public) in [
            (
                "/internal/scep/GetCACaps/default/pkiclient.exe",
                "/api/v1/protocols/scep/default/pkiclient.exe",
            ),
            (
                "/internal/scep/PKIOperation/raProfile/a",
                "/api/v1/protocols/scep/raProfile/a",
            ),
            ("/internal/scep/GetCACaps", "/internal/scep/GetCACaps"),
            (
                "/api/v1/protocols/scep/default",
                "/api/v1/protocols/scep/default",
            ),
            ("/internal/other/a/b", "/internal/other/a/b"),
        ] {
            assert_eq!(public_path(path), public);
        }
    }
}
