//! The aliases by which people find CA keys in KMS.

use ca::profile_name::ProfileName;

/// Builds the alias of a key: `alias/scepter/{stack}/{authority}-{first 8 digits of the key's id}`.
pub(crate) fn build_alias(stack: &str, authority: &ProfileName, arn: &str) -> String {
    // The id makes it unique: an authority gets a new key at each rollover, and an authority that
    // is deleted and created again may have the same name.
    let id: String = arn
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .take(8)
        .collect();
    format!("alias/scepter/{stack}/{}-{id}", sanitise_name(authority))
}

/// Replaces the characters of an authority's name that aliases do not allow with `_`.
pub(crate) fn sanitise_name(authority: &ProfileName) -> String {
    authority
        .as_str()
        .chars()
        .map(|c| match c {
            '-' | '_' => c,
            c if c.is_ascii_alphanumeric() => c,
            _ => '_',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_has_only_characters_that_kms_accepts() {
        let authority = ProfileName::new("corp.ca~1").unwrap();
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        assert_eq!(
            build_alias("scepter-prod", &authority, arn),
            "alias/scepter/scepter-prod/corp_ca_1-1234abcd"
        );
    }
}
