//! Laws about how policies are written: lists, order, duplicates, wildcards, splitting, complements.

use super::{Law, Outcome, answered, broken, unchanged, unchanged_decision};
use crate::generators::{Entropy, Sample, statement_text};
use crate::parts::{known_mut, policies_mut};
use iamc_policy::action::ActionPattern;
use iamc_policy::document::{ActionElement, Policy, Statement, Strictness, Version};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Mode, Request, RequestResource};
use iamc_policy::template::Piece;
use iamc_policy::world::{IdentityRecord, NamedPolicy, User, World};
use iamc_policy::{BaseOperator, Decision, Effect, PolicyKind, Template};
use serde_json::Value;

/// R-1.17, R-1.39: single values and lists of one, order of elements and white space say nothing.
pub(super) const ONE_OR_LIST: Law = Law {
    name: "a value and a list of it are the same",
    rules: &["R-1.17", "R-1.39"],
    percent_min: 80,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        for (_, named) in policies_mut(&mut after.world, &mut after.request) {
            let Some(policy) = known_mut(named) else { continue };
            let text = policy.to_json();
            let spelled = serde_json::from_str(&text).map(|value| respelled(entropy, value, 0).to_string());
            let parsed = spelled.ok().and_then(|text| Policy::parse(policy.kind, Strictness::Lenient, &text).policy);
            match parsed {
                Some(parsed) => *policy = parsed,
                None => {
                    return broken(
                        engine,
                        format!("refused when spelled anew: {text}"),
                        &before.sample,
                        &before.sample,
                    );
                }
            }
        }
        unchanged(engine, &before, &after)
    },
};

/// Turns strings into lists of one and back, below the element names; objects come out sorted by name.
fn respelled(entropy: &mut Entropy<'_>, value: Value, depth: u32) -> Value {
    match value {
        Value::Object(members) => {
            let mut respelled_members = serde_json::Map::new();
            for (name, value) in members {
                let value = match (depth, name.as_str(), value) {
                    (0, "Statement", Value::Array(mut list)) if list.len() == 1 && entropy.chance(50) => {
                        respelled(entropy, list.remove(0), 1)
                    }
                    (0, "Statement", Value::Array(list)) => {
                        Value::Array(list.into_iter().map(|item| respelled(entropy, item, 1)).collect())
                    }
                    (0, _, value) => value,
                    (1, "Sid" | "Effect", value) => value,
                    // A bare `*` is not the list of it: `Principal` is no list.
                    (1, "Principal" | "NotPrincipal", value @ Value::String(_)) => value,
                    (_, _, value) => respelled(entropy, value, depth + 1),
                };
                respelled_members.insert(name, value);
            }
            Value::Object(respelled_members)
        }
        Value::Array(mut list) if list.len() == 1 && entropy.chance(50) => list.remove(0),
        Value::String(text) if entropy.chance(50) => Value::Array(vec![Value::String(text)]),
        other => other,
    }
}

/// R-2.24, R-2.2: patterns of the same normal form match the same.
pub(super) const NORMAL_FORM: Law = Law {
    name: "runs of wildcards may be written in any way",
    rules: &["R-2.24", "R-2.2"],
    percent_min: 60,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        for (_, named) in policies_mut(&mut after.world, &mut after.request) {
            let Some(policy) = known_mut(named) else { continue };
            let version = policy.version;
            for statement in &mut policy.statements {
                for pattern in &mut statement.action.patterns {
                    if let ActionPattern::Named { name, .. } = pattern {
                        *name = other_runs(entropy, name).into();
                    }
                }
                for pattern in statement.resource.iter_mut().flat_map(|resource| &mut resource.patterns) {
                    *pattern = rewritten(entropy, pattern, version);
                }
                let likes = statement.condition.atoms.iter_mut().filter(|atom| has_wildcards(atom.operator.base));
                for value in likes.flat_map(|atom| &mut atom.values) {
                    *value = rewritten(entropy, value, version);
                }
            }
        }
        if after == before.sample { Outcome::Vacuous } else { unchanged(engine, &before, &after) }
    },
};

fn has_wildcards(base: BaseOperator) -> bool {
    use BaseOperator::*;
    matches!(base, StringLike | StringNotLike | ArnEquals | ArnLike | ArnNotEquals | ArnNotLike)
}

fn rewritten(entropy: &mut Entropy<'_>, template: &Template, version: Version) -> Template {
    if template.fault().is_some() {
        return template.clone();
    }
    let mut text = String::new();
    for piece in template.pieces() {
        match piece {
            Piece::Literal(literal) => text.push_str(&other_runs(entropy, literal)),
            Piece::Escape(c) => text.push_str(&format!("${{{c}}}")),
            Piece::Variable(variable) => match &variable.default {
                Some(default) => text.push_str(&format!("${{{}, '{default}'}}", variable.key)),
                None => text.push_str(&format!("${{{}}}", variable.key)),
            },
        }
    }
    if version == Version::V2012 { Template::with_variables(text) } else { Template::literal(text) }
}

/// Writes each run of `*` and `?` that has a star with the same number of `?` and some stars, in some order.
fn other_runs(entropy: &mut Entropy<'_>, text: &str) -> String {
    let mut out = String::new();
    let mut run: Vec<char> = Vec::new();
    let mut flush = |run: &mut Vec<char>, out: &mut String| {
        if run.contains(&'*') {
            run.retain(|c| *c == '?');
            run.extend(std::iter::repeat_n('*', 1 + entropy.below(3)));
            entropy.shuffle(run);
        }
        out.extend(run.drain(..));
    };
    for c in text.chars() {
        if matches!(c, '*' | '?') {
            run.push(c);
        } else {
            flush(&mut run, &mut out);
            out.push(c);
        }
    }
    flush(&mut run, &mut out);
    out
}

/// R-8.28: order of statements, policies, values, keys and operators is irrelevant, and so is that of the inventory.
pub(super) const ORDER: Law = Law {
    name: "order is irrelevant",
    rules: &["R-8.28", "R-6.7"],
    percent_min: 80,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        for (_, named) in policies_mut(&mut after.world, &mut after.request) {
            let Some(policy) = known_mut(named) else { continue };
            for statement in &mut policy.statements {
                entropy.shuffle(&mut statement.action.patterns);
                if let Some(resource) = &mut statement.resource {
                    entropy.shuffle(&mut resource.patterns);
                }
                if let Some(principal) = &mut statement.principal {
                    entropy.shuffle(&mut principal.entries);
                }
                entropy.shuffle(&mut statement.condition.atoms);
                statement.condition.atoms.iter_mut().for_each(|atom| entropy.shuffle(&mut atom.values));
            }
            entropy.shuffle(&mut policy.statements);
        }
        let Sample { world, request } = &mut after;
        shuffle_world(entropy, world);
        request.session.iter_mut().for_each(|session| entropy.shuffle(session));
        entropy.shuffle(&mut request.facts.kms_grants);
        unchanged(engine, &before, &after)
    },
};

fn shuffle_world(entropy: &mut Entropy<'_>, world: &mut World) {
    let identity = |entropy: &mut Entropy<'_>, identity: &mut IdentityRecord| {
        entropy.shuffle(&mut identity.inline);
        entropy.shuffle(&mut identity.attached);
        identity.tags.iter_mut().for_each(|tags| entropy.shuffle(tags));
    };
    for user in &mut world.users {
        identity(entropy, &mut user.identity);
        entropy.shuffle(&mut user.groups);
    }
    world.groups.iter_mut().for_each(|group| identity(entropy, &mut group.identity));
    world.roles.iter_mut().for_each(|role| identity(entropy, &mut role.identity));
    world.guardrails.iter_mut().for_each(|guardrail| entropy.shuffle(&mut guardrail.targets));
    entropy.shuffle(&mut world.units);
    entropy.shuffle(&mut world.accounts);
    entropy.shuffle(&mut world.guardrails);
    entropy.shuffle(&mut world.policies);
    entropy.shuffle(&mut world.users);
    entropy.shuffle(&mut world.groups);
    entropy.shuffle(&mut world.roles);
    entropy.shuffle(&mut world.resources);
    entropy.shuffle(&mut world.gaps);
    entropy.shuffle(&mut world.coverage);
}

/// R-8.28, R-6.4: what is said twice is said once.
pub(super) const DUPLICATES: Law = Law {
    name: "duplicates change nothing",
    rules: &["R-8.28", "R-6.4", "R-6.10"],
    percent_min: 70,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        for (_, named) in policies_mut(&mut after.world, &mut after.request) {
            let Some(policy) = known_mut(named) else { continue };
            for statement in &mut policy.statements {
                twice(entropy, &mut statement.action.patterns);
                statement.resource.iter_mut().for_each(|resource| twice(entropy, &mut resource.patterns));
                statement.principal.iter_mut().for_each(|principal| twice(entropy, &mut principal.entries));
                twice(entropy, &mut statement.condition.atoms);
                statement.condition.atoms.iter_mut().for_each(|atom| twice(entropy, &mut atom.values));
            }
            twice(entropy, &mut policy.statements);
        }
        for user in &mut after.world.users {
            twice(entropy, &mut user.groups);
            twice(entropy, &mut user.identity.attached);
            twice(entropy, &mut user.identity.inline);
        }
        for role in &mut after.world.roles {
            twice(entropy, &mut role.identity.attached);
            twice(entropy, &mut role.identity.inline);
        }
        after.world.guardrails.iter_mut().for_each(|guardrail| twice(entropy, &mut guardrail.targets));
        after.request.session.iter_mut().for_each(|session| twice(entropy, session));
        if after == before.sample { Outcome::Vacuous } else { unchanged(engine, &before, &after) }
    },
};

fn twice<T: Clone>(entropy: &mut Entropy<'_>, items: &mut Vec<T>) {
    if !items.is_empty() && entropy.chance(30) {
        let item = entropy.pick(items).clone();
        let at = entropy.below(items.len() + 1);
        items.insert(at, item);
    }
}

/// R-8.29: a statement with n actions and m resources says what n·m statements with one each say.
///
/// Premises of the rule: `Action` and `Resource`, not the `Not…` forms; and at least one of each, for a statement
/// without action is still an Allow that R-6.69 looks at. The residual may change: one entry that matches beyond doubt
/// hides another that is open only as long as they stand in one statement.
pub(super) const SPLIT: Law = Law {
    name: "statements may be split",
    rules: &["R-8.29"],
    percent_min: 30,
    check: |engine, entropy| {
        let Some(before) = answered(engine, entropy) else { return Outcome::Vacuous };
        let mut after = before.sample.clone();
        let mut n_split = 0;
        for (_, named) in policies_mut(&mut after.world, &mut after.request) {
            let Some(policy) = known_mut(named) else { continue };
            let mut statements = Vec::new();
            for statement in policy.statements.drain(..) {
                let parts = split(&statement);
                n_split += usize::from(parts.len() > 1);
                statements.extend(parts);
            }
            policy.statements = statements;
        }
        if n_split == 0 { Outcome::Vacuous } else { unchanged_decision(engine, &before, &after) }
    },
};

fn split(statement: &Statement) -> Vec<Statement> {
    let actions: Vec<ActionElement> = if statement.action.negated || statement.action.patterns.is_empty() {
        vec![statement.action.clone()]
    } else {
        let one =
            |pattern: &ActionPattern| ActionElement { patterns: vec![pattern.clone()], ..statement.action.clone() };
        statement.action.patterns.iter().map(one).collect()
    };
    let resources = match &statement.resource {
        Some(resource) if !resource.negated && !resource.patterns.is_empty() => {
            let mut parts = Vec::new();
            for pattern in &resource.patterns {
                let mut part = resource.clone();
                part.patterns = vec![pattern.clone()];
                parts.push(Some(part));
            }
            parts
        }
        other => vec![other.clone()],
    };
    let mut parts = Vec::new();
    for action in &actions {
        for resource in &resources {
            parts.push(Statement { action: action.clone(), resource: resource.clone(), ..statement.clone() });
        }
    }
    parts
}

/// R-8.30: `Resource: X` and `NotResource: X`, everything else equal, cover each request exactly once.
///
/// Premises: X contains no null and no hole; so the caller is a user, the mode closed, the only variables of X those
/// that a user has, and no variable is malformed. The policy is the only one, and the user's own.
pub(super) const COMPLEMENT: Law = Law {
    name: "Resource and NotResource are complements",
    rules: &["R-8.30"],
    percent_min: 30,
    check: |engine, entropy| {
        let drawn = crate::generators::sample(entropy);
        let Some(ursula) = Principal::from_arn("arn:aws:iam::111111111111:user/ursula").ok() else {
            return Outcome::Vacuous;
        };
        let named = drawn.request.resources[0].resource.clone();
        let RequestResource::Arn(arn) = &named else { return Outcome::Vacuous };
        // A resource of the caller's partition and account, on whose side nothing is mandatory.
        if arn.partition() != "aws"
            || matches!(arn.service(), "kms" | "organizations")
            || arn.service() == "iam" && arn.account() == "aws"
        {
            return Outcome::Vacuous;
        }
        let mut request = Request::new(ursula, drawn.request.action.clone(), named);
        if ["sts:", "iam:"].iter().any(|prefix| request.action.to_string().starts_with(prefix)) {
            return Outcome::Vacuous;
        }
        request.resources[0].account = request.principal.account();
        request.mode = Mode::Closed;
        let effect = if entropy.chance(50) { Effect::Allow } else { Effect::Deny };
        let text = statement_text(entropy, PolicyKind::Identity, effect, &request);
        let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{text}]}}"#);
        let parsed = Policy::parse(PolicyKind::Identity, Strictness::Lenient, &document).policy;
        let Some(mut statement) = parsed.and_then(|mut policy| policy.statements.pop()) else {
            return Outcome::Vacuous;
        };
        statement.action = ActionElement { negated: false, patterns: vec![ActionPattern::Any], ..statement.action };
        statement.condition = Default::default();
        let Some(resource) = &mut statement.resource else { return Outcome::Vacuous };
        let has_value = |key: &str| matches!(key, "aws:username" | "aws:principalaccount" | "aws:principalarn");
        let settled = |pattern: &Template| {
            pattern.fault().is_none() && pattern.variables().all(|variable| has_value(variable.key.as_str()))
        };
        if !resource.patterns.iter().all(settled) {
            return Outcome::Vacuous;
        }
        let mut applied = Vec::new();
        let mut samples = Vec::new();
        for negated in [false, true] {
            let mut one = statement.clone();
            one.resource.iter_mut().for_each(|resource| resource.negated = negated);
            let mut statements = vec![one];
            if effect == Effect::Deny {
                statements.push(everything(&statement));
            }
            let sample = Sample { world: world_of(&drawn.world, statements), request: request.clone() };
            match engine.decide(&sample.world, &sample.request).map(|answer| answer.decision) {
                Ok(Decision::Allow) => applied.push(effect == Effect::Allow),
                Ok(Decision::ExplicitDeny) => applied.push(true),
                Ok(Decision::ImplicitDeny) => applied.push(false),
                Ok(Decision::Conditional(_)) => {
                    return broken(engine, "everything is known, and the answer is open".to_owned(), &sample, &sample);
                }
                Err(_) => return Outcome::Vacuous,
            }
            samples.push(sample);
        }
        if applied[0] != applied[1] {
            return Outcome::Held;
        }
        broken(engine, format!("both apply: {}", applied[0]), &samples[0], &samples[1])
    },
};

fn everything(like: &Statement) -> Statement {
    let mut statement = Statement { effect: Effect::Allow, ..like.clone() };
    if let Some(resource) = &mut statement.resource {
        resource.negated = false;
        resource.patterns = vec![Template::with_variables("*")];
    }
    statement
}

/// A complete world with one user, who has one policy; the switches are those of `like`.
fn world_of(like: &World, statements: Vec<Statement>) -> World {
    let policy = Policy { kind: PolicyKind::Identity, version: Version::V2012, id: None, statements };
    let mut world = World { settings: like.settings.clone(), assume_complete: true, ..World::default() };
    if let Ok(arn) = "arn:aws:iam::111111111111:user/ursula".parse() {
        let identity = IdentityRecord {
            arn,
            unique_id: None,
            inline: vec![NamedPolicy::new("One", policy)],
            attached: Vec::new(),
            boundary: None,
            tags: None,
            place: None,
        };
        world.users.push(User { identity, groups: Vec::new() });
    }
    world
}
