//! The operation that a query names, RFC 8894 §4.1.

use http::Method;
use http::request::Parts;
use scep_protocol::Rejection;

/// What a client asks of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "PKIOperation is the RFC's name")]
pub(crate) enum Operation {
    GetCaCaps,
    GetCaCert,
    GetNextCaCert,
    PkiOperation,
}

impl Operation {
    const ALL: [Self; 4] = [
        Self::GetCaCaps,
        Self::GetCaCert,
        Self::GetNextCaCert,
        Self::PkiOperation,
    ];

    /// The RFC's name, as it stands in the query.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::GetCaCaps => "GetCACaps",
            Self::GetCaCert => "GetCACert",
            Self::GetNextCaCert => "GetNextCACert",
            Self::PkiOperation => "PKIOperation",
        }
    }

    /// The operation of a request. A POST without one is a PKIOperation: nothing else is posted.
    pub(crate) fn of(method: &Method, query: &str) -> Result<Self, Rejection> {
        match parameter(query, "operation") {
            None | Some("") if method == Method::POST => Ok(Self::PkiOperation),
            named => Self::ALL
                .into_iter()
                .find(|operation| Some(operation.name()) == named)
                .ok_or(Rejection::UnknownOperation),
        }
    }
}

/// The query of a request, as it came.
pub(crate) fn query(head: &Parts) -> &str {
    head.uri.query().unwrap_or_default()
}

/// The raw value of the first parameter of this name.
pub(crate) fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, query: &str, expected: Result<Operation, Rejection>) {
        assert_eq!(Operation::of(&method, query), expected);
    }

    #[test]
    fn operations_are_found_by_their_exact_names() {
        check(Method::GET, "operation=GetCACaps", Ok(Operation::GetCaCaps));
        check(
            Method::GET,
            "operation=GetCACert&message=0",
            Ok(Operation::GetCaCert),
        );
        check(
            Method::GET,
            "message=x&operation=PKIOperation",
            Ok(Operation::PkiOperation),
        );
        check(
            Method::GET,
            "operation=GetNextCACert",
            Ok(Operation::GetNextCaCert),
        );
        check(
            Method::GET,
            "operation=getcacaps",
            Err(Rejection::UnknownOperation),
        );
        check(Method::GET, "operation=", Err(Rejection::UnknownOperation));
        check(Method::GET, "", Err(Rejection::UnknownOperation));
    }

    #[test]
    fn a_post_needs_no_operation() {
        check(Method::POST, "", Ok(Operation::PkiOperation));
        check(Method::POST, "operation=", Ok(Operation::PkiOperation));
        check(
            Method::POST,
            "operation=Nonsense",
            Err(Rejection::UnknownOperation),
        );
    }
}
