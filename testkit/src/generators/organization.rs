//! Small organizations in which much leads somewhere, for questions of who can become whom.

use super::Entropy;

/// The accounts of [`organization`].
pub const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];

/// As many bytes as [`organization_with_bucket`] takes, and more than [`organization`] does.
pub const ORGANIZATION_BYTES: usize = 160;

/// A policy document that allows everything.
pub const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// A policy document of these statements, separated by commas.
pub fn document_of(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// Two accounts with two users (`u0`, `u1`), two roles (`r0`, `r1`), a group and a managed policy each, under an SCP now and
/// then, as lines of our own format. No condition, and nothing unknown: each step can be taken or cannot.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
///
/// ```
/// use iamc_testkit::generators::{Entropy, organization};
/// assert!(organization(&mut Entropy::new(&[])).lines().count() > 15);
/// ```
pub fn organization(entropy: &mut Entropy<'_>) -> String {
    let mut text = String::from(
        "{\"kind\":\"organization\",\"id\":\"o-exampleorgid\",\"management_account\":\"999999999999\",\"scp_enabled\":true,\"rcp_enabled\":false}\n\
         {\"kind\":\"organizational_unit\",\"id\":\"r-ab12\",\"organization\":\"o-exampleorgid\"}\n",
    );
    text.push_str(&format!(
        "{{\"kind\":\"guardrail\",\"id\":\"p-full\",\"type\":\"scp\",\"targets\":[\"r-ab12\",\"{}\",\"{}\"],\"document\":{EVERYTHING}}}\n",
        ACCOUNTS[0], ACCOUNTS[1]
    ));
    if entropy.chance(50) {
        let denied = statement(entropy, "Deny");
        text.push_str(&format!(
            "{{\"kind\":\"guardrail\",\"id\":\"p-deny\",\"type\":\"scp\",\"targets\":[\"{}\"],\"document\":{}}}\n",
            ACCOUNTS[0],
            document_of(&denied)
        ));
    }
    for account in ACCOUNTS {
        text.push_str(&format!("{{\"kind\":\"account\",\"id\":\"{account}\",\"parent\":\"r-ab12\"}}\n"));
        let managed = statement(entropy, "Allow");
        let arn = format!("arn:aws:iam::{account}");
        text.push_str(&format!(
            "{{\"kind\":\"policy\",\"arn\":\"{arn}:policy/p0\",\"document\":{}}}\n",
            document_of(&managed)
        ));
        let of_group = statement(entropy, "Allow");
        text.push_str(&format!(
            "{{\"kind\":\"group\",\"arn\":\"{arn}:group/g0\",\"inline_policies\":[{{\"name\":\"i\",\"document\":{}}}],\"tags\":{{}}}}\n",
            document_of(&of_group)
        ));
        for (kind, name) in [("user", "u0"), ("user", "u1"), ("role", "r0"), ("role", "r1")] {
            let fields = identity(entropy, &arn, kind);
            text.push_str(&format!("{{\"kind\":\"{kind}\",\"arn\":\"{arn}:{kind}/{name}\",{fields}}}\n"));
        }
    }
    text
}

/// What a user or role has.
fn identity(entropy: &mut Entropy<'_>, arn: &str, kind: &str) -> String {
    let mut own = statement(entropy, "Allow");
    if entropy.chance(25) {
        own.push(',');
        own.push_str(&statement(entropy, "Deny"));
    }
    let mut fields =
        format!("\"inline_policies\":[{{\"name\":\"i\",\"document\":{}}}],\"tags\":{{}}", document_of(&own));
    if entropy.chance(33) {
        fields.push_str(&format!(",\"attached_policies\":[\"{arn}:policy/p0\"]"));
    }
    if entropy.chance(25) {
        fields.push_str(&format!(",\"permissions_boundary\":\"{arn}:policy/p0\""));
    }
    if kind == "user" && entropy.chance(33) {
        fields.push_str(",\"groups\":[\"g0\"]");
    }
    if kind == "role" {
        let trusted = *entropy.pick(&[
            "111111111111",
            "222222222222",
            "arn:aws:iam::111111111111:user/u0",
            "arn:aws:iam::222222222222:role/r0",
        ]);
        let mut trust = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{trusted}"}},"Action":"sts:AssumeRole"}}"#);
        if entropy.chance(25) {
            trust.push_str(
                r#",{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111111111111:user/u1"},"Action":"sts:AssumeRole"}"#,
            );
        }
        fields.push_str(&format!(",\"trust_policy\":{{\"document\":{}}}", document_of(&trust)));
    }
    fields
}

fn statement(entropy: &mut Entropy<'_>, effect: &str) -> String {
    let action = *entropy.pick(&[
        "sts:AssumeRole",
        "iam:PutRolePolicy",
        "iam:AttachUserPolicy",
        "iam:UpdateAssumeRolePolicy",
        "iam:CreateAccessKey",
        "iam:CreatePolicyVersion",
        "iam:AddUserToGroup",
        "iam:DeleteUserPermissionsBoundary",
        "iam:PutGroupPolicy",
        "iam:*",
        "iam:Put*",
        "iam:DeleteRolePermissionsBoundary",
        "iam:CreateLoginProfile",
        "*",
    ]);
    let account = *entropy.pick(&ACCOUNTS);
    let resource =
        *entropy.pick(&["*", "role/r0", "role/r1", "user/u0", "user/u1", "role/*", "user/*", "policy/p0", "group/g0"]);
    let resource = if resource == "*" { "*".to_owned() } else { format!("arn:aws:iam::{account}:{resource}") };
    format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#)
}

/// The bucket of [`organization_with_bucket`].
pub const BUCKET: &str = "arn:aws:s3:::b";
/// An object in it.
pub const OBJECT: &str = "arn:aws:s3:::b/k";

/// [`organization`] with a bucket of the first account, and in each account a user (`w`) and two roles (`w0`, `w1`) that may
/// have to do with it.
///
/// Deterministic. Panics: never. Cost: O(bytes taken).
pub fn organization_with_bucket(entropy: &mut Entropy<'_>) -> String {
    let mut text = organization(entropy);
    let about_bucket = |effect: &str, principal: &str, action: &str| {
        let resource = if action == "s3:GetObject" { OBJECT } else { BUCKET };
        format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"{resource}"}}"#)
    };
    let said = *entropy.pick(&[
        None,
        Some(("Deny", r#""*""#, "s3:GetObject")),
        Some(("Allow", r#"{"AWS":"222222222222"}"#, "s3:GetObject")),
        Some(("Allow", r#""*""#, "s3:GetObject")),
        Some(("Allow", r#"{"AWS":"222222222222"}"#, "s3:PutBucketPolicy")),
        Some(("Allow", r#"{"AWS":"arn:aws:iam::111111111111:role/w0"}"#, "s3:PutBucketPolicy")),
        Some(("Deny", r#"{"AWS":"arn:aws:iam::111111111111:role/w0"}"#, "s3:PutBucketPolicy")),
    ]);
    let policy = match said {
        Some((effect, principal, action)) => {
            format!("{{\"document\":{}}}", document_of(&about_bucket(effect, principal, action)))
        }
        None => "null".to_owned(),
    };
    let is_restricted = entropy.chance(50);
    text.push_str(&format!(
        "{{\"kind\":\"resource\",\"arn\":\"{BUCKET}\",\"account\":\"{}\",\"policy\":{policy},\"s3_restrict_public_buckets\":{is_restricted}}}\n",
        ACCOUNTS[0]
    ));
    if entropy.chance(33) {
        let denied = entropy.pick(&["s3:GetObject", "s3:PutBucketPolicy"]);
        text.push_str(&format!(
            "{{\"kind\":\"guardrail\",\"id\":\"p-s3\",\"type\":\"scp\",\"targets\":[\"{}\"],\"document\":{}}}\n",
            entropy.pick(&ACCOUNTS),
            document_of(&format!(r#"{{"Effect":"Deny","Action":"{denied}","Resource":"*"}}"#))
        ));
    }
    for account in ACCOUNTS {
        for (kind, name) in [("user", "w"), ("role", "w0"), ("role", "w1")] {
            let fields = identity_near_bucket(entropy, kind);
            text.push_str(&format!(
                "{{\"kind\":\"{kind}\",\"arn\":\"arn:aws:iam::{account}:{kind}/{name}\",{fields}}}\n"
            ));
        }
    }
    text
}

fn identity_near_bucket(entropy: &mut Entropy<'_>, kind: &str) -> String {
    let (effect, action, resource) = *entropy.pick(&[
        ("Allow", "s3:PutBucketPolicy", BUCKET),
        ("Allow", "s3:*", "*"),
        ("Allow", "s3:GetObject", "*"),
        ("Allow", "iam:PutRolePolicy", "*"),
        ("Allow", "sts:AssumeRole", "*"),
        ("Deny", "s3:GetObject", "*"),
    ]);
    let mut own = format!(r#"{{"Effect":"{effect}","Action":"{action}","Resource":"{resource}"}}"#);
    if entropy.chance(20) {
        own.push_str(r#",{"Effect":"Deny","Action":"s3:PutBucketPolicy","Resource":"*"}"#);
    }
    let mut fields =
        format!("\"inline_policies\":[{{\"name\":\"i\",\"document\":{}}}],\"tags\":{{}}", document_of(&own));
    if kind == "role" {
        let trusted = entropy.pick(&["111111111111", "arn:aws:iam::111111111111:user/w", "222222222222"]);
        let trust = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{trusted}"}},"Action":"sts:AssumeRole"}}"#);
        fields.push_str(&format!(",\"trust_policy\":{{\"document\":{}}}", document_of(&trust)));
    }
    fields
}
