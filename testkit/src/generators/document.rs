//! Policy documents as JSON text, written for some request: aimed at it, and now and then past it.

use super::entropy::Entropy;
use super::near;
use super::words::{ACCOUNTS, CANONICAL, KEYS, KeyWord, OIDC, ROLES, Reads, SAML, SERVICES, SESSIONS, USERS};
use iamc_policy::condition::ConditionKey;
use iamc_policy::document::Strictness;
use iamc_policy::principal::Principal;
use iamc_policy::world::{NamedPolicy, PolicyText, WhyUnknown};
use iamc_policy::{BaseOperator, Effect, Operator, Policy, PolicyKind, SetOperator};

/// What policies are written for.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    /// The caller.
    pub(super) principal: Principal,
    /// ARN of the role behind a session or the user behind a federated user.
    pub(super) base: Option<String>,
    /// Unique id of the user or role.
    pub(super) unique_id: Option<String>,
    /// Actions with their resources.
    pub(super) units: Vec<(String, String)>,
    /// Keys that the request gives, or that will be derived, with a value where there is one.
    pub(super) keys: Vec<(String, Option<String>)>,
    /// Those of them of which the request leaves the value open.
    pub(super) open: Vec<String>,
}

/// Which effects the statements of a document have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Both, more allows than denies.
    Mixed,
    /// Allows.
    Allowing,
    /// Denies.
    Denying,
    /// One allow that fits, but for conditions on what the request leaves open.
    Helping,
}

/// Full access, as AWS writes it.
pub(super) fn full_access(kind: PolicyKind) -> String {
    let principal = if kind.has_principal() { r#""Principal": "*", "# } else { "" };
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", {principal}"Action": "*", "Resource": "*"}}]}}"#
    )
}

/// Parses a text as the readers of inventories do: what has no meaning is quarantined (R-1.36), but for SCPs and RCPs,
/// which would be refused (R-1.35) and become full access here.
pub(super) fn named(kind: PolicyKind, name: &str, strictness: Strictness, text: &str) -> NamedPolicy {
    let parsed = Policy::parse(kind, strictness, text);
    match parsed.policy {
        Some(policy) => NamedPolicy::new(name, policy),
        None if matches!(kind, PolicyKind::Scp | PolicyKind::Rcp) => {
            let full = Policy::parse(kind, strictness, &full_access(kind)).policy;
            NamedPolicy::new(name, full.expect("AWS's own full-access policy is valid in both modes"))
        }
        None => NamedPolicy {
            text: PolicyText::Unknown(WhyUnknown::Quarantined(parsed.diagnostics)),
            source: Some(text.into()),
            ..NamedPolicy::unknown(name)
        },
    }
}

/// A policy document.
pub(super) fn document(entropy: &mut Entropy<'_>, kind: PolicyKind, aims: &[Aim], mood: Mood) -> String {
    let n_statements = entropy.weighted(&[0, 55, 30, 12, 3]);
    let mut statements = Vec::new();
    for index in 0..n_statements.max(1) {
        let denies = match mood {
            _ if kind == PolicyKind::Rcp => true,
            Mood::Mixed => entropy.chance(28),
            Mood::Allowing | Mood::Helping => false,
            Mood::Denying => true,
        };
        let effect = if denies { Effect::Deny } else { Effect::Allow };
        let aim = entropy.pick(aims);
        statements.push(match mood {
            Mood::Helping if kind != PolicyKind::Rcp => helping(entropy, kind, aim),
            _ => statement(entropy, kind, effect, aim, index),
        });
    }
    let statements = match statements.as_slice() {
        [only] if entropy.chance(30) => only.clone(),
        _ => format!("[{}]", statements.join(", ")),
    };
    let version = match entropy.weighted(&[92, 5, 3]) {
        0 => Some("2012-10-17"),
        1 if !matches!(kind, PolicyKind::Scp | PolicyKind::Rcp) => Some("2008-10-17"),
        _ => None,
    };
    let mut members = Vec::new();
    if let Some(version) = version {
        members.push(member("Version", &quote(version)));
    }
    members.push(member("Statement", &statements));
    if entropy.chance(10) {
        members.reverse();
    }
    object(entropy, &members)
}

/// An Allow that is meant to apply.
fn helping(entropy: &mut Entropy<'_>, kind: PolicyKind, aim: &Aim) -> String {
    let (action, resource) = entropy.pick(&aim.units).clone();
    let service = action.split_once(':').map_or("*", |(service, _)| service);
    let mut members = vec![member("Effect", "\"Allow\"")];
    if kind.has_principal() {
        let account = aim.principal.account().map(|account| account.to_string());
        let aws = |text: &str| format!("{{\"AWS\": {}}}", quote(text));
        members.push(member(
            "Principal",
            &match (&aim.principal, entropy.below(4)) {
                (Principal::Service(name), _) => format!("{{\"Service\": {}}}", quote(name)),
                (Principal::Federated(provider) | Principal::Saml(provider), _) => {
                    format!("{{\"Federated\": {}}}", quote(provider))
                }
                (Principal::Anonymous, _) | (_, 0) => "\"*\"".to_owned(),
                (own, 1) => aws(&own.to_string()),
                (own, 2) => aws(&aim.base.clone().unwrap_or_else(|| own.to_string())),
                (own, _) => aws(&account.unwrap_or_else(|| own.to_string())),
            },
        ));
    }
    members.push(member("Action", &quote(&if entropy.chance(70) { format!("{service}:*") } else { action })));
    if kind != PolicyKind::Trust {
        members.push(member("Resource", &if entropy.chance(75) { quote("*") } else { quote(&resource) }));
    }
    if !aim.open.is_empty() && entropy.chance(80) {
        members.push(conditions(entropy, aim));
    }
    object(entropy, &members)
}

/// One statement.
pub(super) fn statement(
    entropy: &mut Entropy<'_>,
    kind: PolicyKind,
    effect: Effect,
    aim: &Aim,
    index: usize,
) -> String {
    let (action, resource) = entropy.pick(&aim.units).clone();
    let mut members = Vec::new();
    if entropy.chance(15) {
        members.push(member("Sid", &quote(&format!("S{index}"))));
    }
    members.push(member("Effect", if effect == Effect::Allow { "\"Allow\"" } else { "\"Deny\"" }));
    if kind == PolicyKind::Rcp {
        members.push(member("Principal", "\"*\""));
    } else if kind.has_principal() {
        members.push(principal(entropy, kind, effect, aim));
    }
    members.push(actions(entropy, kind, &action));
    let optional = matches!(kind, PolicyKind::Resource | PolicyKind::Key);
    if kind != PolicyKind::Trust && !(optional && entropy.chance(12)) {
        members.push(resources(entropy, kind, &resource, aim));
    }
    // Denies without a condition are rare, or nothing would ever be allowed.
    let conditional = match effect {
        Effect::Deny => 84,
        Effect::Allow if aim.open.is_empty() => 34,
        Effect::Allow => 70,
    };
    if entropy.chance(conditional) {
        members.push(conditions(entropy, aim));
    }
    if entropy.chance(8) {
        entropy.shuffle(&mut members);
    }
    object(entropy, &members)
}

fn actions(entropy: &mut Entropy<'_>, kind: PolicyKind, action: &str) -> String {
    let negated = kind != PolicyKind::Rcp && entropy.chance(7);
    if negated {
        let entry = if entropy.chance(30) { near::action(entropy, action) } else { "frob:List*".to_owned() };
        return member("NotAction", &one_or_list(entropy, vec![entry]));
    }
    let mut entries = Vec::new();
    for _ in 0..[1, 2, 3, 0][entropy.weighted(&[80, 14, 5, 1])] {
        let mut entry = near::action(entropy, action);
        if kind == PolicyKind::Rcp && !entry.contains(':') {
            entry = action.to_owned();
        }
        entries.push(entry);
    }
    member("Action", &one_or_list(entropy, entries))
}

fn resources(entropy: &mut Entropy<'_>, kind: PolicyKind, resource: &str, aim: &Aim) -> String {
    if kind == PolicyKind::Key && entropy.chance(60) {
        return member("Resource", "\"*\"");
    }
    let negated = entropy.chance(9);
    let mut entries = Vec::new();
    for _ in 0..[1, 2, 0][entropy.weighted(&[82, 17, 1])] {
        entries.push(if negated && entropy.chance(60) {
            "arn:aws:s3:::other/*".to_owned()
        } else {
            near::resource(entropy, resource, &aim.keys)
        });
    }
    member(if negated { "NotResource" } else { "Resource" }, &one_or_list(entropy, entries))
}

/// `Principal` or `NotPrincipal`.
fn principal(entropy: &mut Entropy<'_>, kind: PolicyKind, effect: Effect, aim: &Aim) -> String {
    let negated = match (kind, effect) {
        (PolicyKind::Trust, _) => entropy.chance(1),
        (_, Effect::Deny) => entropy.chance(18),
        (_, Effect::Allow) => entropy.chance(2),
    };
    let name = if negated { "NotPrincipal" } else { "Principal" };
    if !negated && entropy.chance(if kind == PolicyKind::Endpoint { 60 } else { 14 }) {
        return member(name, if entropy.chance(70) { "\"*\"" } else { "{\"AWS\": \"*\"}" });
    }
    let account = aim.principal.account().map(|account| account.to_string());
    let own = match &aim.principal {
        Principal::Service(name) => ("Service", name.to_string()),
        Principal::Federated(provider) | Principal::Saml(provider) => ("Federated", provider.to_string()),
        Principal::Anonymous => ("AWS", "*".to_owned()),
        other => ("AWS", other.to_string()),
    };
    let mut entries: Vec<(&str, String)> = Vec::new();
    if negated {
        // The chain of R-6.55, mostly whole.
        entries.extend(entropy.chance(85).then(|| own.clone()));
        entries.extend(aim.base.clone().filter(|_| entropy.chance(85)).map(|base| ("AWS", base)));
        entries.extend(account.clone().filter(|_| entropy.chance(85)).map(|account| ("AWS", account)));
    }
    let n_entries = if negated { entropy.below(2) } else { [1, 2, 0][entropy.weighted(&[79, 20, 1])] };
    for _ in 0..n_entries {
        let other_account = (*entropy.pick(&ACCOUNTS)).to_owned();
        entries.push(match entropy.weighted(&[36, 22, 20, 5, 3, 3, 3, 3, 3, 3, 2]) {
            0 => own.clone(),
            1 => match &account {
                Some(account) if entropy.chance(50) => ("AWS", account.clone()),
                Some(account) => ("AWS", format!("arn:aws:iam::{account}:root")),
                None => own.clone(),
            },
            2 => aim.base.clone().map_or(own.clone(), |base| ("AWS", base)),
            3 => ("AWS", other_account),
            4 => ("AWS", format!("arn:aws:iam::{other_account}:user/{}", entropy.pick(&USERS))),
            5 => ("AWS", format!("arn:aws:iam::{other_account}:role/{}", entropy.pick(&ROLES))),
            6 => {
                let role = ROLES[entropy.below(2)].rsplit('/').next().unwrap_or("rolanda");
                ("AWS", format!("arn:aws:sts::{other_account}:assumed-role/{role}/{}", entropy.pick(&SESSIONS)))
            }
            7 => aim.unique_id.clone().map_or(own.clone(), |id| ("AWS", id)),
            8 => ("Service", (*entropy.pick(&SERVICES)).to_owned()),
            9 if kind == PolicyKind::Trust => ("Federated", (*entropy.pick(&[OIDC[0], OIDC[1], SAML[0]])).to_owned()),
            9 => ("CanonicalUser", (*entropy.pick(&CANONICAL)).to_owned()),
            _ => {
                let names = [
                    "arn:aws:iam::111111111111:user/*",
                    "*ursula",
                    "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1",
                ];
                ("AWS", (*entropy.pick(&names)).to_owned())
            }
        });
    }
    let mut kinds: Vec<(&str, Vec<String>)> = Vec::new();
    for (of, entry) in entries {
        match kinds.iter_mut().find(|(known, _)| *known == of) {
            Some((_, list)) => list.push(entry),
            None => kinds.push((of, vec![entry])),
        }
    }
    let members: Vec<String> =
        kinds.into_iter().map(|(of, entries)| member(of, &one_or_list(entropy, entries))).collect();
    member(name, &object(entropy, &members))
}

/// `Condition`: one to three atoms, none of them twice (R-1.20).
fn conditions(entropy: &mut Entropy<'_>, aim: &Aim) -> String {
    let mut blocks: Vec<(String, Vec<(ConditionKey, String)>)> = Vec::new();
    for _ in 0..entropy.weighted(&[0, 76, 20, 4]).max(1) {
        let word = *key_word(entropy, aim);
        let given = aim.keys.iter().find(|(key, _)| ConditionKey::new(key) == ConditionKey::new(word.name));
        let operator = operator(entropy, &word);
        let mut values = Vec::new();
        for _ in 0..[1, 2, 3, 0][entropy.weighted(&[68, 24, 6, 2])] {
            let actual = given.and_then(|(_, value)| value.as_deref());
            values.push(near::value(entropy, &word, actual, operator.base, &aim.keys));
        }
        let name = if entropy.chance(3) { operator.to_string().to_lowercase() } else { operator.to_string() };
        let spelled = match entropy.below(12) {
            0 => word.name.to_lowercase(),
            1 => word.name.to_uppercase(),
            _ => word.name.to_owned(),
        };
        // Upper case does not always lead back, as with `ß`.
        let spelled =
            if ConditionKey::new(&spelled) == ConditionKey::new(word.name) { spelled } else { word.name.to_owned() };
        let key = ConditionKey::new(&spelled);
        let values: Vec<String> = values.iter().map(|value| scalar(entropy, value)).collect();
        let entry = member(&spelled, &list_or_one(entropy, values));
        match blocks.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, keys)) if keys.iter().any(|(known, _)| *known == key) => {}
            Some((_, keys)) => keys.push((key, entry)),
            None => blocks.push((name, vec![(key, entry)])),
        }
    }
    if entropy.below(256) == 255 {
        blocks.push(("StringMatches".to_owned(), Vec::new()));
    }
    let mut members = Vec::new();
    for (name, keys) in blocks {
        let keys: Vec<String> = keys.into_iter().map(|(_, entry)| entry).collect();
        members.push(member(&name, &object(entropy, &keys)));
    }
    member("Condition", &object(entropy, &members))
}

/// A key: mostly one that the request gives, else one that its service has.
fn key_word(entropy: &mut Entropy<'_>, aim: &Aim) -> &'static KeyWord {
    let find = |name: &str| KEYS.iter().find(|word| ConditionKey::new(word.name) == ConditionKey::new(name));
    if !aim.open.is_empty()
        && entropy.chance(70)
        && let Some(word) = find(entropy.pick::<String>(&aim.open).as_str())
    {
        return word;
    }
    if !aim.keys.is_empty() && entropy.chance(70) {
        let (name, _) = entropy.pick(&aim.keys);
        if let Some(word) = find(name) {
            return word;
        }
    }
    request_key(entropy, &aim.units)
}

/// A key that a request for these actions may well give.
pub(super) fn request_key(entropy: &mut Entropy<'_>, units: &[(String, String)]) -> &'static KeyWord {
    let service = units.first().and_then(|(action, _)| action.split_once(':')).map_or("", |(service, _)| service);
    let of_service: Vec<&'static KeyWord> = KEYS.iter().filter(|word| word.services.contains(&service)).collect();
    if !of_service.is_empty() && entropy.chance(30) {
        return entropy.pick::<&KeyWord>(&of_service);
    }
    if entropy.chance(4) {
        return entropy.pick(KEYS);
    }
    let anywhere: Vec<&'static KeyWord> = KEYS.iter().filter(|word| word.services.is_empty()).collect();
    // The first of the list more often than the last.
    let limit = entropy.below(anywhere.len()) + 1;
    anywhere[entropy.below(limit)]
}

/// An operator that goes with the key, mostly.
fn operator(entropy: &mut Entropy<'_>, word: &KeyWord) -> Operator {
    use BaseOperator::*;
    let base = if entropy.chance(8) {
        Null
    } else if entropy.chance(6) {
        *entropy.pick(BaseOperator::ALL)
    } else {
        match word.reads {
            Reads::Text => *entropy.pick(&[
                StringEquals,
                StringEquals,
                StringEquals,
                StringNotEquals,
                StringNotEquals,
                StringLike,
                StringLike,
                StringNotLike,
                StringEqualsIgnoreCase,
                StringNotEqualsIgnoreCase,
            ]),
            Reads::Number => BaseOperator::ALL[NumericEquals as usize + entropy.below(6)],
            Reads::Date => BaseOperator::ALL[DateEquals as usize + entropy.below(6)],
            Reads::Truth => Bool,
            Reads::Binary => BinaryEquals,
            Reads::Address => *entropy.pick(&[IpAddress, IpAddress, NotIpAddress]),
            Reads::Arn => *entropy.pick(&[ArnLike, ArnEquals, ArnNotLike, ArnNotEquals, StringLike, StringEquals]),
        }
    };
    let set = match entropy.below(100) {
        n if n < if word.multi { 34 } else { 5 } => Some(SetOperator::ForAnyValue),
        n if n < if word.multi { 68 } else { 10 } => Some(SetOperator::ForAllValues),
        _ => None,
    };
    Operator { set, base, if_exists: base != Null && entropy.chance(15) }
}

/// A condition value: numbers and booleans without quotes now and then (R-1.16).
fn scalar(entropy: &mut Entropy<'_>, value: &str) -> String {
    let bare = matches!(value, "true" | "false")
        || (value.parse::<u32>().is_ok() && (value == "0" || !value.starts_with('0')));
    if bare && entropy.chance(30) { value.to_owned() } else { quote(value) }
}

fn one_or_list(entropy: &mut Entropy<'_>, items: Vec<String>) -> String {
    let items = items.iter().map(|item| quote(item)).collect();
    list_or_one(entropy, items)
}

fn list_or_one(entropy: &mut Entropy<'_>, items: Vec<String>) -> String {
    match items.as_slice() {
        [only] if !entropy.chance(30) => only.clone(),
        _ => format!("[{}]", items.join(", ")),
    }
}

fn object(entropy: &mut Entropy<'_>, members: &[String]) -> String {
    let comma = if entropy.chance(5) { ",\n  " } else { ", " };
    format!("{{{}}}", members.join(comma))
}

fn member(name: &str, json: &str) -> String {
    format!("{}: {json}", quote(name))
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
