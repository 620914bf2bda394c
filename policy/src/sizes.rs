//! How large a policy document may be for AWS (R-1.37): findings only, never a reason to refuse.

use crate::diagnostic::{Diagnostic, Severity};
use crate::document::PolicyKind;
use crate::source::Span;

/// What is counted, and the quota.
struct Quota {
    n: usize,
    limit: usize,
    unit: &'static str,
    help: &'static str,
}

/// The findings about the size of a document that is to be stored as a policy of this kind; none or one.
///
/// White space does not count for the kinds that IAM stores, and counts for the others. The limits are AWS's
/// defaults, for one document: sums over the inline policies of a user are not looked at here, and the quota of a
/// resource policy is that of S3 bucket policies, as the document does not say what it is attached to.
///
/// Rule: R-1.37. Panics: never. Cost: O(bytes).
///
/// ```
/// use iamc_policy::{PolicyKind, sizes::size_findings};
/// assert!(size_findings(PolicyKind::Scp, &" ".repeat(5_120)).is_empty());
/// assert_eq!(size_findings(PolicyKind::Scp, &" ".repeat(5_121)).len(), 1);
/// assert!(size_findings(PolicyKind::Identity, &" ".repeat(10_000)).is_empty());
/// ```
pub fn size_findings(kind: PolicyKind, text: &str) -> Vec<Diagnostic> {
    let dense = || text.chars().filter(|c| !c.is_whitespace()).count();
    let quota = match kind {
        PolicyKind::Identity | PolicyKind::Boundary => Quota {
            n: dense(),
            limit: 6_144,
            unit: "characters without white space",
            help: "split it into several managed policies; the inline policies of a role may have 10,240 in all",
        },
        PolicyKind::Session => Quota {
            n: dense(),
            limit: 2_048,
            unit: "characters without white space",
            help: "pass managed policies by their ARNs instead",
        },
        PolicyKind::Trust => Quota {
            n: dense(),
            limit: 2_048,
            unit: "characters without white space",
            help: "the quota is raised on request",
        },
        PolicyKind::Resource => Quota {
            n: text.len(),
            limit: 20 * 1024,
            unit: "bytes",
            help: "that is the limit of S3 bucket policies; other services have others",
        },
        PolicyKind::Key => Quota { n: text.len(), limit: 32 * 1024, unit: "bytes", help: "use grants for some of it" },
        PolicyKind::Endpoint => {
            Quota { n: text.chars().count(), limit: 20_480, unit: "characters", help: "white space counts: remove it" }
        }
        PolicyKind::Scp | PolicyKind::Rcp => Quota {
            n: text.chars().count(),
            limit: 5_120,
            unit: "characters",
            help: "white space counts where the policy is not stored through the console: remove it",
        },
    };
    if quota.n <= quota.limit {
        return Vec::new();
    }
    vec![Diagnostic {
        severity: Severity::Warning,
        code: "size",
        rule: "R-1.37",
        message: format!("the {kind} policy has {} {}, limit {}", quota.n, quota.unit, quota.limit),
        help: Some(quota.help.to_owned()),
        span: Span::new(0, text.len()),
        position: (1, 1),
        invalidates: false,
    }]
}
