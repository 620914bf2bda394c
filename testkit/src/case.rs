//! The decision-case format of docs/case-format.md: JSON Lines → [`Case`].

mod expect;

pub use expect::{Expect, ExpectedDecision, ExpectedMissing};

use iamc_inventory::request::node::{FieldError, FieldErrorKind, Node};
use iamc_inventory::request::{read_facts, read_inventory_request, read_request};
use iamc_policy::document::Strictness;
use iamc_policy::ids::AccountId;
use iamc_policy::request::{GivenKeys, Mode, Request};
use iamc_policy::settings::Settings;
use iamc_policy::source::Place;
use std::collections::BTreeMap;

/// One decision case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Unique in its file.
    pub id: String,
    /// Numbers of the rules that it exercises, e.g. `R-6.41`.
    pub rules: Vec<String>,
    /// What is asked, with its facts.
    pub request: CaseRequest,
    /// The policies that apply, or the inventory that holds them.
    pub setup: Setup,
    /// The switches.
    pub settings: Settings,
    /// The answer.
    pub expect: Expect,
    /// File and line, where it was read from a file.
    pub place: Option<Place>,
}

/// The request of a case; one that cannot be read is a case too, whose answer is `Invalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseRequest {
    /// Session policies and endpoint are those of the `policies` object until the world is built.
    Known(Box<Request>),
    /// A value in it is not what its field holds.
    Malformed {
        /// The text of `request`.
        request: String,
        /// The text of `facts`, if there are any.
        facts: Option<String>,
        /// What is wrong.
        error: FieldError,
    },
}

/// Where the policies come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setup {
    /// The policies that apply, already resolved.
    Policies(Box<Policies>, Option<Organization>),
    /// The list of inventory lines from which they must be resolved, as JSON text, with its line and column.
    Inventory(String, (u32, u32)),
}

/// The `policies` object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// Identity policies of the principal, its groups' included.
    pub identity: Vec<CasePolicy>,
    /// The permissions boundary.
    pub boundary: Option<Vec<CasePolicy>>,
    /// Session policies, if any were passed.
    pub session: Option<Vec<CasePolicy>>,
    /// Resource-based policies.
    pub resource: ResourcePolicies,
    /// The endpoint policy, if an endpoint is used.
    pub vpc_endpoint: Option<Vec<CasePolicy>>,
    /// SCPs, a list a level, the root first.
    pub scp: Option<Vec<Vec<CasePolicy>>>,
    /// RCPs, likewise.
    pub rcp: Option<Vec<Vec<CasePolicy>>>,
}

/// `policies.resource`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ResourcePolicies {
    /// No resource has a policy.
    #[default]
    None,
    /// The policies of the one resource.
    One(Vec<CasePolicy>),
    /// ARN → policies, in the order of the text.
    Several(Vec<(String, Vec<CasePolicy>)>),
}

/// A policy of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CasePolicy {
    /// Its name; not empty.
    pub name: String,
    /// Its text.
    pub text: CaseText,
    /// File and line where its text begins.
    pub place: Option<Place>,
}

/// The text of a policy of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseText {
    /// `document`: JSON, exactly as written.
    Document(String),
    /// `text`: any text.
    Text(String),
    /// `"document": null`.
    Unknown,
}

/// The `organization` object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account.
    pub management_account: AccountId,
    /// `o-…/r-…/ou-…/`, with the slash at its end; `None`: the principal's account is outside.
    pub principal_path: Option<String>,
    /// Likewise, of the resource's account.
    pub resource_path: Option<String>,
}

/// Why a file of cases cannot be read. A denied request or a differing answer is none of these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct CaseFileError {
    /// File and line.
    pub place: Place,
    /// What is wrong, with the field.
    pub message: String,
}

/// Reads a file of cases, in its order; `file` is its name for messages.
///
/// Blank lines and lines that begin with `//` are skipped. Cost: O(bytes).
///
/// # Errors
/// All of them, a line at most one: text that is no JSON object; an unknown field, fact or setting; a field that is
/// missing or does not hold what it should; an id that stands twice; a file without a case. A value of `request` or
/// `facts` without meaning is no error of the file: the answer to such a case is `Invalid`.
pub fn read_cases(file: &str, text: &str) -> Result<Vec<Case>, Vec<CaseFileError>> {
    let mut cases: Vec<Case> = Vec::new();
    let mut errors = Vec::new();
    let mut lines_by_id = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let place = Place { file: file.into(), line: u32::try_from(index + 1).unwrap_or(u32::MAX) };
        if line.trim().is_empty() || line.starts_with("//") {
            continue;
        }
        match read_case(line, &place) {
            Ok(case) => {
                if let Some(first) = lines_by_id.insert(case.id.clone(), place.line) {
                    let message = format!("`id`: `{}` is the id of line {first} too", case.id);
                    errors.push(CaseFileError { place, message });
                }
                cases.push(case);
            }
            Err(error) => errors.push(CaseFileError { place, message: error.to_string() }),
        }
    }
    if cases.is_empty() && errors.is_empty() {
        let place = Place { file: file.into(), line: 1 };
        errors.push(CaseFileError { place, message: "the file holds no case".to_owned() });
    }
    if errors.is_empty() { Ok(cases) } else { Err(errors) }
}

/// Reads one case, a line of its own.
///
/// # Errors
/// As [`read_cases`].
pub fn read_case(line: &str, place: &Place) -> Result<Case, FieldError> {
    const FIELDS: [&str; 9] =
        ["id", "rules", "request", "policies", "organization", "inventory", "facts", "settings", "expect"];
    let node = Node::parse(line)?;
    let fields = node.fields_of(&FIELDS)?;
    let field = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value);
    let present = |name: &str| field(name).filter(|value| !value.is_null());
    let needed = |name: &str| field(name).ok_or_else(|| node.child(name).error(format!("the case has no `{name}`")));

    let id = needed("id")?.string()?;
    if id.is_empty() {
        return Err(needed("id")?.error("the id is empty"));
    }
    let rules = match present("rules") {
        Some(rules) => rules.items()?.iter().map(read_rule).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let settings = present("settings").map_or(Ok(Settings::default()), read_settings)?;
    let setup = match (present("policies"), present("organization"), present("inventory")) {
        (None, None, Some(lines)) => {
            let (line, column) = lines.position();
            Setup::Inventory(lines.text().to_owned(), (place.line.saturating_add(line - 1), column))
        }
        (_, _, Some(lines)) => {
            return Err(lines.error("`inventory` stands instead of `policies` and `organization`"));
        }
        (policies, organization, None) => {
            let policies = policies.map_or(Ok(Policies::default()), |value| read_policies(value, place))?;
            Setup::Policies(Box::new(policies), organization.map(read_organization).transpose()?)
        }
    };
    let strictness = strictness(&settings);
    let request = read_case_request(needed("request")?, present("facts"), &setup, strictness)?;
    let expect = expect::read(needed("expect")?)?;
    Ok(Case { id, rules, request, setup, settings, expect, place: Some(place.clone()) })
}

/// How forgiving the reader of policies is under these settings.
pub fn strictness(settings: &Settings) -> Strictness {
    if settings.strict { Strictness::Strict } else { Strictness::Lenient }
}

fn read_rule(node: &Node<'_>) -> Result<String, FieldError> {
    let rule = node.string()?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match rule.strip_prefix("R-").and_then(|rest| rest.split_once('.')) {
        Some((section, number)) if is_number(section) && is_number(number) => Ok(rule),
        _ => Err(node.error(format!("`{rule}` is no rule number; write `R-6.41`"))),
    }
}

fn read_settings(node: &Node<'_>) -> Result<Settings, FieldError> {
    let mut settings = Settings::default();
    for (name, value) in node.fields()? {
        settings.set(&name, &value.scalar()?).map_err(|error| value.error(error.to_string()))?;
    }
    Ok(settings)
}

fn read_case_request(
    node: &Node<'_>,
    facts: Option<&Node<'_>>,
    setup: &Setup,
    strictness: Strictness,
) -> Result<CaseRequest, FieldError> {
    let request = match setup {
        Setup::Policies(..) => read_request(node, Mode::Closed),
        Setup::Inventory(..) => read_inventory_request(node, Mode::Closed, strictness),
    };
    let read = request.and_then(|mut request| {
        request.facts = facts.map_or(Ok(Default::default()), read_facts)?;
        request.given_keys = GivenKeys::Pinned;
        Ok(request)
    });
    match read {
        Ok(request) => Ok(CaseRequest::Known(Box::new(request))),
        Err(error) if error.kind() == FieldErrorKind::Value => Ok(CaseRequest::Malformed {
            request: node.text().to_owned(),
            facts: facts.map(|facts| facts.text().to_owned()),
            error,
        }),
        Err(error) => Err(error),
    }
}

/// Reads a `policies` object; `place` is where the text of `node` begins.
///
/// # Errors
/// An unknown field; a value that is not what its field holds. What stands in a document is not looked at.
pub fn read_policies(node: &Node<'_>, place: &Place) -> Result<Policies, FieldError> {
    const FIELDS: [&str; 7] = ["identity", "boundary", "session", "resource", "vpc_endpoint", "scp", "rcp"];
    let list = |value: &Node<'_>| -> Result<Vec<CasePolicy>, FieldError> {
        value.items()?.iter().map(|item| read_policy(item, place)).collect()
    };
    let levels =
        |value: &Node<'_>| -> Result<Vec<Vec<CasePolicy>>, FieldError> { value.items()?.iter().map(list).collect() };
    let mut policies = Policies::default();
    for (name, value) in &node.fields_of(&FIELDS)? {
        if value.is_null() {
            continue;
        }
        match name.as_str() {
            "identity" => policies.identity = list(value)?,
            "boundary" => policies.boundary = Some(list(value)?),
            "session" => policies.session = Some(list(value)?),
            "vpc_endpoint" => policies.vpc_endpoint = Some(list(value)?),
            "scp" => policies.scp = Some(levels(value)?),
            "rcp" => policies.rcp = Some(levels(value)?),
            _ if value.is_object() => {
                let mut several = Vec::new();
                for (arn, value) in value.fields()? {
                    several.push((arn, if value.is_null() { Vec::new() } else { list(&value)? }));
                }
                policies.resource = ResourcePolicies::Several(several);
            }
            _ => policies.resource = ResourcePolicies::One(list(value)?),
        }
    }
    Ok(policies)
}

fn read_policy(node: &Node<'_>, place: &Place) -> Result<CasePolicy, FieldError> {
    let mut policy_name = None;
    let mut text = None;
    for (name, value) in &node.fields_of(&["name", "document", "text"])? {
        let line = place.line.saturating_add(value.position().0 - 1);
        let mut set = |new: CaseText| match text.replace((new, line)) {
            None => Ok(()),
            Some(_) => Err(node.error("write `document` or `text`, not both")),
        };
        match name.as_str() {
            "name" => policy_name = Some(value.string()?),
            "text" => set(CaseText::Text(value.string()?))?,
            _ if value.is_null() => set(CaseText::Unknown)?,
            _ => set(CaseText::Document(value.text().to_owned()))?,
        }
    }
    let name = policy_name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| node.child("name").error("the policy has no name"))?;
    let (text, line) = text.ok_or_else(|| node.child("document").error("the policy has no `document`"))?;
    Ok(CasePolicy { name, text, place: Some(Place { file: place.file.clone(), line }) })
}

/// Reads an `organization` object.
///
/// # Errors
/// An unknown or missing field; a value that is not what its field holds.
pub fn read_organization(node: &Node<'_>) -> Result<Organization, FieldError> {
    let mut id = None;
    let mut management_account = None;
    let mut principal_path = None;
    let mut resource_path = None;
    for (name, value) in &node.fields_of(&["id", "management_account", "principal_path", "resource_path"])? {
        match name.as_str() {
            "id" => id = Some(value.string()?),
            "management_account" => management_account = Some(value.parsed::<AccountId>()?),
            _ if value.is_null() => {}
            "principal_path" => principal_path = Some(read_path(value)?),
            _ => resource_path = Some(read_path(value)?),
        }
    }
    let missing = |name: &str| node.child(name).error(format!("the organization has no `{name}`"));
    Ok(Organization {
        id: id.filter(|id| !id.is_empty()).ok_or_else(|| missing("id"))?,
        management_account: management_account.ok_or_else(|| missing("management_account"))?,
        principal_path,
        resource_path,
    })
}

fn read_path(node: &Node<'_>) -> Result<String, FieldError> {
    let path = node.string()?;
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or("").split('/').collect();
    if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
        return Err(node.error(format!("`{path}` is no path; write `o-…/r-…/ou-…/`, with the slash at its end")));
    }
    Ok(path)
}
