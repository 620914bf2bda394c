//! Condition keys: those that do not exist or are never supplied, operators that do not suit them, values that are
//! wider than they look.

use crate::Subject;
use crate::rules::{FOR_ALL_VALUES_ALLOW, KEY_NOT_SUPPLIED, KEY_TYPE, SENSITIVE_WILDCARD, UNKNOWN_KEY, W_MULTI_NOQUAL};
use iamc_catalogue::{ActionFacts, KeyType, lists};
use iamc_policy::action::ActionPattern;
use iamc_policy::condition::{BaseOperator, ConditionAtom, SetOperator};
use iamc_policy::document::{Effect, Statement};
use iamc_policy::json::shown;
use iamc_policy::template::Piece;

pub(crate) fn check(subject: &mut Subject<'_>) {
    subject.begin();
    for statement in &subject.policy.statements {
        for atom in &statement.condition.atoms {
            existence(subject, statement, atom);
            operator(subject, statement, atom);
            sensitive(subject, atom);
        }
    }
}

/// Keys of tokens and assertions are as many as there are providers, and no table lists them.
fn is_of_a_token(key: &str) -> bool {
    let prefix = key.split(':').next().unwrap_or_default();
    prefix.contains('.') || matches!(prefix, "saml" | "ldap")
}

fn existence(subject: &mut Subject<'_>, statement: &Statement, atom: &ConditionAtom) {
    let key = atom.key.as_str();
    if subject.catalogue.n_services() == 0 || is_of_a_token(key) || !key.contains(':') {
        return;
    }
    if subject.catalogue.key(key).is_none() {
        let message = format!("no service declares the condition key `{}`", shown(key));
        let help = "it is always absent: positive operators are false, negated ones and `…IfExists` true (R-4.9)";
        return subject.report(&UNKNOWN_KEY, atom.span, message, help);
    }
    // Those of table 5.2 come with the caller, whatever it asks for.
    let is_global = lists::GLOBAL_KEYS.iter().any(|global| global.name.eq_ignore_ascii_case(key));
    if key.starts_with("aws:") || is_global || statement.action.negated {
        return;
    }
    // Only where every action is known by name does the table say that none of them supplies the key.
    let mut all = Vec::new();
    for pattern in &statement.action.patterns {
        match known(subject, pattern) {
            Some(action) => all.push(action),
            None => return,
        }
    }
    if !all.is_empty() && !all.iter().any(|action| action.lists_key(key)) {
        let message = format!("no action of this statement supplies `{}`", shown(key));
        let help = "it is always absent here: positive operators are false, negated ones and `…IfExists` true (R-4.9)";
        subject.report(&KEY_NOT_SUPPLIED, atom.span, message, help);
    }
}

/// The action that an entry names, if it names one.
pub(crate) fn known<'c>(subject: &Subject<'c>, pattern: &ActionPattern) -> Option<ActionFacts<'c>> {
    let ActionPattern::Named { service, name } = pattern else { return None };
    if name.contains(['*', '?']) { None } else { subject.catalogue.action(service, name) }
}

fn operator(subject: &mut Subject<'_>, statement: &Statement, atom: &ConditionAtom) {
    let (key, operator) = (atom.key.as_str(), atom.operator);
    if operator.base == BaseOperator::Null {
        return;
    }
    if operator.set == Some(SetOperator::ForAllValues) && statement.effect == Effect::Allow {
        let tested = statement.condition.atoms.iter().any(|other| {
            let present = other.operator.base == BaseOperator::Null && other.values.iter().any(|v| v.text() == "false");
            let some = other.operator.set == Some(SetOperator::ForAnyValue);
            other.key == atom.key && (present || some)
        });
        if !tested {
            let message = format!("`{operator}` is true where `{}` is absent", shown(key));
            let help = format!("add `\"Null\": {{\"{}\": \"false\"}}` unless that is meant", shown(key));
            subject.report(&FOR_ALL_VALUES_ALLOW, atom.span, message, &help);
        }
    }
    let Some(facts) = subject.catalogue.key(key) else { return };
    if operator.set.is_none() && facts.multi {
        let message = format!("`{}` may have several values, for which `{operator}` is never true", shown(key));
        let help = format!("write `ForAnyValue:{operator}` or `ForAllValues:{operator}`");
        subject.report(&W_MULTI_NOQUAL, atom.span, message, &help);
    }
    if !suits(operator.base, facts.key_type) {
        let message =
            format!("`{}` is of type {}, which `{operator}` does not compare", shown(key), name_of(facts.key_type));
        let help = "the operator reads the value in its own way all the same (R-4.30)";
        subject.report(&KEY_TYPE, atom.span, message, help);
    }
}

/// Whether an operator reads values of a type. Strings may be compared with anything that is text.
fn suits(operator: BaseOperator, key: KeyType) -> bool {
    use BaseOperator::*;
    match operator {
        StringEquals
        | StringNotEquals
        | StringEqualsIgnoreCase
        | StringNotEqualsIgnoreCase
        | StringLike
        | StringNotLike => !matches!(key, KeyType::IpAddress | KeyType::Binary | KeyType::Date | KeyType::Numeric),
        NumericEquals
        | NumericNotEquals
        | NumericLessThan
        | NumericLessThanEquals
        | NumericGreaterThan
        | NumericGreaterThanEquals => key == KeyType::Numeric,
        // Numbers are seconds since 1970 (R-4.20 and after).
        DateEquals | DateNotEquals | DateLessThan | DateLessThanEquals | DateGreaterThan | DateGreaterThanEquals => {
            matches!(key, KeyType::Date | KeyType::Numeric)
        }
        Bool => matches!(key, KeyType::Bool | KeyType::String),
        BinaryEquals => key == KeyType::Binary,
        IpAddress | NotIpAddress => key == KeyType::IpAddress,
        ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => matches!(key, KeyType::Arn | KeyType::String),
        Null => true,
    }
}

fn name_of(key: KeyType) -> &'static str {
    match key {
        KeyType::String => "String",
        KeyType::Arn => "ARN",
        KeyType::Bool => "Bool",
        KeyType::Numeric => "Numeric",
        KeyType::Date => "Date",
        KeyType::IpAddress => "IPAddress",
        KeyType::Binary => "Binary",
    }
}

fn sensitive(subject: &mut Subject<'_>, atom: &ConditionAtom) {
    let likes = matches!(atom.operator.base, BaseOperator::StringLike | BaseOperator::StringNotLike);
    if !likes || !lists::SENSITIVE_KEYS.contains(&atom.key.as_str()) {
        return;
    }
    let wild = |piece: Piece<'_>| matches!(piece, Piece::Literal(text) if text.contains(['*', '?']));
    let value = atom.values.iter().find(|value| value.pieces().any(wild)).map(|value| shown(value.text()));
    if let Some(value) = value {
        let message = format!("`{value}` matches more than one value of `{}`", atom.key);
        subject.report(&SENSITIVE_WILDCARD, atom.span, message, "name each value in full");
    }
}
