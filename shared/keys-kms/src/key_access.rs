//! The key policy of new CA keys: who may use them from their first moment.

use serde_json::json;

/// What the account may do with a CA key by policies of IAM: everything but sign, and but what
/// would let it sign, such as grants.
const ADMINISTRATION: [&str; 19] = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ReplicateKey",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
];

/// The properties of new keys that cannot be changed, and the roles that may use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAccess {
    /// Whether a key can have replicas in other regions.
    pub(crate) is_multi_region: bool,
    partition: String,
    account: String,
    signers: Vec<String>,
    readers: Vec<String>,
}

/// The text is not a list of roles of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a list of ARNs of roles of one account")]
pub struct KeyAccessError;

impl KeyAccess {
    /// Parses the ARNs of the roles that may sign, and of those that may read public keys and name
    /// keys, each list separated by commas. `*` in the name of a role stands for any text.
    ///
    /// # Errors
    /// If a list is empty, a text is not the ARN of a role, or the account is not the same.
    pub fn parse(signers: &str, readers: &str) -> Result<Self, KeyAccessError> {
        let (signers, readers) = (split_list(signers), split_list(readers));
        let (partition, account) = signers
            .first()
            .and_then(|role| parse_role(role))
            .ok_or(KeyAccessError)?;
        let are_roles = signers
            .iter()
            .chain(&readers)
            .all(|role| parse_role(role) == Some((partition, account)));
        if !are_roles || readers.is_empty() {
            return Err(KeyAccessError);
        }
        Ok(Self {
            partition: partition.to_owned(),
            account: account.to_owned(),
            is_multi_region: false,
            signers: signers.iter().map(ToString::to_string).collect(),
            readers: readers.iter().map(ToString::to_string).collect(),
        })
    }

    /// The same, for keys that can have replicas in other regions, or for keys that cannot.
    #[must_use]
    pub fn with_multi_region(self, is_multi_region: bool) -> Self {
        Self {
            is_multi_region,
            ..self
        }
    }

    /// Returns the key policy, JSON.
    // A policy of IAM can know a new key by its tag alone, and KMS may take five minutes to learn
    // of a tag. The roles are conditions rather than principals: KMS would store a principal by an
    // id, which changes when a role is deleted and made again, and refuse one that it does not know
    // yet.
    pub(crate) fn policy(&self) -> String {
        let account = &self.account;
        json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "AdministrationByPoliciesOfTheAccount",
                    "Effect": "Allow",
                    "Principal": { "AWS": format!("arn:{}:iam::{account}:root", self.partition) },
                    "Action": ADMINISTRATION,
                    "Resource": "*",
                },
                {
                    "Sid": "SigningByTheStack",
                    "Effect": "Allow",
                    "Principal": { "AWS": "*" },
                    "Action": "kms:Sign",
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": { "aws:PrincipalArn": self.signers },
                        "StringEquals": {
                            "kms:CallerAccount": account,
                            "kms:MessageType": "DIGEST",
                        },
                    },
                },
                {
                    "Sid": "ReadingByTheStack",
                    "Effect": "Allow",
                    "Principal": { "AWS": "*" },
                    "Action": ["kms:CreateAlias", "kms:GetPublicKey", "kms:ListResourceTags"],
                    "Resource": "*",
                    "Condition": {
                        "ArnLike": { "aws:PrincipalArn": self.readers },
                        "StringEquals": { "kms:CallerAccount": account },
                    },
                },
            ],
        })
        .to_string()
    }
}

fn split_list(list: &str) -> Vec<&str> {
    list.split(',').filter(|role| !role.is_empty()).collect()
}

/// Returns the partition and the account of the ARN of a role,
/// `arn:{partition}:iam::{account}:role/{name}`.
fn parse_role(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    if parts.next() != Some("arn") {
        return None;
    }
    let partition = parts.next()?;
    if (parts.next(), parts.next()) != (Some("iam"), Some("")) {
        return None;
    }
    let account = parts.next()?;
    let name = parts.next()?.strip_prefix("role/")?;
    let is_account = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
    // Roles of CloudFormation have no path. A name that begins with `*` could be any role.
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "*+=,.@_-".contains(c));
    (partition.starts_with("aws") && is_account && is_name).then_some((partition, account))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const SIGNER: &str = "arn:aws:iam::111122223333:role/scepter-PkiOperationRole-1A";
    const READER: &str = "arn:aws:iam::111122223333:role/scepter-ProfilesRole-*";

    #[test]
    fn the_policy_names_who_may_sign_and_lets_nobody_else() {
        let access = KeyAccess::parse(&format!("{SIGNER},{READER}"), READER).unwrap();
        let policy: Value = serde_json::from_str(&access.policy()).unwrap();
        let statements = policy["Statement"].as_array().unwrap();
        let signing: Vec<_> = statements
            .iter()
            .filter(|statement| {
                let actions = statement["Action"].to_string();
                ["kms:Sign\"", "kms:*", "\"*\"", "kms:CreateGrant"]
                    .iter()
                    .any(|action| actions.contains(action))
            })
            .collect();
        assert_eq!(signing.len(), 1);
        let condition = &signing[0]["Condition"];
        assert_eq!(
            condition["ArnLike"]["aws:PrincipalArn"],
            json!([SIGNER, READER])
        );
        assert_eq!(
            condition["StringEquals"]["kms:CallerAccount"],
            "111122223333"
        );
        assert_eq!(
            statements[0]["Principal"]["AWS"],
            "arn:aws:iam::111122223333:root"
        );
    }

    #[test]
    fn whoever_is_no_role_of_the_account_is_refused() {
        for (signers, readers) in [
            ("", READER),
            (SIGNER, ""),
            ("*", READER),
            ("arn:aws:iam::111122223333:role/*", READER),
            ("arn:aws:iam::111122223333:user/somebody", READER),
            ("arn:aws:iam::*:role/scepter", READER),
            (SIGNER, "arn:aws:iam::999999999999:role/scepter"),
            (SIGNER, "arn:aws-cn:iam::111122223333:role/scepter"),
        ] {
            let refused = KeyAccess::parse(signers, readers);
            assert_eq!(refused, Err(KeyAccessError), "{signers} {readers}");
        }
    }
}
