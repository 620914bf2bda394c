//! World -> our own format: the text that reading gives back as the same world.

use crate::item::{Item, gap_word};
use iamc_policy::World;
use iamc_policy::arn::Arn;
use iamc_policy::decision::Truth;
use iamc_policy::document::PolicyKind;
use iamc_policy::request::{EndpointType, KmsGrant};
use iamc_policy::world::*;
use std::fmt::Display;
use std::io::{self, Write};

/// Writes `world` as JSON Lines (docs/inventory-format.md), one thing a line.
///
/// Reading the text back gives the same world but for places and for the spans inside policies. What belongs to the
/// run and not to the inventory (`settings`, `assume_complete`) is not written. A quarantined policy is written as the
/// text that was read, so that it is quarantined again.
///
/// Errors: those of `out`. Cost: O(bytes written); one line is held in memory at a time.
pub fn write_lines(world: &World, out: &mut dyn Write) -> io::Result<()> {
    let mut line = String::new();
    let mut put = |object: Object| -> io::Result<()> {
        line.clear();
        line.push_str(&object.0);
        line.push_str("}\n");
        out.write_all(line.as_bytes())
    };
    world.organizations.iter().try_for_each(|x| put(organization(x)))?;
    world.units.iter().try_for_each(|x| put(unit(x)))?;
    world.accounts.iter().try_for_each(|x| put(account(x)))?;
    world.guardrails.iter().try_for_each(|x| put(guardrail(x)))?;
    world.policies.iter().try_for_each(|x| put(managed_policy(x)))?;
    world.users.iter().try_for_each(|x| put(user(x)))?;
    world.groups.iter().try_for_each(|x| put(group(x)))?;
    world.roles.iter().try_for_each(|x| put(role(x)))?;
    world.resources.iter().try_for_each(|x| put(resource(x)))?;
    world.endpoints.iter().try_for_each(|x| put(endpoint(x)))?;
    world.providers.iter().try_for_each(|x| put(provider(x)))?;
    world.instance_profiles.iter().try_for_each(|x| put(instance_profile(x)))?;
    world.runs_as.iter().try_for_each(|x| put(runs_as(x)))?;
    world.shares.iter().try_for_each(|x| put(share(x)))?;
    world.last_use.iter().try_for_each(|x| put(last_use(x)))?;
    world.gaps.iter().try_for_each(|x| put(gap(x)))?;
    world.coverage.iter().try_for_each(|x| put(coverage(x)))
}

/// A hash of the lines of `world`, in order: equal for worlds that were written alike ([`write_lines`]).
///
/// Cost: O(bytes of the lines), one of which is held at a time.
pub fn fingerprint(world: &World) -> u64 {
    struct Hash(xxhash_rust::xxh3::Xxh3Default);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(xxhash_rust::xxh3::Xxh3Default::new());
    // A hash takes whatever it is given.
    let _ = write_lines(world, &mut hash);
    hash.0.digest()
}

/// The line of one item: two items say the same iff their lines are the same, wherever they were read.
pub(crate) fn line(item: &Item) -> String {
    let mut object = match item {
        Item::Organization(x) => organization(x),
        Item::Unit(x) => unit(x),
        Item::Account(x) => account(x),
        Item::Guardrail(x) => guardrail(x),
        Item::Policy(x, _) => managed_policy(x),
        Item::User(x) => user(x),
        Item::Group(x) => group(x),
        Item::Role(x) => role(x),
        Item::Resource(x) => resource(x),
        Item::Endpoint(x) => endpoint(x),
        Item::Provider(x) => provider(x),
        Item::InstanceProfile(x) => instance_profile(x),
        Item::RunsAs(x) => runs_as(x),
        Item::Share(x) => share(x),
        Item::LastUse(x) => last_use(x),
        Item::Gap(x) => gap(x),
        Item::Coverage(x) => coverage(x),
    };
    object.0.push('}');
    object.0
}

/// A JSON object being written: everything but its closing brace.
struct Object(String);

impl Object {
    fn empty() -> Object {
        Object("{".into())
    }

    fn of_kind(kind: &str) -> Object {
        Object::empty().text("kind", kind)
    }

    /// Adds a field whose value is JSON already.
    fn raw(mut self, name: &str, json: &str) -> Object {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quote(name));
        self.0.push(':');
        self.0.push_str(json);
        self
    }

    fn text(self, name: &str, value: impl Display) -> Object {
        self.raw(name, &quote(&value.to_string()))
    }

    fn maybe(self, name: &str, value: Option<impl Display>) -> Object {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    fn maybe_boolean(self, name: &str, value: Option<bool>) -> Object {
        match value {
            Some(value) => self.raw(name, if value { "true" } else { "false" }),
            None => self,
        }
    }

    /// Adds a list of strings unless it is empty.
    fn texts<T: Display>(self, name: &str, values: &[T]) -> Object {
        if values.is_empty() {
            return self;
        }
        let values: Vec<String> = values.iter().map(|value| quote(&value.to_string())).collect();
        self.raw(name, &list(&values))
    }

    fn policies(self, name: &str, policies: &[NamedPolicy]) -> Object {
        if policies.is_empty() {
            return self;
        }
        let policies: Vec<String> = policies.iter().map(|p| policy(p, None)).collect();
        self.raw(name, &list(&policies))
    }

    fn resource_policy(self, value: &ResourcePolicy, default_name: &str) -> Object {
        match value {
            ResourcePolicy::NotExported => self,
            ResourcePolicy::None => self.raw("policy", "null"),
            ResourcePolicy::Policy(named) => self.raw("policy", &policy(named, Some(default_name))),
        }
    }

    fn document(self, policy: &NamedPolicy) -> Object {
        match (&policy.text, &policy.source) {
            (PolicyText::Known(known), _) => self.raw("document", &known.to_json()),
            (PolicyText::Unknown(_), Some(source)) => self.text("text", source),
            (PolicyText::Unknown(_), None) => self.raw("document", "null"),
        }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn quote(text: &str) -> String {
    // Writing a string into memory cannot fail; serde_json escapes what must be escaped.
    serde_json::Value::from(text).to_string()
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}

fn policy(policy: &NamedPolicy, default_name: Option<&str>) -> String {
    let object = match default_name {
        Some(default) if default == policy.name => Object::empty(),
        _ => Object::empty().text("name", &policy.name),
    };
    object.document(policy).end()
}

fn tags(tags: &[(String, String)]) -> String {
    tags.iter().fold(Object::empty(), |object, (key, value)| object.text(key, value)).end()
}

fn organization(x: &Organization) -> Object {
    Object::of_kind("organization")
        .text("id", &x.id)
        .text("management_account", x.management_account)
        .maybe_boolean("scp_enabled", x.scp_enabled)
        .maybe_boolean("rcp_enabled", x.rcp_enabled)
        .texts("delegated_administrators", &x.delegated_administrators)
}

fn unit(x: &Unit) -> Object {
    Object::of_kind("organizational_unit")
        .text("id", &x.id)
        .text("organization", &x.organization)
        .maybe("parent", x.parent.as_ref())
        .maybe("name", x.name.as_ref())
}

fn account(x: &Account) -> Object {
    Object::of_kind("account")
        .text("id", x.id)
        .maybe("name", x.name.as_ref())
        .maybe("parent", x.parent.as_ref())
        .maybe("canonical_user", x.canonical_user.as_ref())
        .maybe_boolean("s3_restrict_public_buckets", x.s3_restrict_public_buckets)
}

fn guardrail(x: &Guardrail) -> Object {
    let kind = if x.kind == PolicyKind::Rcp { "rcp" } else { "scp" };
    let object = Object::of_kind("guardrail")
        .text("id", &x.id)
        .text("type", kind)
        .text("name", &x.policy.name)
        .texts("targets", &x.targets);
    let object = if x.implied { object.raw("implied", "true") } else { object };
    object.document(&x.policy)
}

fn managed_policy(x: &ManagedPolicy) -> Object {
    let object = Object::of_kind("policy").text("arn", &x.arn);
    let object =
        if x.policy.name == crate::lines::last_name(&x.arn) { object } else { object.text("name", &x.policy.name) };
    object.document(&x.policy)
}

fn identity(kind: &str, x: &IdentityRecord) -> Object {
    let object = Object::of_kind(kind)
        .text("arn", &x.arn)
        .maybe("unique_id", x.unique_id.as_ref())
        .policies("inline_policies", &x.inline)
        .texts("attached_policies", &x.attached)
        .maybe("permissions_boundary", x.boundary.as_ref());
    match &x.tags {
        Some(pairs) => object.raw("tags", &tags(pairs)),
        None => object,
    }
}

fn user(x: &User) -> Object {
    identity("user", &x.identity).texts("groups", &x.groups)
}

fn group(x: &Group) -> Object {
    identity("group", &x.identity)
}

fn role(x: &Role) -> Object {
    let trust = policy(&x.trust, Some(x.identity.arn.as_str()));
    let object = identity("role", &x.identity).raw("trust_policy", &trust);
    let defaults = &x.session_defaults;
    if *defaults == SessionDefaults::default() {
        return object;
    }
    let inner = Object::empty().policies("policies", &defaults.policies);
    let inner = if defaults.tags.is_empty() { inner } else { inner.raw("tags", &tags(&defaults.tags)) };
    object.raw("session_defaults", &inner.end())
}

fn resource(x: &Resource) -> Object {
    let arn: &Arn = &x.arn;
    let object = Object::of_kind("resource")
        .text("arn", arn)
        .maybe("account", x.account.as_ref())
        .resource_policy(&x.policy, arn.as_str());
    let object = match &x.tags {
        Some(pairs) => object.raw("tags", &tags(pairs)),
        None => object,
    };
    let object = object.maybe_boolean("s3_restrict_public_buckets", x.s3_restrict_public_buckets);
    let object = match &x.kms_grants {
        Some(grants) => object.raw("kms_grants", &list(&grants.iter().map(kms_grant).collect::<Vec<_>>())),
        None => object,
    };
    if x.aws_managed_key { object.raw("aws_managed_key", "true") } else { object }
}

fn kms_grant(x: &KmsGrant) -> String {
    let object = Object::empty()
        .maybe("grantee", x.grantee.as_ref())
        .maybe("retiring", x.retiring.as_ref())
        .texts("operations", &x.operations);
    match x.holds {
        Truth::True => object,
        Truth::False => object.raw("holds", "false"),
        Truth::Unknown => object.text("holds", "unknown"),
    }
    .end()
}

fn endpoint(x: &Endpoint) -> Object {
    let endpoint_type = match x.endpoint_type {
        EndpointType::Gateway => "gateway",
        EndpointType::Interface => "interface",
    };
    Object::of_kind("endpoint")
        .text("id", &x.id)
        .text("account", x.account)
        .maybe("vpc", x.vpc.as_ref())
        .maybe("region", x.region.as_ref())
        .maybe("service", x.service.as_ref())
        .text("endpoint_type", endpoint_type)
        .resource_policy(&x.policy, &x.id)
}

fn provider(x: &Provider) -> Object {
    Object::of_kind("provider").text("arn", &x.arn)
}

fn instance_profile(x: &InstanceProfile) -> Object {
    Object::of_kind("instance_profile").text("arn", &x.arn).texts("roles", &x.roles)
}

fn runs_as(x: &RunsAs) -> Object {
    Object::of_kind("runs_as").text("resource", &x.resource).texts("roles", &x.roles)
}

fn share(x: &Share) -> Object {
    Object::of_kind("share")
        .text("arn", &x.arn)
        .maybe("name", x.name.as_ref())
        .texts("resources", &x.resources)
        .texts("principals", &x.principals)
        .maybe_boolean("allows_external", x.allows_external)
}

fn last_use(x: &LastUse) -> Object {
    Object::of_kind("last_use").text("arn", &x.arn).maybe("at", x.at.as_ref()).maybe("region", x.region.as_ref())
}

fn gap(x: &Gap) -> Object {
    Object::of_kind("gap").text("missing", gap_word(x.kind)).text("subject", &x.subject).text("message", &x.message)
}

fn coverage(x: &Coverage) -> Object {
    Object::of_kind("coverage").text("account", x.account).text("service", &x.service)
}
