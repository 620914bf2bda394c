//! What a statement says as a whole, worked out once: the flags of a row of `statements`.

use crate::conditions::block_prefix;
use iamc_catalogue::lists;
use iamc_policy::template::Piece;
use iamc_policy::{BaseOperator, ConditionAtom, Effect, PrincipalEntry, SetOperator, Statement, Template};

/// The effect is `Deny`.
pub const DENY: u32 = 1;
/// An Allow statement of a bucket policy that does not make the policy public (R-6.69).
pub const LIMITED: u32 = 2;
/// Some condition is about `aws:PrincipalArn` (R-6.41, by its switch).
pub const ABOUT_PRINCIPAL_ARN: u32 = 4;
pub(crate) const ALL: u32 = DENY | LIMITED | ABOUT_PRINCIPAL_ARN;

/// The flags of a statement. Cost: O(bytes of the statement).
pub fn flags(statement: &Statement) -> u32 {
    let mut flags = 0;
    if statement.effect == Effect::Deny {
        flags |= DENY;
    }
    if is_limited(statement) {
        flags |= LIMITED;
    }
    if statement.condition.atoms.iter().any(|atom| atom.key.as_str() == "aws:principalarn") {
        flags |= ABOUT_PRINCIPAL_ARN;
    }
    flags
}

/// R-6.69: limited to concrete principals or, unless federated principals or `NotPrincipal` are named, by a condition on
/// fixed values.
fn is_limited(statement: &Statement) -> bool {
    let Some(principal) = statement.principal.as_ref().filter(|principal| !principal.negated) else { return false };
    let (mut everyone, mut federated) = (false, false);
    for entry in &principal.entries {
        everyone |= matches!(entry, PrincipalEntry::Everyone { .. });
        federated |= matches!(entry, PrincipalEntry::Federated(_));
    }
    !federated && (!everyone || statement.condition.atoms.iter().any(limits))
}

fn limits(atom: &ConditionAtom) -> bool {
    use BaseOperator::*;
    let ConditionAtom { operator, key, values, .. } = atom;
    matches!(operator.base, StringEquals | StringEqualsIgnoreCase | StringLike | ArnEquals | ArnLike | IpAddress)
        && operator.set != Some(SetOperator::ForAllValues)
        && !operator.if_exists
        && lists::S3_LIMITING_KEYS.contains(&key.as_str())
        && !values.is_empty()
        && values.iter().all(|value| is_fixed(key.as_str(), value))
}

/// No variable, and no wildcard but in the name of an access point; a block of addresses that is not too broad.
fn is_fixed(key: &str, value: &Template) -> bool {
    if value.fault().is_some() || value.pieces().any(|piece| !matches!(piece, Piece::Literal(_))) {
        return false;
    }
    let text = value.text();
    let has_wildcard = |text: &str| text.contains(['*', '?']);
    match key {
        "aws:sourceip" => block_prefix(text).is_some_and(|prefix| prefix >= if text.contains(':') { 32 } else { 8 }),
        "s3:dataaccesspointarn" => match text.match_indices(':').nth(4) {
            Some((fifth, _)) => !has_wildcard(&text[..fifth]),
            None => false,
        },
        _ => !has_wildcard(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_policy::{Policy, PolicyKind, document::Strictness};

    fn of(statement: &str) -> u32 {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#);
        let parsed = Policy::parse(PolicyKind::Resource, Strictness::Lenient, &text);
        flags(&parsed.policy.expect("a policy").statements[0])
    }

    fn allow(principal: &str, condition: &str) -> bool {
        let text = format!(
            r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:*", "Resource": "*", "Condition": {condition}}}"#
        );
        of(&text) & LIMITED != 0
    }

    #[test]
    fn what_makes_a_policy_public() {
        let role = r#"{"AWS": "arn:aws:iam::111111111111:role/r"}"#;
        assert!(allow(role, "{}"));
        assert!(!allow(r#""*""#, "{}"));
        assert!(!allow(r#"{"Federated": "www.amazon.com"}"#, r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}}"#));
        for (condition, limited) in [
            (r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#, true),
            (r#"{"StringEquals": {"aws:PrincipalOrgID": []}}"#, false),
            (r#"{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}"#, false),
            (r#"{"StringLike": {"aws:PrincipalArn": "arn:aws:iam::1:role/*"}}"#, false),
            (r#"{"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:1:accesspoint/*"}}"#, true),
            (r#"{"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:*:accesspoint/*"}}"#, false),
            (r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/7"}}"#, false),
            (r#"{"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/31"]}}"#, false),
            (r#"{"StringEquals": {"aws:userid": "${aws:userid}"}}"#, false),
            (r#"{"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}"#, false),
            (r#"{"ForAllValues:StringEquals": {"aws:SourceVpc": "vpc-1"}}"#, false),
            (r#"{"ForAnyValue:StringEquals": {"aws:SourceVpc": "vpc-1"}}"#, true),
        ] {
            assert_eq!(allow(r#""*""#, condition), limited, "{condition}");
        }
    }

    #[test]
    fn other_flags() {
        let deny = r#"{"Effect": "Deny", "NotPrincipal": "*", "Action": "*", "Resource": "*",
            "Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}"#;
        assert_eq!(of(deny), DENY | ABOUT_PRINCIPAL_ARN);
    }
}
