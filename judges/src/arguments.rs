//! Values of the command line: what is accepted is printed and read again as the same.
//!
//! The options of `iamc decide` are written down as a request line, so reading such lines is what is attacked here.

use iamc_inventory::request::{parse_principal, read_line};
use iamc_policy::condition::Operator;
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, RequestResource};
use iamc_policy::{AccountId, Action, Arn, ConditionKey, Principal, Settings};
use iamc_testkit::generators::{Entropy, damaged};

const VALUES: &[&str] = &[
    "arn:aws:iam::111122223333:user/staff/ana",
    "arn:aws:sts::111122223333:assumed-role/App/session",
    "arn:aws:iam::111122223333:role/ci/App",
    "arn:aws:sts::111122223333:federated-user/ana",
    "arn:aws:iam::111122223333:root",
    "arn:aws:s3:::reports/q1.csv",
    "service:sns.amazonaws.com",
    "federated:accounts.google.com",
    "saml:arn:aws:iam::111122223333:saml-provider/idp",
    "anonymous",
    "s3:GetObject",
    "111122223333",
    "aws:PrincipalTag/team",
    "aws:SourceIp=203.0.113.7",
    "notprincipal=lenient",
    "arn_case=insensitive",
    "ForAllValues:StringNotLikeIfExists",
    "*",
];

pub(crate) fn judge(bytes: &[u8]) -> u64 {
    let [form, rest @ ..] = bytes else { return 0 };
    let mut entropy = Entropy::new(rest);
    let draw = |entropy: &mut Entropy<'_>| {
        let text = *entropy.pick(VALUES);
        damaged(entropy, text)
    };
    if *form < 64 {
        let text = String::from_utf8_lossy(rest);
        one(&text);
        let _ = read_line(&text, Mode::Open, Strictness::Lenient);
        return 1;
    }
    let values: Vec<String> = (0..4).map(|_| draw(&mut entropy)).collect();
    values.iter().for_each(|value| one(value));
    let (key, value) = values[3].split_once('=').unwrap_or((&values[3], "x"));
    let line = serde_json::json!({
        "principal": values[0], "action": values[1], "resource": [values[2]],
        "context": {key: value}, "mode": entropy.pick(&["open", "closed"]),
    });
    let line = line.to_string();
    if let Ok(read) = read_line(&line, Mode::Open, Strictness::Lenient) {
        // Every way to spell the same request gives the same request.
        let request = &read.request;
        let spelled = parse_principal(&values[0]);
        assert!(spelled.is_err() || spelled.as_ref() == Ok(&request.principal), "{line}: {spelled:?}");
        assert_eq!(request.action.to_string().parse::<Action>().as_ref(), Ok(&request.action), "{line}");
        assert_eq!(request.resources.len(), 1, "{line}");
    }
    4
}

/// Panics unless each type that accepts the text prints something that it reads as the same.
fn one(text: &str) {
    if let Ok(arn) = text.parse::<Arn>() {
        assert_eq!(arn.as_str(), text);
        let parts = ["arn", arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()];
        assert_eq!(parts.join(":"), text);
        assert!(text.len() <= Arn::BYTES_MAX);
    }
    if let Ok(account) = text.parse::<AccountId>() {
        assert_eq!(account.to_string(), text);
    }
    if let Ok(action) = text.parse::<Action>() {
        assert_eq!(action.to_string().parse::<Action>(), Ok(action.clone()));
        assert_eq!(format!("{}:{}", action.service(), action.name()), action.to_string());
    }
    if let Ok(resource) = text.parse::<Arn>().map(RequestResource::Arn) {
        assert_eq!(resource.to_string(), text);
    }
    if let Ok(principal) = Principal::from_arn(text) {
        // A role named by its own ARN is its session, which is printed as such.
        if !matches!(&principal, Principal::RoleSession { role_path_name: Some(_), .. }) {
            assert_eq!(Principal::from_arn(&principal.to_string()), Ok(principal.clone()), "{text}");
        }
        assert_eq!(parse_principal(text), Ok(principal), "{text}");
    }
    let _ = parse_principal(text);
    let key = ConditionKey::new(text);
    assert_eq!(ConditionKey::new(key.as_str()), key, "{text}");
    if let Some(operator) = Operator::parse(text) {
        assert_eq!(Operator::parse(&operator.to_string()), Some(operator), "{text}");
    }
    if let Some((name, value)) = text.split_once('=') {
        let mut settings = Settings::default();
        if settings.set(name, value).is_ok() {
            let entries = settings.entries();
            let mut again = Settings::default();
            for (name, value) in entries {
                again.set(name, value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
            }
            assert_eq!(again, settings, "{text}");
        }
    }
}
