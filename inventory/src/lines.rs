//! Our own format: one JSON object a line -> [`Item`]s. docs/inventory-format.md describes every kind and field.

use crate::documents::{DocumentText, Documents, Notes};
use crate::error::shorten;
use crate::item::{GAP_KINDS, Item, gap_word};
use crate::json::{Fields, Node};
use iamc_policy::arn::Arn;
use iamc_policy::decision::Truth;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::request::{EndpointType, KmsGrant};
use iamc_policy::source::Place;
use iamc_policy::world::*;
use std::fmt::Display;
use std::str::FromStr;

/// The kinds of lines, as a help text lists them.
pub(crate) const KINDS: &str = "organization, organizational_unit, account, guardrail, policy, user, group, role, \
                                resource, endpoint, provider, instance_profile, runs_as, share, last_use, gap, coverage";

/// Reads lines of our own format.
pub(crate) struct LineReader<'r> {
    pub(crate) documents: &'r Documents,
    pub(crate) notes: &'r mut Notes,
}

/// Keyed text: the tags of something, in the order read.
type Tags = Vec<(String, String)>;

impl LineReader<'_> {
    /// Reads one object; `None` where it holds a mistake that leaves nothing to go on with.
    pub(crate) fn item(&mut self, node: Node<'_>) -> Option<Item> {
        let mut fields = node.fields(&mut self.notes.mistakes)?.noting();
        let Some(kind) = fields.get("kind") else {
            self.notes.mistakes.push(node.error("the field `kind` is missing", format!("`kind` is one of {KINDS}")));
            return None;
        };
        let kind_text = kind.string(&mut self.notes.mistakes)?;
        let place = node.place();
        let f = &mut fields;
        let item = match &*kind_text {
            "organization" => self.organization(f, place).map(|x| Item::Organization(Box::new(x))),
            "organizational_unit" => self.unit(f, place).map(|x| Item::Unit(Box::new(x))),
            "account" => self.account(f, place).map(|x| Item::Account(Box::new(x))),
            "guardrail" => self.guardrail(f).map(|x| Item::Guardrail(Box::new(x))),
            "policy" => self.managed_policy(f).map(|policy| Item::Policy(Box::new(policy), None)),
            "user" => self.user(f, place).map(|user| Item::User(Box::new(user))),
            "group" => self.group(f, place).map(|group| Item::Group(Box::new(group))),
            "role" => self.role(f, place).map(|role| Item::Role(Box::new(role))),
            "resource" => self.resource(f, place).map(|resource| Item::Resource(Box::new(resource))),
            "endpoint" => self.endpoint(f, place).map(|x| Item::Endpoint(Box::new(x))),
            "provider" => self.provider(f, place).map(|x| Item::Provider(Box::new(x))),
            "instance_profile" => self.instance_profile(f, place).map(|x| Item::InstanceProfile(Box::new(x))),
            "runs_as" => self.runs_as(f, place).map(|x| Item::RunsAs(Box::new(x))),
            "share" => self.share(f, place).map(|x| Item::Share(Box::new(x))),
            "last_use" => self.last_use(f, place).map(|x| Item::LastUse(Box::new(x))),
            "gap" => self.gap(f, place).map(|x| Item::Gap(Box::new(x))),
            "coverage" => self.coverage(f, place).map(|x| Item::Coverage(Box::new(x))),
            other => {
                let message = format!("unknown kind `{}`", shorten(other));
                self.notes.mistakes.push(kind.error(message, format!("`kind` is one of {KINDS}")));
                return None;
            }
        };
        fields.finish(&format!("the line of kind `{kind_text}`"), &mut self.notes.mistakes);
        item
    }

    /// Parses the text of `node`; its type's own message says what was expected.
    fn parse<T: FromStr<Err: Display>>(&mut self, node: Node<'_>, help: &str) -> Option<T> {
        let text = node.string(&mut self.notes.mistakes)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.notes.mistakes.push(node.error(error.to_string(), help));
                None
            }
        }
    }

    fn arn(&mut self, node: Node<'_>) -> Option<Arn> {
        self.parse(node, "write the whole ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`")
    }

    fn need_arn(&mut self, f: &mut Fields<'_>) -> Option<Arn> {
        let node = f.need("arn", &mut self.notes.mistakes)?;
        self.arn(node)
    }

    /// An ARN that must be one of IAM's, with a certain word before its path and name.
    fn need_iam_arn(&mut self, f: &mut Fields<'_>, word: &str) -> Option<Arn> {
        let node = f.need("arn", &mut self.notes.mistakes)?;
        let arn = self.arn(node)?;
        self.check_iam_arn(node, arn, word)
    }

    fn check_iam_arn(&mut self, node: Node<'_>, arn: Arn, word: &str) -> Option<Arn> {
        if is_iam(&arn, word) {
            return Some(arn);
        }
        let help = format!("write `arn:aws:iam::ACCOUNT:{word}/PATH/NAME`");
        let message = format!("expected the ARN of an IAM {word}, got `{}`", shorten(arn.as_str()));
        self.notes.mistakes.push(node.error(message, help));
        None
    }

    fn policy_arn(&mut self, node: Node<'_>) -> Option<Arn> {
        let arn = self.arn(node)?;
        self.check_iam_arn(node, arn, "policy")
    }

    fn policy_arns(&mut self, f: &mut Fields<'_>, name: &'static str) -> Vec<Arn> {
        let items = f.get_list(name, &mut self.notes.mistakes);
        items.into_iter().filter_map(|item| self.policy_arn(item)).collect()
    }

    fn account_id(&mut self, node: Node<'_>) -> Option<AccountId> {
        self.parse(node, "write the account number as a string of 12 digits, in quotes")
    }

    fn need_account(&mut self, f: &mut Fields<'_>, name: &'static str) -> Option<AccountId> {
        let node = f.need(name, &mut self.notes.mistakes)?;
        self.account_id(node)
    }

    /// An object of strings, as tags are written.
    fn tags(&mut self, node: Node<'_>) -> Option<Tags> {
        let fields = node.fields(&mut self.notes.mistakes)?;
        let mut tags = Vec::with_capacity(fields.all().len());
        for field in fields.all() {
            let value = field.value.string(&mut self.notes.mistakes)?;
            tags.push((field.name.to_string(), value.into_owned()));
        }
        Some(tags)
    }

    /// One of a few words.
    fn word<T: Copy>(&mut self, node: Node<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = node.string(&mut self.notes.mistakes)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let message = format!("unexpected word `{}`", shorten(&text));
        self.notes.mistakes.push(node.error(message, format!("write {}", all.join(" or "))));
        None
    }

    /// The document of a policy whose fields are `f`: `document` (an object, or null: unknown) or `text`.
    fn document(&mut self, f: &mut Fields<'_>, kind: PolicyKind, name: String) -> Option<NamedPolicy> {
        let (document, text) = (f.any("document"), f.any("text"));
        match (document, text) {
            (Some(node), None) if node.is_null() => {
                let mut policy = NamedPolicy::unknown(name);
                policy.place = Some(node.place());
                Some(policy)
            }
            (Some(node), None) if node.is_object() => {
                let document = DocumentText { text: node.raw(), literal: false, at: node, verbatim: true };
                Some(self.documents.read(kind, name, &document, self.notes))
            }
            (None, Some(node)) => {
                let text = node.string(&mut self.notes.mistakes)?;
                let document = DocumentText { text: &text, literal: false, at: node, verbatim: false };
                Some(self.documents.read(kind, name, &document, self.notes))
            }
            (Some(node), None) => {
                let message =
                    format!("`document` is the policy itself, an object, or null; this is {}", node.type_name());
                let help = "write the policy as an object; null if its text is not known; a text that is no JSON \
                            object into `text`";
                self.notes.mistakes.push(node.error(message, help));
                None
            }
            (Some(_), Some(node)) => {
                self.notes.mistakes.push(node.error("both `document` and `text` are given", "keep one of the two"));
                None
            }
            (None, None) => {
                let help = "add `document`, the policy as an object; null if its text is not known";
                self.notes.mistakes.push(f.node.error("the field `document` is missing", help));
                None
            }
        }
    }

    /// A policy object: `name`, and `document` or `text`. Without a default its name must be given.
    fn policy(&mut self, node: Node<'_>, kind: PolicyKind, default_name: Option<&str>) -> Option<NamedPolicy> {
        let mut fields = node.fields(&mut self.notes.mistakes)?.noting();
        let name = match default_name {
            Some(default) => match fields.get("name") {
                Some(name) => name.string(&mut self.notes.mistakes)?.into_owned(),
                None => default.to_owned(),
            },
            None => fields.need_string("name", &mut self.notes.mistakes)?.into_owned(),
        };
        let policy = self.document(&mut fields, kind, name);
        fields.finish("a policy", &mut self.notes.mistakes);
        policy
    }

    fn policies(&mut self, f: &mut Fields<'_>, name: &'static str, kind: PolicyKind) -> Vec<NamedPolicy> {
        let items = f.get_list(name, &mut self.notes.mistakes);
        items.into_iter().filter_map(|item| self.policy(item, kind, None)).collect()
    }

    /// `policy` of a resource or endpoint: absent, nobody fetched it; null, there is none; else the policy.
    fn resource_policy(&mut self, f: &mut Fields<'_>, kind: PolicyKind, name: &str) -> Option<ResourcePolicy> {
        match f.any("policy") {
            None => Some(ResourcePolicy::NotExported),
            Some(node) if node.is_null() => Some(ResourcePolicy::None),
            Some(node) => self.policy(node, kind, Some(name)).map(ResourcePolicy::Policy),
        }
    }

    fn organization(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Organization> {
        let id = f.need_string("id", &mut self.notes.mistakes);
        let management_account = self.need_account(f, "management_account");
        let scp_enabled = f.get_boolean("scp_enabled", &mut self.notes.mistakes);
        let rcp_enabled = f.get_boolean("rcp_enabled", &mut self.notes.mistakes);
        let delegated = f.get_list("delegated_administrators", &mut self.notes.mistakes);
        let delegated_administrators = delegated.into_iter().filter_map(|node| self.account_id(node)).collect();
        Some(Organization {
            id: id?.into_owned(),
            management_account: management_account?,
            scp_enabled,
            rcp_enabled,
            delegated_administrators,
            place: Some(place),
        })
    }

    fn unit(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Unit> {
        let id = f.need_string("id", &mut self.notes.mistakes);
        let organization = f.need_string("organization", &mut self.notes.mistakes);
        let parent = f.get_string("parent", &mut self.notes.mistakes);
        let name = f.get_string("name", &mut self.notes.mistakes);
        Some(Unit { id: id?.into_owned(), organization: organization?.into_owned(), parent, name, place: Some(place) })
    }

    fn account(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Account> {
        let id = self.need_account(f, "id");
        let name = f.get_string("name", &mut self.notes.mistakes);
        let parent = f.get_string("parent", &mut self.notes.mistakes);
        let canonical_user = f.get_string("canonical_user", &mut self.notes.mistakes);
        let s3_restrict_public_buckets = f.get_boolean("s3_restrict_public_buckets", &mut self.notes.mistakes);
        Some(Account { id: id?, name, parent, canonical_user, s3_restrict_public_buckets, place: Some(place) })
    }

    fn guardrail(&mut self, f: &mut Fields<'_>) -> Option<Guardrail> {
        let id = f.need_string("id", &mut self.notes.mistakes);
        let kind = f.need("type", &mut self.notes.mistakes);
        let kind = kind.and_then(|node| self.word(node, &[("scp", PolicyKind::Scp), ("rcp", PolicyKind::Rcp)]));
        let name = f.get_string("name", &mut self.notes.mistakes);
        let targets = f.get_strings("targets", &mut self.notes.mistakes);
        let implied = f.get_boolean("implied", &mut self.notes.mistakes).unwrap_or(false);
        // Without a type the document is read as an SCP, so that its field counts as known.
        let shown = name.or_else(|| id.as_deref().map(str::to_owned)).unwrap_or_default();
        let policy = self.document(f, kind.unwrap_or(PolicyKind::Scp), shown);
        Some(Guardrail { id: id?.into_owned(), kind: kind?, policy: policy?, targets, implied })
    }

    fn managed_policy(&mut self, f: &mut Fields<'_>) -> Option<ManagedPolicy> {
        let arn = self.need_iam_arn(f, "policy");
        let name = f.get_string("name", &mut self.notes.mistakes);
        let shown = name.or_else(|| arn.as_ref().map(|arn| last_name(arn).to_owned())).unwrap_or_default();
        let policy = self.document(f, PolicyKind::Identity, shown);
        Some(ManagedPolicy { arn: arn?, policy: policy? })
    }

    fn identity(&mut self, f: &mut Fields<'_>, word: &str, place: Place) -> Option<IdentityRecord> {
        let arn = self.need_iam_arn(f, word);
        let unique_id = f.get_string("unique_id", &mut self.notes.mistakes);
        let inline = self.policies(f, "inline_policies", PolicyKind::Identity);
        let attached = self.policy_arns(f, "attached_policies");
        let boundary = match word {
            "group" => None,
            _ => f.get("permissions_boundary").and_then(|node| self.policy_arn(node)),
        };
        let tags = f.get("tags").and_then(|node| self.tags(node));
        let unique_id = unique_id.map(Into::into);
        Some(IdentityRecord { arn: arn?, unique_id, inline, attached, boundary, tags, place: Some(place) })
    }

    fn user(&mut self, f: &mut Fields<'_>, place: Place) -> Option<User> {
        let identity = self.identity(f, "user", place);
        let groups = f.get_strings("groups", &mut self.notes.mistakes);
        Some(User { identity: identity?, groups })
    }

    fn group(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Group> {
        Some(Group { identity: self.identity(f, "group", place)? })
    }

    fn role(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Role> {
        let identity = self.identity(f, "role", place);
        let name = identity.as_ref().map(|identity| identity.arn.to_string()).unwrap_or_default();
        let trust = match f.get("trust_policy") {
            Some(node) => self.policy(node, PolicyKind::Trust, Some(&name)),
            None => Some(NamedPolicy::unknown(name)),
        };
        let session_defaults = match f.get("session_defaults") {
            Some(node) => self.session_defaults(node),
            None => Some(SessionDefaults::default()),
        };
        Some(Role { identity: identity?, trust: trust?, session_defaults: session_defaults? })
    }

    fn session_defaults(&mut self, node: Node<'_>) -> Option<SessionDefaults> {
        let mut fields = node.fields(&mut self.notes.mistakes)?.noting();
        let policies = self.policies(&mut fields, "policies", PolicyKind::Session);
        let tags = match fields.get("tags") {
            Some(node) => self.tags(node),
            None => Some(Tags::new()),
        };
        fields.finish("session_defaults", &mut self.notes.mistakes);
        Some(SessionDefaults { policies, tags: tags? })
    }

    fn resource(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Resource> {
        let node = f.need("arn", &mut self.notes.mistakes);
        let arn = node.and_then(|node| self.arn(node));
        if let (Some(node), Some(arn)) = (node, &arn)
            && is_iam(arn, "role")
        {
            let help = "write a line of kind `role`, with its `trust_policy`";
            self.notes.mistakes.push(node.error("a role is not given as a resource", help));
        }
        let account = f.get("account").map(|node| self.account_id(node));
        let name = arn.as_ref().map(Arn::to_string).unwrap_or_default();
        let kind = arn.as_ref().map_or(PolicyKind::Resource, policy_kind);
        let policy = self.resource_policy(f, kind, &name);
        let tags = f.get("tags").map(|node| self.tags(node));
        let s3_restrict_public_buckets = f.get_boolean("s3_restrict_public_buckets", &mut self.notes.mistakes);
        let kms_grants = f.get("kms_grants").and_then(|node| {
            let items = node.list(&mut self.notes.mistakes)?;
            Some(items.into_iter().filter_map(|item| self.kms_grant(item)).collect())
        });
        let aws_managed_key = f.get_boolean("aws_managed_key", &mut self.notes.mistakes).unwrap_or(false);
        Some(Resource {
            arn: arn?,
            account: optional(account)?,
            policy: policy?,
            tags: optional(tags)?,
            s3_restrict_public_buckets,
            kms_grants,
            aws_managed_key,
            place: Some(place),
        })
    }

    fn kms_grant(&mut self, node: Node<'_>) -> Option<KmsGrant> {
        let mut fields = node.fields(&mut self.notes.mistakes)?.noting();
        let grantee = fields.get_string("grantee", &mut self.notes.mistakes);
        let retiring = fields.get_string("retiring", &mut self.notes.mistakes);
        let operations = fields.get_strings("operations", &mut self.notes.mistakes);
        let holds = match fields.get("holds") {
            None => Truth::True,
            Some(node) => match node.raw() {
                "true" => Truth::True,
                "false" => Truth::False,
                "\"unknown\"" => Truth::Unknown,
                _ => {
                    let help = "write true, false or \"unknown\"";
                    self.notes.mistakes.push(node.error("`holds` says whether the grant's constraints hold", help));
                    return None;
                }
            },
        };
        fields.finish("a KMS grant", &mut self.notes.mistakes);
        Some(KmsGrant { grantee, retiring, operations, holds })
    }

    fn endpoint(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Endpoint> {
        let id = f.need_string("id", &mut self.notes.mistakes);
        let account = self.need_account(f, "account");
        let vpc = f.get_string("vpc", &mut self.notes.mistakes);
        let region = f.get_string("region", &mut self.notes.mistakes);
        let service = f.get_string("service", &mut self.notes.mistakes);
        let types = [("gateway", EndpointType::Gateway), ("interface", EndpointType::Interface)];
        let endpoint_type = f.need("endpoint_type", &mut self.notes.mistakes).and_then(|node| self.word(node, &types));
        let name = id.as_deref().unwrap_or_default().to_owned();
        let policy = self.resource_policy(f, PolicyKind::Endpoint, &name);
        Some(Endpoint {
            id: id?.into_owned(),
            account: account?,
            vpc,
            region,
            service,
            endpoint_type: endpoint_type?,
            policy: policy?,
            place: Some(place),
        })
    }

    fn provider(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Provider> {
        Some(Provider { arn: self.need_arn(f)?, place: Some(place) })
    }

    fn arns(&mut self, f: &mut Fields<'_>, name: &'static str) -> Vec<Arn> {
        let items = f.get_list(name, &mut self.notes.mistakes);
        items.into_iter().filter_map(|item| self.arn(item)).collect()
    }

    fn instance_profile(&mut self, f: &mut Fields<'_>, place: Place) -> Option<InstanceProfile> {
        let arn = self.need_iam_arn(f, "instance-profile");
        let roles = self.arns(f, "roles");
        Some(InstanceProfile { arn: arn?, roles, place: Some(place) })
    }

    fn runs_as(&mut self, f: &mut Fields<'_>, place: Place) -> Option<RunsAs> {
        let resource = f.need("resource", &mut self.notes.mistakes).and_then(|node| self.arn(node));
        let roles = f.get_list("roles", &mut self.notes.mistakes);
        let roles = roles
            .into_iter()
            .filter_map(|node| {
                let arn = self.arn(node)?;
                self.check_iam_arn(node, arn, "role")
            })
            .collect();
        Some(RunsAs { resource: resource?, roles, place: Some(place) })
    }

    fn share(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Share> {
        let arn = self.need_arn(f);
        let name = f.get_string("name", &mut self.notes.mistakes);
        let resources = self.arns(f, "resources");
        let principals = f.get_strings("principals", &mut self.notes.mistakes);
        let allows_external = f.get_boolean("allows_external", &mut self.notes.mistakes);
        Some(Share { arn: arn?, name, resources, principals, allows_external, place: Some(place) })
    }

    fn last_use(&mut self, f: &mut Fields<'_>, place: Place) -> Option<LastUse> {
        let arn = self.need_arn(f);
        let at = f.get_string("at", &mut self.notes.mistakes);
        let region = f.get_string("region", &mut self.notes.mistakes);
        Some(LastUse { arn: arn?, at, region, place: Some(place) })
    }

    fn gap(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Gap> {
        let words: Vec<(&str, GapKind)> = GAP_KINDS.iter().map(|kind| (gap_word(*kind), *kind)).collect();
        let kind = f.need("missing", &mut self.notes.mistakes).and_then(|node| self.word(node, &words));
        let subject = f.need_string("subject", &mut self.notes.mistakes);
        let message = f.get_string("message", &mut self.notes.mistakes);
        let (kind, subject) = (kind?, subject?.into_owned());
        let message = message
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| format!("{} of {subject} are missing", gap_word(kind)));
        Some(Gap { kind, subject, message, place: Some(place) })
    }

    fn coverage(&mut self, f: &mut Fields<'_>, place: Place) -> Option<Coverage> {
        let account = self.need_account(f, "account");
        let service = f.need_string("service", &mut self.notes.mistakes);
        Some(Coverage { account: account?, service: service?.into_owned(), place: Some(place) })
    }
}

/// Turns "given, but wrong" into nothing at all, and keeps "not given".
fn optional<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        Some(None) => None,
        Some(Some(value)) => Some(Some(value)),
        None => Some(None),
    }
}

/// Whether `arn` is that of an IAM thing of the type `word`, such as `role`.
pub(crate) fn is_iam(arn: &Arn, word: &str) -> bool {
    let name = arn.resource().strip_prefix(word).and_then(|rest| rest.strip_prefix('/'));
    arn.service() == "iam" && name.is_some_and(|name| !name.is_empty())
}

/// What the resource-based policy of a resource is read as: KMS keys have key policies.
pub(crate) fn policy_kind(arn: &Arn) -> PolicyKind {
    if arn.service() == "kms" { PolicyKind::Key } else { PolicyKind::Resource }
}

/// The name at the end of an IAM ARN, without type and path.
pub(crate) fn last_name(arn: &Arn) -> &str {
    arn.resource().rsplit('/').next().unwrap_or_default()
}
