//! The routes behind the front doors.
//!
//! SCEP names the operation in the query, API Gateway routes by path. So whoever stands in front writes the operation into the
//! path: `/internal/scep/{operation}/{endpoint}`. API Gateway takes it out of the query while it does, so that no path, however
//! it is read on the way, can lead back to where it was dispatched from with an operation to dispatch by. Here the URL becomes
//! again what the client asked for; each function then answers its own operation and no other.

const INTERNAL: &str = "/internal/scep/";

const PUBLIC: &str = "/api/v1/protocols/scep/";

/// The path and query that the client asked for.
pub(crate) fn public_url(path: &str, query: &str) -> String {
    let inside = path.strip_prefix(INTERNAL);
    let Some((operation, endpoint)) = inside.and_then(|rest| rest.split_once('/')) else {
        return joined(path, query);
    };
    let path = format!("{PUBLIC}{endpoint}");
    if query.split('&').any(|pair| pair.starts_with("operation=")) {
        return joined(&path, query);
    }
    let separator = if query.is_empty() { "" } else { "&" };
    joined(&path, &format!("operation={operation}{separator}{query}"))
}

fn joined(path: &str, query: &str) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, query: &str, public: &str) {
        assert_eq!(public_url(path, query), public);
    }

    #[test]
    fn the_operation_goes_from_the_path_into_the_query() {
        check(
            "/internal/scep/GetCACaps/default/pkiclient.exe",
            "",
            "/api/v1/protocols/scep/default/pkiclient.exe?operation=GetCACaps",
        );
        check(
            "/internal/scep/PKIOperation/raProfile/a",
            "message=a+b",
            "/api/v1/protocols/scep/raProfile/a?operation=PKIOperation&message=a+b",
        );
        // The edge leaves it there.
        check(
            "/internal/scep/GetCACaps/a",
            "message=0&operation=PKIOperation",
            "/api/v1/protocols/scep/a?message=0&operation=PKIOperation",
        );
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        for path in [
            "/internal/scep/GetCACaps",
            "/api/v1/authorities",
            "/internal/other/a",
        ] {
            check(path, "", path);
            check(path, "a=b", &format!("{path}?a=b"));
        }
    }
}
