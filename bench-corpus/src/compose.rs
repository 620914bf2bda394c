//! One policy document at a time: from templates, or composed from the tables.

use crate::draft::{Draft, Lists, PrincipalDraft};
use crate::rng::{Rng, Zipf};
use crate::tables::{self, Rates};
use crate::templates::{Class, Templates};
use iamc_policy::PolicyKind;
use std::sync::OnceLock;

/// Share of statements that begin as a template; the rest is composed.
const FROM_TEMPLATE: f64 = 0.7;

/// What a document is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub kind: PolicyKind,
    /// Service of a resource-based policy; empty for the other kinds.
    pub service: &'a str,
    /// At most so many statements, before the quota on bytes.
    pub statements_max: usize,
    /// Written by AWS: nothing of any account in it.
    pub managed: bool,
    /// Of a trust policy: what may assume the role, else drawn.
    pub trusted: Option<Trusted>,
}

/// Who a trust policy trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trusted {
    Service,
    Organization,
    Federated,
    Outside,
    Everyone,
}

impl Wanted<'_> {
    pub(crate) fn of(kind: PolicyKind) -> Wanted<'static> {
        Wanted { kind, service: "", statements_max: usize::MAX, managed: false, trusted: None }
    }
}

/// Draws a document and writes it as minified JSON, slots unfilled. The text is within the quota of its kind.
pub(crate) fn document(wanted: Wanted, templates: &Templates, rng: &mut Rng) -> String {
    let rates = if wanted.managed { &tables::MANAGED } else { tables::rates(wanted.kind) };
    let n = from_histogram(rates.statements, rates.statements_max, rng).min(wanted.statements_max);
    let mut statements: Vec<Draft> = (0..n).map(|_| statement(wanted, rates, templates, rng)).collect();
    if wanted.service == "kms" && rng.chance(0.9) {
        // Nearly every key leaves its use to IAM; without this statement its account could not use it.
        statements.pop();
        statements.insert(0, enable_iam());
    }
    write(wanted.kind, statements, rates, wanted.managed, rng)
}

fn enable_iam() -> Draft {
    let root = vec!["arn:aws:iam::@{account}:root".to_owned()];
    Draft {
        sid: Some("EnableIAMUserPermissions".to_owned()),
        principal: Some(PrincipalDraft { negated: false, entries: vec![("AWS".to_owned(), root)] }),
        actions: vec!["kms:*".to_owned()],
        resources: Some(vec!["*".to_owned()]),
        ..Draft::default()
    }
}

/// Writes `statements` as a document of `kind`; the last ones are left out where the quota would be exceeded.
fn write(kind: PolicyKind, mut statements: Vec<Draft>, rates: &Rates, managed: bool, rng: &mut Rng) -> String {
    // Sids must be unique within a policy, save in the few documents that break the rule on purpose.
    if !rng.chance(0.005) {
        for index in 1..statements.len() {
            let (before, rest) = statements.split_at_mut(index);
            if let Some(sid) = &mut rest[0].sid
                && before.iter().any(|other| other.sid.as_deref() == Some(sid))
            {
                *sid = format!("{sid}{index}");
            }
        }
    }
    let variables = statements.iter().any(Draft::has_variables);
    let guarded = managed || variables || matches!(kind, PolicyKind::Scp | PolicyKind::Rcp);
    let version = match rng.unit() {
        _ if guarded => "\"Version\":\"2012-10-17\",",
        u if u < 0.01 => "\"Version\":\"2008-10-17\",",
        u if u < 0.09 => "",
        _ => "\"Version\":\"2012-10-17\",",
    };
    let lists = if rng.chance(0.5) { Lists::Always } else { Lists::WhereNeeded };
    let mut out = format!("{{{version}\"Statement\":[");
    let mut n_written = 0;
    // Slots grow when they are filled: a tenth of the quota is kept free for that.
    let limit = rates.bytes_max / 10 * 9;
    for mut statement in statements {
        let before = out.len();
        if n_written > 0 {
            out.push(',');
        }
        statement.write(lists, &mut out);
        while n_written == 0 && out.len() > limit && statement.actions.len() > 1 {
            out.truncate(before);
            statement.actions.truncate(statement.actions.len() / 4 * 3);
            statement.write(lists, &mut out);
        }
        if n_written > 0 && out.len() > limit {
            out.truncate(before);
            break;
        }
        n_written += 1;
    }
    if n_written == 1 && lists == Lists::WhereNeeded && rng.chance(0.3) {
        // A lone statement may stand without its list.
        let at = out.find('[').unwrap_or(0);
        out.remove(at);
        out.push('}');
    } else {
        out.push_str("]}");
    }
    out
}

fn statement(wanted: Wanted, rates: &Rates, templates: &Templates, rng: &mut Rng) -> Draft {
    let percent = |p: f64, rng: &mut Rng| rng.chance(p / 100.0);
    let deny = percent(rates.deny, rng);
    let mut conditional = percent(rates.condition, rng);
    let not_action = percent(rates.not_action, rng);
    let trusted = wanted.trusted.unwrap_or(Trusted::Service);
    if wanted.kind == PolicyKind::Trust {
        // Only services and accounts are trusted without a condition.
        conditional = match trusted {
            Trusted::Service => percent(12.0, rng),
            Trusted::Organization => percent(15.0, rng),
            _ => true,
        };
    }
    let n_actions = from_histogram(rates.actions, rates.actions_max, rng);
    let class = Class {
        kind: wanted.kind,
        service: wanted.service.to_owned(),
        deny: deny && wanted.kind != PolicyKind::Trust,
        conditional,
        not_action: not_action && wanted.kind == PolicyKind::Scp,
    };
    let fits = |draft: &&Draft| wanted.kind != PolicyKind::Trust || trusts(draft, trusted);
    let candidates: Vec<&Draft> = if wanted.managed || !rng.chance(FROM_TEMPLATE) {
        Vec::new()
    } else {
        templates.of(&class).iter().filter(fits).collect()
    };
    let mut draft = if candidates.is_empty() {
        composed(wanted, rates, &class, trusted, n_actions, rng)
    } else {
        let mut draft = (*rng.pick(&candidates)).clone();
        resize_actions(&mut draft, n_actions, wanted, rates, rng);
        draft
    };
    resize_resources(&mut draft, rates, rng);
    if wanted.managed || wanted.kind != PolicyKind::Trust {
        draft.not_resource = percent(rates.not_resource, rng)
            && draft.resources.as_ref().is_some_and(|list| list.first().is_some_and(|first| first != "*"));
    }
    draft.sid = percent(rates.sid, rng).then(|| match draft.sid.take() {
        Some(sid) => sid,
        None => format!("Stmt{}", rng.below(10_000)),
    });
    oddities(&mut draft, wanted, rng);
    draft
}

/// A number from a histogram; the last bucket goes on as a Pareto tail up to `max`.
pub(crate) fn from_histogram(histogram: &[(usize, f64)], max: usize, rng: &mut Rng) -> usize {
    let index = rng.weighted(histogram.iter().map(|(_, weight)| *weight));
    let Some((value, _)) = histogram.get(index) else { return 1 };
    if index + 1 == histogram.len() && *value > 4 { rng.pareto(*value as f64, max as f64) as usize } else { *value }
}

fn trusts(draft: &Draft, trusted: Trusted) -> bool {
    let Some(principal) = &draft.principal else { return false };
    let Some((kind, values)) = principal.entries.first() else { return trusted == Trusted::Everyone };
    let value = values.first().map_or("", String::as_str);
    match kind.as_str() {
        "Service" => trusted == Trusted::Service,
        "Federated" => trusted == Trusted::Federated,
        _ if value == "*" => trusted == Trusted::Everyone,
        _ if value.contains("@{outside}") => trusted == Trusted::Outside,
        _ => trusted == Trusted::Organization,
    }
}

fn composed(wanted: Wanted, rates: &Rates, class: &Class, trusted: Trusted, n: usize, rng: &mut Rng) -> Draft {
    let mut draft = Draft { deny: class.deny, not_action: class.not_action, ..Draft::default() };
    let rows = if wanted.managed { tables::MANAGED_CONDITIONS } else { tables::conditions(wanted.kind) };
    let service = if !wanted.service.is_empty() { wanted.service } else { a_service(rng) };
    match wanted.kind {
        PolicyKind::Trust => {
            let (principal, action) = trust_principal(trusted, rng);
            draft.principal = Some(principal);
            draft.actions.push(action.to_owned());
            if let Trusted::Outside = trusted {
                draft.add_condition("StringEquals", "sts:ExternalId", vec!["@{externalid}".to_owned()]);
            } else if let Trusted::Everyone = trusted {
                draft.add_condition("StringEquals", "aws:PrincipalOrgID", vec!["@{org}".to_owned()]);
            } else if let Trusted::Federated = trusted {
                draft.add_condition("StringEquals", "SAML:aud", vec!["https://signin.aws.amazon.com/saml".to_owned()]);
            }
        }
        PolicyKind::Rcp => {
            draft.principal = Some(PrincipalDraft { negated: false, entries: Vec::new() });
            draft.actions =
                (0..n).map(|_| format!("{}:*", rng.pick(&["s3", "sqs", "kms", "secretsmanager"]))).collect();
            draft.actions.sort();
            draft.actions.dedup();
            draft.resources = Some(vec!["*".to_owned()]);
        }
        PolicyKind::Endpoint => {
            draft.principal = Some(PrincipalDraft { negated: false, entries: Vec::new() });
            let services = ["s3", "dynamodb", "sqs", "kms"];
            draft.actions = if draft.deny { vec!["s3:DeleteBucket".to_owned()] } else { vec!["*".to_owned()] };
            if !draft.deny && !rng.chance(0.4) {
                draft.actions = some_actions(rng.word(&services), n, rates, false, rng);
            }
            draft.resources = Some(vec!["*".to_owned()]);
        }
        PolicyKind::Resource | PolicyKind::Key => {
            let percent = rng.chance(rates.not_principal / 100.0 / (rates.deny / 100.0));
            draft.principal = Some(resource_principal(draft.deny && percent, rng));
            draft.actions = some_actions(service, n, rates, draft.deny, rng);
            draft.resources = match service {
                "s3" => Some(vec![(*rng.pick(&["@{self}/*", "@{self}/@{app}/*", "@{self}"])).to_owned()]),
                "ecr" => None,
                "kms" | "secretsmanager" => Some(vec!["*".to_owned()]),
                _ => Some(vec!["@{self}".to_owned()]),
            };
        }
        PolicyKind::Scp => {
            draft.actions = dispensable(n, rng);
            if !draft.deny {
                draft.actions.push("*".to_owned());
            }
            if draft.not_action {
                // Everything but these is forbidden, outside the Regions that all accounts work in.
                let always = ["iam:*", "sts:*", "organizations:*", "support:*", "health:*"];
                draft.actions.extend(always.map(str::to_owned));
                let regions = crate::names::REGIONS.iter().map(|region| (*region).to_owned()).collect();
                draft.add_condition("StringNotEquals", "aws:RequestedRegion", regions);
            }
            draft.actions.sort();
            draft.actions.dedup();
            draft.resources = Some(vec!["*".to_owned()]);
        }
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
            draft.actions = some_actions(service, n, rates, draft.deny, rng);
            draft.resources = Some(vec![a_resource(service, wanted.managed, rng)]);
        }
    }
    if class.conditional && draft.condition.is_empty() && !rows.is_empty() {
        let n_keys = [1, 2, 3 + rng.below(2)][rng.weighted([77.0, 20.0, 3.0].into_iter())];
        for _ in 0..n_keys {
            let (_, operator, key, values) = rows[rng.weighted(rows.iter().map(|row| row.0))];
            draft.add_condition(operator, key, some_values(values, rng));
        }
    }
    draft
}

fn some_values(choices: &[&str], rng: &mut Rng) -> Vec<String> {
    let n = match rng.unit() {
        u if u < 0.88 => 1,
        u if u < 0.98 => 2 + rng.below(2),
        _ => rng.pareto(4.0, 100.0) as usize,
    };
    if choices.len() == 1 && !choices[0].contains(['@', '*']) {
        // `true`, a date: nothing else would make sense.
        return vec![choices[0].to_owned()];
    }
    let start = rng.below(choices.len());
    let mut values: Vec<String> =
        (0..n.min(choices.len())).map(|i| choices[(start + i) % choices.len()].to_owned()).collect();
    let plain =
        |value: &String| value.bytes().all(|b| b.is_ascii_lowercase()) || *value == "@{app}" || *value == "@{team}";
    while values.len() < n && plain(&values[0]) {
        values.push(format!("{}-{}", values[0], values.len()));
    }
    values
}

fn a_service(rng: &mut Rng) -> &'static str {
    static LAW: OnceLock<Zipf> = OnceLock::new();
    let law = LAW.get_or_init(|| Zipf::new(tables::actions().len(), 1.0));
    tables::actions()[law.draw(rng)].0
}

fn actions_of(service: &str) -> &'static [&'static str] {
    tables::actions().iter().find(|(name, _)| *name == service).map_or(&[], |(_, actions)| actions)
}

/// `n` distinct action strings of a service, of classes as in `rates`; fewer where the service has fewer.
fn some_actions(service: &str, n: usize, rates: &Rates, deny: bool, rng: &mut Rng) -> Vec<String> {
    let mut actions = Vec::new();
    extend_actions(&mut actions, service, n, rates, deny, rng);
    actions
}

fn extend_actions(actions: &mut Vec<String>, service: &str, n: usize, rates: &Rates, deny: bool, rng: &mut Rng) {
    let all = actions_of(service);
    let exact = |index: usize| format!("{service}:{}", all[index % all.len()]);
    let start = rng.below(all.len().max(1));
    for step in 0..4 * n {
        if actions.len() >= n {
            break;
        }
        let class = if all.is_empty() { 2 } else { rng.weighted(rates.action_classes.into_iter()) };
        let action = match class {
            // Neighbours in the alphabet share a verb, as in real lists.
            0 => exact(start + step),
            1 => {
                let name = all[rng.below(all.len())];
                let verb = name[1..].find(|c: char| c.is_ascii_uppercase()).map_or(name, |end| &name[..end + 1]);
                format!("{service}:{verb}*")
            }
            2 => format!("{}:*", if actions.is_empty() { service } else { a_service(rng) }),
            3 if !deny => "*".to_owned(),
            4 => {
                let name = all[rng.below(all.len())];
                let (_, last) = name.split_at(name.rfind(|c: char| c.is_ascii_uppercase()).unwrap_or(0));
                match rng.below(3) {
                    0 => format!("{service}:*{last}"),
                    1 => format!("{service}:{}*{last}", &name[..1]),
                    _ => format!("{service}:*{last}*"),
                }
            }
            _ => exact(start + step),
        };
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    if actions.is_empty() {
        actions.push(format!("{service}:*"));
    }
}

/// `n` actions that a guardrail may forbid without stopping the organization: mostly whole services that nothing in
/// the corpus uses.
fn dispensable(n: usize, rng: &mut Rng) -> Vec<String> {
    let services = tables::dispensable_services();
    let leaving = ["DeregisterAccount", "DisableService", "DeleteResourcePolicy", "LeaveOrganization", "Purge"];
    (0..n)
        .map(|_| {
            let service = rng.pick(services);
            if rng.chance(0.8) { format!("{service}:*") } else { format!("{service}:{}", rng.pick(&leaving)) }
        })
        .collect()
}

fn resize_actions(draft: &mut Draft, n: usize, wanted: Wanted, rates: &Rates, rng: &mut Rng) {
    // Allow lists and lists of what stays allowed are made of a piece; so is everything that starts with a wildcard.
    if draft.not_action || wanted.kind == PolicyKind::Trust || draft.actions[0] == "*" {
        return;
    }
    if draft.actions.len() > n {
        let start = rng.below(draft.actions.len() - n + 1);
        draft.actions.drain(..start);
        draft.actions.truncate(n);
    } else if draft.actions.len() < n && !draft.actions[0].ends_with(":*") && wanted.kind != PolicyKind::Endpoint {
        let service = draft.actions[0].split(':').next().unwrap_or("").to_owned();
        if wanted.kind == PolicyKind::Scp {
            draft.actions.extend(dispensable(n - draft.actions.len(), rng));
            draft.actions.sort();
            draft.actions.dedup();
        } else if wanted.kind != PolicyKind::Rcp {
            extend_actions(&mut draft.actions, &service, n, rates, draft.deny, rng);
        }
    }
}

/// A resource pattern of `service`, in the classes and shares that were measured.
fn a_resource(service: &str, managed: bool, rng: &mut Rng) -> String {
    let form = tables::RESOURCE_FORMS.iter().find(|(name, ..)| *name == service);
    let (regional, tail) = form.map_or((true, "resource/@{app}"), |(_, regional, tail)| (*regional, *tail));
    let exact = tail.trim_end_matches(['*', '/', '?', ':', '-']);
    let kind = exact.find('@').map_or("", |end| &exact[..end]);
    let own = if regional { "@{region}:@{account}" } else { ":" };
    let any = if regional { "*:*" } else { ":" };
    if managed {
        let sample = *rng.pick(&["sample-*", "managed/*", "*"]);
        let inner = *rng.pick(&["*-sample-*", "sample-*/stage/*", "*/sample-*"]);
        return match rng.weighted([36.1, 41.4, 7.0, 10.5, 2.4, 1.1, 1.5].into_iter()) {
            0 => "*".to_owned(),
            1 => format!("arn:aws:{service}:{any}:{kind}{sample}"),
            2 => format!("arn:aws:{service}:{any}:{kind}managed"),
            3 => format!("arn:aws:{service}:{any}:{kind}{inner}"),
            4 => format!("arn:aws:{service}:::{kind}{sample}"),
            5 => format!("arn:aws:{service}:*"),
            _ => format!("arn:aws:{service}:{any}:{kind}${{aws:PrincipalTag/project}}/*"),
        };
    }
    match rng.weighted([28.4, 26.1, 19.9, 10.5, 5.5, 3.9, 2.3, 1.5].into_iter()) {
        0 => "*".to_owned(),
        1 => format!("arn:aws:{service}:{own}:{exact}"),
        2 => format!("arn:aws:{service}:{own}:{kind}@{{app}}-*"),
        3 => format!("arn:aws:{service}:{any}:{kind}@{{app}}-*"),
        4 => format!("arn:aws:{service}:{own}:{kind}*-@{{app}}-*"),
        5 => format!("arn:aws:{service}:{any}:{exact}"),
        6 => format!("arn:aws:{service}:*"),
        _ => format!("arn:aws:{service}:{own}:{kind}${{aws:PrincipalTag/team}}/*"),
    }
}

fn resize_resources(draft: &mut Draft, rates: &Rates, rng: &mut Rng) {
    let Some(resources) = &mut draft.resources else { return };
    if resources.is_empty() || resources[0] == "*" || resources[0].starts_with("@{self}") {
        return;
    }
    let n = from_histogram(rates.resources, 42, rng);
    let last = resources[resources.len() - 1].clone();
    if n == 1 && resources.len() > 1 && rng.chance(0.5) {
        resources.truncate(1);
    }
    for index in resources.len()..n {
        // A sibling: the same ARN with another name in front of what it ends in.
        let at = last.rfind("@{").or(last.rfind('*')).unwrap_or(last.len());
        let sibling = format!("{}x{index}-{}", &last[..at], &last[at..]);
        resources.push(sibling);
    }
}

fn trust_principal(trusted: Trusted, rng: &mut Rng) -> (PrincipalDraft, &'static str) {
    let services = ["lambda", "ec2", "ecs-tasks", "states", "batch", "pipes", "codedeploy", "dms", "transfer"];
    let (kind, value, action) = match trusted {
        Trusted::Service => ("Service", format!("{}.amazonaws.com", rng.pick(&services)), "sts:AssumeRole"),
        Trusted::Organization => {
            let value = match rng.below(3) {
                0 => "arn:aws:iam::@{principal_account}:root",
                1 => "arn:aws:iam::@{principal_account}:role/@{role}",
                _ => "arn:aws:iam::@{principal_account}:user/@{user}",
            };
            ("AWS", value.to_owned(), "sts:AssumeRole")
        }
        Trusted::Federated => {
            ("Federated", "arn:aws:iam::@{account}:saml-provider/corporate".to_owned(), "sts:AssumeRoleWithSAML")
        }
        Trusted::Outside => ("AWS", "arn:aws:iam::@{outside}:root".to_owned(), "sts:AssumeRole"),
        Trusted::Everyone => ("AWS", "*".to_owned(), "sts:AssumeRole"),
    };
    (PrincipalDraft { negated: false, entries: vec![(kind.to_owned(), vec![value])] }, action)
}

fn resource_principal(negated: bool, rng: &mut Rng) -> PrincipalDraft {
    if negated {
        let values = ["arn:aws:iam::@{account}:root", "arn:aws:iam::@{account}:role/@{role}"];
        return PrincipalDraft { negated, entries: vec![("AWS".to_owned(), values.map(str::to_owned).to_vec())] };
    }
    let class = rng.weighted([31.4, 19.2, 16.1, 13.2, 11.0, 5.0, 0.5, 0.4].into_iter());
    let service =
        format!("{}.amazonaws.com", rng.pick(&["s3", "sns", "events", "cloudtrail", "delivery.logs", "config"]));
    let (kind, value) = match class {
        0 => ("Service", service),
        1 => ("AWS", "arn:aws:iam::@{principal_account}:root".to_owned()),
        2 => return PrincipalDraft { negated, entries: Vec::new() },
        3 => ("AWS", "*".to_owned()),
        4 => ("AWS", "arn:aws:iam::@{principal_account}:role/@{role}".to_owned()),
        5 => ("AWS", "arn:aws:iam::@{principal_account}:user/@{user}".to_owned()),
        6 => ("AWS", "arn:aws:sts::@{account}:assumed-role/@{role}/session".to_owned()),
        _ => ("CanonicalUser", "@{canonical}".to_owned()),
    };
    PrincipalDraft { negated, entries: vec![(kind.to_owned(), vec![value])] }
}

/// The odd ones that real corpora hold.
fn oddities(draft: &mut Draft, wanted: Wanted, rng: &mut Rng) {
    if rng.chance(0.005) && matches!(wanted.kind, PolicyKind::Identity | PolicyKind::Resource) {
        // A typing error, or an action that AWS has retired or not documented.
        let service = draft.actions[0].split(':').next().unwrap_or("s3").to_owned();
        if service != "*" {
            draft.actions.push(format!("{service}:{}", rng.pick(&["GetObjcet", "DescribeEverything", "ListTagz"])));
        }
    }
    if !wanted.managed && wanted.kind != PolicyKind::Trust {
        for action in &mut draft.actions {
            if rng.chance(0.014) && !action.ends_with('*') {
                *action = action.to_ascii_lowercase();
            }
        }
    }
    if rng.chance(0.005) {
        for (_, keys) in &mut draft.condition {
            for (key, _) in keys {
                if !key.contains("@{") {
                    *key = key.to_ascii_lowercase();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_json_within_their_quota() {
        let templates = Templates::built_in();
        for kind in PolicyKind::ALL {
            let mut rng = Rng::new(3, &[*kind as u64]);
            let (kind, service) = match kind {
                PolicyKind::Session => continue,
                PolicyKind::Key => (PolicyKind::Resource, "kms"),
                PolicyKind::Resource => (PolicyKind::Resource, "s3"),
                kind => (*kind, ""),
            };
            for _ in 0..200 {
                let text = document(Wanted { service, ..Wanted::of(kind) }, &templates, &mut rng);
                let value: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert!(!value["Statement"].is_null());
                let one_statement = value["Statement"].as_array().is_none_or(|list| list.len() == 1);
                assert!(text.len() <= tables::rates(kind).bytes_max || one_statement, "{text}");
            }
        }
    }

    #[test]
    fn tails_reach_far_but_not_beyond() {
        let mut rng = Rng::new(9, &[]);
        let drawn: Vec<usize> = (0..20_000).map(|_| from_histogram(tables::MANAGED.actions, 600, &mut rng)).collect();
        let max = drawn.iter().max().unwrap();
        assert!((200..=600).contains(max), "{max}");
        assert!(drawn.iter().all(|n| *n > 0));
    }
}
