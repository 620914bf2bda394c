//! What an owner wants to know of a whole organization, as findings with stable names.

use super::ask;
use super::fact::{Form, Holds, Identity};
use super::steps::Caller;
use super::world::{Origin, known_text};
use super::{Goal, Path, Reach, ReachError};
use iamc_policy::principal::Principal;
use iamc_policy::request::{Request, RequestResource, ResourceInRequest};
use iamc_policy::source::Place;
use iamc_policy::world::ResourcePolicy;
use iamc_policy::{AccountId, Action, Arn};
use std::collections::BTreeSet;
use xxhash_rust::xxh3::xxh3_64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $text:literal: $what:literal,)+) => {
        /// Kinds of findings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum AuditKind { $($(#[$doc])* $variant,)+ }

        impl AuditKind {
            /// Every kind, in the order of a report.
            pub const ALL: &'static [AuditKind] = &[$(AuditKind::$variant),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self { $(AuditKind::$variant => $text),+ }
            }

            /// What it says, in one sentence.
            pub fn describe(self) -> &'static str {
                match self { $(AuditKind::$variant => $what),+ }
            }
        }
    };
}

kinds! {
    /// Somebody without credentials, or in any account whatsoever, may use a resource.
    PublicResource = "public-resource": "everybody, or every AWS account, may use the resource",
    /// An account outside the organization that the policy names may use a resource.
    ExternalResource = "external-resource": "an account outside the organization may use the resource",
    /// Anybody in any account may assume a role, or anybody who can get a provider's token.
    PublicRole = "public-role": "anybody in any account may assume the role",
    /// An account outside the organization that the trust policy names, or an identity provider, may assume a role.
    ExternalRole = "external-role": "somebody outside the organization may assume the role",
    /// Somebody who is no administrator can become one.
    Escalation = "escalation": "somebody who is no administrator can become one",
    /// An administrator as it is.
    Administrator = "administrator": "an administrator of an account",
    /// Somebody of one account can take a role of another one directly.
    CrossAccount = "cross-account": "an account reaches a role of another one",
    /// An SCP or RCP that is attached to nothing, or to nothing that it binds.
    IdleGuardrail = "idle-guardrail": "a guardrail binds nobody",
}

/// One finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Its kind.
    pub kind: AuditKind,
    /// True iff it holds whatever is not known.
    pub definite: bool,
    /// What it is about: an ARN, or the id of a guardrail.
    pub subject: String,
    /// The account in which that lies.
    pub account: Option<AccountId>,
    /// What was found, in a sentence.
    pub message: String,
    /// Where the subject stands in the export.
    pub place: Option<Place>,
    /// The same as long as kind, subject and who is meant are the same, wherever they stand and however they came about.
    pub fingerprint: u64,
    /// For escalations and roles: how.
    pub path: Option<Path>,
}

/// What is asked of a resource, by service: what its data is worth to a stranger. For buckets an object is asked about where
/// the action is about one.
const USES: &[(&str, &str, &str)] = &[
    ("s3", "s3:GetObject", "/iamc-probe"),
    ("s3", "s3:PutObject", "/iamc-probe"),
    ("s3", "s3:ListBucket", ""),
    ("sqs", "sqs:SendMessage", ""),
    ("sqs", "sqs:ReceiveMessage", ""),
    ("sns", "sns:Publish", ""),
    ("sns", "sns:Subscribe", ""),
    ("lambda", "lambda:InvokeFunction", ""),
    ("kms", "kms:Decrypt", ""),
    ("secretsmanager", "secretsmanager:GetSecretValue", ""),
    ("ecr", "ecr:BatchGetImage", ""),
    ("dynamodb", "dynamodb:GetItem", ""),
    ("kinesis", "kinesis:GetRecords", ""),
    ("events", "events:PutEvents", ""),
];

fn fingerprint(kind: AuditKind, subject: &str, who: &str) -> u64 {
    xxh3_64(format!("{}\0{subject}\0{who}", kind.as_str()).as_bytes())
}

impl Reach {
    /// All findings, by kind, then by subject and by who is meant. `definite`: only those that hold whatever is not known.
    ///
    /// # Errors
    /// [`ReachError::Compile`].
    pub fn audit(&mut self, definite: bool) -> Result<Vec<Finding>, ReachError> {
        let mut found = Vec::new();
        self.audit_resources(&mut found)?;
        self.audit_roles(&mut found)?;
        for path in self.to(Goal::AnyAdministrator, definite, usize::MAX)?.paths {
            if self.engine.base.by_arn.get(&path.start).is_some_and(|id| self.is_own(*id)) {
                let subject = path.start.clone();
                let n = path.hops.len();
                let message =
                    format!("{subject} can become {} in {n} step{}", path.goal, if n == 1 { "" } else { "s" });
                let who = path.goal.clone();
                found.push(self.finding(AuditKind::Escalation, path.definite, &subject, &who, message, Some(path)));
            }
        }
        for (account, arn) in self.administrators()? {
            let message = format!("{arn} is administrator of {account}");
            found.push(self.finding(AuditKind::Administrator, true, &arn, "", message, None));
        }
        self.audit_guardrails(&mut found);
        found.retain(|finding| finding.definite || !definite);
        found.sort_by(|a, b| (a.kind, &a.subject, &a.message).cmp(&(b.kind, &b.subject, &b.message)));
        Ok(found)
    }

    fn is_own(&self, id: Identity) -> bool {
        self.engine.base.origin(id) == Origin::Inventory
    }

    fn finding(
        &self,
        kind: AuditKind,
        definite: bool,
        subject: &str,
        who: &str,
        message: String,
        path: Option<Path>,
    ) -> Finding {
        let base = &self.engine.base;
        let own = base.by_arn.get(subject).map(|id| base.record(*id));
        let listed = || base.world.resources.iter().find(|resource| resource.arn.as_str() == subject);
        let (place, account) = match own {
            Some(record) => (record.place.clone(), record.arn.account().parse().ok()),
            None => match listed() {
                Some(resource) => {
                    (resource.place.clone(), resource.account.or_else(|| resource.arn.account().parse().ok()))
                }
                None => (None, None),
            },
        };
        let fingerprint = fingerprint(kind, subject, who);
        Finding { kind, definite, subject: subject.to_owned(), account, message, place, fingerprint, path }
    }

    /// Who outside may use resources, one finding for each resource and outsider.
    fn audit_resources(&mut self, found: &mut Vec<Finding>) -> Result<(), ReachError> {
        for at in 0..self.engine.base.world.resources.len() {
            let resource = &self.engine.base.world.resources[at];
            let ResourcePolicy::Policy(policy) = &resource.policy else { continue };
            // What a text that is not known lets in is not known of anybody.
            if known_text(policy).is_none() {
                continue;
            }
            let (arn, owner) = (resource.arn.clone(), resource.account);
            let named = super::world::named_accounts_of(policy);
            let nobody = self.engine.base.outsiders.iter().copied().max_by_key(|id| !self.engine.base.is_named(*id));
            let outsiders = self.engine.base.outsiders.iter().copied();
            let asked: Vec<Identity> = outsiders
                .filter(|id| Some(*id) == nobody || named.contains(&self.engine.base.account(*id).id))
                .collect();
            let mut public: Option<(Holds, BTreeSet<&str>)> = None;
            let uses = USES.iter().filter(|(service, ..)| *service == arn.service());
            for (_, action, suffix) in uses.clone() {
                let callers =
                    [None, nobody].map(|id| id.map_or(Principal::Anonymous, |id| self.engine.base.principal(id)));
                for principal in callers {
                    if let Some(holds) = self.outside_use(principal, action, &arn, suffix, owner)? {
                        note(&mut public, holds, action);
                    }
                }
            }
            if let Some((holds, actions)) = &public {
                let message = format!("everybody may {} on {arn}", words(actions));
                let definite = *holds == Holds::Definitely;
                found.push(self.finding(AuditKind::PublicResource, definite, arn.as_str(), "", message, None));
            }
            for id in asked.into_iter().filter(|id| Some(*id) != nobody) {
                let account = self.engine.base.account(id).id;
                let mut external: Option<(Holds, BTreeSet<&str>)> = None;
                for (_, action, suffix) in uses.clone() {
                    let is_public = public
                        .as_ref()
                        .is_some_and(|(holds, actions)| *holds == Holds::Definitely && actions.contains(action));
                    let principal = self.engine.base.principal(id);
                    if !is_public && let Some(holds) = self.outside_use(principal, action, &arn, suffix, owner)? {
                        note(&mut external, holds, action);
                    }
                }
                if let Some((holds, actions)) = external {
                    let message = format!("account {account} may {} on {arn}", words(&actions));
                    let definite = holds == Holds::Definitely;
                    let who = account.to_string();
                    found.push(self.finding(AuditKind::ExternalResource, definite, arn.as_str(), &who, message, None));
                }
            }
        }
        Ok(())
    }

    fn outside_use(
        &mut self,
        principal: Principal,
        action: &str,
        arn: &Arn,
        suffix: &str,
        owner: Option<AccountId>,
    ) -> Result<Option<Holds>, ReachError> {
        let action: Action = action.parse().expect("an action of ours");
        let region = if arn.region().is_empty() { ask::GLOBAL_REGION } else { arn.region() };
        let mut request: Request = ask::blank(principal, action, region);
        let Ok(name) = format!("{arn}{suffix}").parse::<Arn>() else { return Ok(None) };
        let mut resource = ResourceInRequest::new(RequestResource::Arn(name));
        resource.account = owner;
        request.resources.push(resource);
        request.facts.session_unknown = matches!(request.principal, Principal::RoleSession { .. });
        request.context.extend(self.engine.stated.keys.clone());
        Ok(self.engine.worlds.decide(&self.engine.base, Form::default(), &request)?)
    }

    /// Who may take roles: outsiders and providers, and roles of other accounts of the inventory.
    fn audit_roles(&mut self, found: &mut Vec<Finding>) -> Result<(), ReachError> {
        for caller in self.engine.starts() {
            for step in self.engine.assumptions(caller)? {
                let super::fact::Fact::Controls(role) = step.conclusion else { continue };
                if self.engine.row(step.row).requests[0].action.service() != "sts" || !self.is_own(role) {
                    continue;
                }
                let base = &self.engine.base;
                let name = self.engine.caller_name(caller);
                let kind = match caller {
                    Caller::Provider(_) if super::starts::is_open(&name) => {
                        let is_definite = step.holds == Holds::Definitely;
                        if is_definite { AuditKind::PublicRole } else { AuditKind::ExternalRole }
                    }
                    Caller::Provider(_) => AuditKind::ExternalRole,
                    Caller::Identity(id) if base.origin(id) == Origin::Outside => {
                        if base.is_named(id) {
                            AuditKind::ExternalRole
                        } else {
                            AuditKind::PublicRole
                        }
                    }
                    Caller::Identity(id) if base.account_of[id as usize] != base.account_of[role as usize] => {
                        AuditKind::CrossAccount
                    }
                    Caller::Identity(_) => continue,
                };
                let subject = base.arn(role).to_string();
                let who = match caller {
                    Caller::Identity(id) if base.origin(id) == Origin::Outside => {
                        if base.is_named(id) {
                            format!("account {}", base.account(id).id)
                        } else {
                            "any account".to_owned()
                        }
                    }
                    _ => name.clone(),
                };
                let may = if step.holds == Holds::Definitely { "may" } else { "may, if what is not known is right," };
                let message = format!("{who} {may} assume {subject}");
                let definite = step.holds == Holds::Definitely;
                let start = name;
                let goal = Goal::Identity(&subject);
                let path = self.between(&start, goal, false)?;
                found.push(self.finding(kind, definite, &subject, &who, message, path));
            }
        }
        Ok(())
    }

    fn audit_guardrails(&self, found: &mut Vec<Finding>) {
        let world = &self.engine.base.world;
        let managers: BTreeSet<String> =
            world.organizations.iter().map(|one| one.management_account.to_string()).collect();
        for guardrail in world.guardrails.iter().filter(|guardrail| !guardrail.implied) {
            let why = if guardrail.targets.is_empty() {
                "it is attached to nothing"
            } else if guardrail.targets.iter().all(|target| managers.contains(target)) {
                "it is attached to the management account alone, which no guardrail binds"
            } else {
                continue;
            };
            let message = format!("{} `{}` binds nobody: {why}", guardrail.kind.name(), guardrail.policy.name);
            let mut finding = self.finding(AuditKind::IdleGuardrail, true, &guardrail.id, "", message, None);
            finding.place = guardrail.policy.place.clone();
            found.push(finding);
        }
    }
}

/// Actions that hold for certain push aside those that only may.
fn note<'a>(known: &mut Option<(Holds, BTreeSet<&'a str>)>, holds: Holds, action: &'a str) {
    match known {
        Some((best, actions)) if *best == holds => {
            actions.insert(action);
        }
        Some((best, _)) if *best < holds => {}
        _ => *known = Some((holds, BTreeSet::from([action]))),
    }
}

fn words(actions: &BTreeSet<&str>) -> String {
    actions.iter().copied().collect::<Vec<_>>().join(", ")
}
