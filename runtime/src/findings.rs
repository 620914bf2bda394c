//! Findings about a request. None of them is part of a decision.

use crate::actions::ActionFlags;
use crate::caller::Kind;
use crate::code::{Filling, Reached};
use crate::decide::Verdict;
use crate::eval::Eval;
use crate::layout::NONE;
use crate::pattern::{Pattern, Subject, encode, matches};
use crate::plan::Single;
use crate::principals::EntryKind;
use iamc_catalogue::ActionFacts;
use iamc_policy::{Formula, PolicyKind, Request, Settings, Template};

impl Eval<'_> {
    /// What is worth knowing of the request in this unit.
    pub(crate) fn warnings(&self, request: &Request, verdict: &Verdict<Formula>) -> Vec<String> {
        let unit = &self.unit;
        let mut warnings = Vec::new();
        match self.set.catalogue().action(unit.action.service, unit.action.name) {
            None => warnings.push(format!("W-UNKNOWN-ACTION: the tables do not know `{}`", unit.action)),
            Some(facts) => {
                if let Some(arn) = unit.arn
                    && !fits(facts, arn)
                {
                    let action = unit.action;
                    warnings.push(format!("W-RESTYPE: the tables list no resource like `{arn}` for `{action}`"));
                }
            }
        }
        if verdict.foreign_rcp {
            warnings.push(
                "W-FOREIGN-RCP: the owner of the resource is outside the inventory, its RCPs are not known".into(),
            );
        }
        let across = self.caller.kind == Kind::Anonymous || self.is_cross_account();
        let no_acl = self.ask.facts.acl_allows.is_none();
        if unit.has(ActionFlags::S3) && unit.arn.is_some() && across && no_acl {
            warnings.push("W-S3-ACL: access control lists are not modelled and taken to allow nothing".into());
        }
        if self.caller.not_found && !self.set.assume_complete() {
            let principal = &request.principal;
            warnings.push(format!("W-UNKNOWN-PRINCIPAL: the inventory does not list `{principal}`"));
        }
        if let Single::Instance(instance) = verdict.plan.resource {
            let [body, ..] = self.set.instance(instance);
            let statements = if body == NONE { &[] } else { self.set.body_statements(body) };
            for statement in statements {
                let [.., test] = self.set.statement(*statement);
                let entries = if test == NONE { &[] } else { self.set.principal_test(test).1 };
                for entry in entries {
                    if EntryKind::read(entry[0]) == Some(EntryKind::CanonicalUser)
                        && self.canonical_account(self.set.string(entry[1])).is_none()
                    {
                        let id = self.set.text(entry[1]);
                        warnings.push(format!("W-CANONICAL: no account is known for the canonical user `{id}`"));
                    }
                }
            }
        }
        warnings
    }
}

/// True iff the ARN matches a template of one of the action's resource types.
fn fits(facts: ActionFacts<'_>, arn: &str) -> bool {
    let settings = Settings::default();
    let mut reached = Reached::default();
    facts.resource_types().any(|(resource_type, _)| {
        resource_type.arn_templates().any(|template| {
            let entry = Template::literal(with_stars(template));
            let encoded = encode(&entry, PolicyKind::Identity, &settings, &mut |_| 0);
            Pattern::read(&encoded.bytes, encoded.shape, encoded.min_len).is_some_and(|pattern| {
                matches(&pattern, &Subject::new(arn.as_bytes()), &settings, &mut reached, |_| Filling::Hole)
            })
        })
    })
}

/// A template with a star in place of each `${…}`.
fn with_stars(template: &str) -> String {
    let mut parts = template.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('*');
        text.push_str(part.split_once('}').map_or("", |(_, behind)| behind));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use iamc_catalogue::Catalogue;

    #[test]
    fn types_of_an_action() {
        let facts = Catalogue::embedded().action("sqs", "SendMessage").unwrap();
        assert!(fits(facts, "arn:aws:sqs:us-east-1:111111111111:q"));
        assert!(!fits(facts, "arn:aws:sns:us-east-1:111111111111:t"));
        assert_eq!(with_stars("arn:${Partition}:s3:::${B}/x${K}"), "arn:*:s3:::*/x*");
    }
}
