//! Does an ARN look like one of an action's resource types? For findings only, never for a decision.

use crate::code::{Filling, Reached};
use crate::pattern::{Pattern, Subject, encode, matches};
use iamc_catalogue::ActionFacts;
use iamc_policy::{PolicyKind, Settings, Template};

/// True iff the ARN matches a template of one of the action's resource types.
pub(crate) fn fits(facts: ActionFacts<'_>, arn: &str) -> bool {
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
