//! Condition keys of a request in closed mode: derived, given or absent (section 5).

use iamc_policy::request::{Context, Values};
use iamc_policy::{ConditionKey, KeyState, SmolStr};

/// A condition key, classified when the policy was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Key {
    PrincipalArn,
    PrincipalAccount,
    PrincipalOrgId,
    PrincipalOrgPaths,
    PrincipalIsAwsService,
    PrincipalType,
    UserId,
    UserName,
    PrincipalTag(Box<str>),
    ResourceAccount,
    ResourceOrgId,
    ResourceOrgPaths,
    ResourceTag(Box<str>),
    MultiFactorAuthPresent,
    /// Present iff the request gives it.
    Given(ConditionKey),
}

impl Key {
    pub(super) fn of(key: &ConditionKey) -> Key {
        let text = key.as_str();
        if let Some(tag) = text.strip_prefix("aws:principaltag/") {
            return Key::PrincipalTag(tag.into());
        }
        if let Some(tag) = text.strip_prefix("aws:resourcetag/") {
            return Key::ResourceTag(tag.into());
        }
        match text {
            "aws:principalarn" => Key::PrincipalArn,
            "aws:principalaccount" => Key::PrincipalAccount,
            "aws:principalorgid" => Key::PrincipalOrgId,
            "aws:principalorgpaths" => Key::PrincipalOrgPaths,
            "aws:principalisawsservice" => Key::PrincipalIsAwsService,
            "aws:principaltype" => Key::PrincipalType,
            "aws:userid" => Key::UserId,
            "aws:username" => Key::UserName,
            "aws:resourceaccount" => Key::ResourceAccount,
            "aws:resourceorgid" => Key::ResourceOrgId,
            "aws:resourceorgpaths" => Key::ResourceOrgPaths,
            "aws:multifactorauthpresent" => Key::MultiFactorAuthPresent,
            _ => Key::Given(key.clone()),
        }
    }
}

/// Tags by canonical name.
pub(super) type Tags = Box<[(Box<str>, Box<str>)]>;

/// What the keys of one request are.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys<'a> {
    pub(super) principal_arn: &'a str,
    pub(super) principal_account: &'a str,
    pub(super) principal_org: Option<&'a Place>,
    pub(super) is_role: bool,
    pub(super) user_id: Option<String>,
    pub(super) user_name: Option<&'a str>,
    pub(super) principal_tags: &'a [(Box<str>, Box<str>)],
    /// `None`: absent.
    pub(super) resource_account: Option<String>,
    pub(super) resource_org: Option<&'a Place>,
    pub(super) resource_tags: &'a [(Box<str>, Box<str>)],
    pub(super) given: Option<&'a Context>,
}

/// Where an account lies in its organization.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) organization: String,
    /// `o-…/r-…/ou-…/`.
    pub(super) path: SmolStr,
}

/// The state of a key; closed mode knows no other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State<'a> {
    Absent,
    One(&'a str),
    Many(&'a [SmolStr]),
}

impl<'a> State<'a> {
    pub(super) fn values(self) -> impl Iterator<Item = &'a str> {
        let (one, many) = match self {
            State::Absent => (None, [].as_slice()),
            State::One(value) => (Some(value), [].as_slice()),
            State::Many(values) => (None, values),
        };
        one.into_iter().chain(many.iter().map(SmolStr::as_str))
    }
}

impl Keys<'_> {
    pub(super) fn state(&self, key: &Key) -> State<'_> {
        match key {
            Key::PrincipalArn => State::One(self.principal_arn),
            Key::PrincipalAccount => State::One(self.principal_account),
            Key::PrincipalOrgId => one(self.principal_org.map(|place| place.organization.as_str())),
            Key::PrincipalOrgPaths => self.principal_org.map_or(State::Absent, Place::paths),
            Key::PrincipalIsAwsService => State::One("false"),
            Key::PrincipalType => State::One(if self.is_role { "AssumedRole" } else { "User" }),
            Key::UserId => one(self.user_id.as_deref()),
            Key::UserName => one(self.user_name),
            Key::PrincipalTag(name) => tag(self.principal_tags, name),
            Key::ResourceAccount => one(self.resource_account.as_deref()),
            Key::ResourceOrgId => one(self.resource_org.map(|place| place.organization.as_str())),
            Key::ResourceOrgPaths => self.resource_org.map_or(State::Absent, Place::paths),
            Key::ResourceTag(name) => tag(self.resource_tags, name),
            // a role session without MFA; a user with long-term keys.
            Key::MultiFactorAuthPresent => one(self.is_role.then_some("false")),
            Key::Given(key) => match self.given.and_then(|given| given.get(key)) {
                Some(KeyState::Values(Values::One(value))) => State::One(value),
                Some(KeyState::Values(Values::Many(values))) => State::Many(values),
                _ => State::Absent,
            },
        }
    }

    /// the value of a variable; `None`: it has none.
    pub(super) fn variable(&self, key: &Key) -> Option<&str> {
        match self.state(key) {
            State::One(value) if !value.is_empty() => Some(value),
            _ => None,
        }
    }
}

fn one(value: Option<&str>) -> State<'_> {
    value.map_or(State::Absent, State::One)
}

fn tag<'t>(tags: &'t [(Box<str>, Box<str>)], name: &str) -> State<'t> {
    one(tags.iter().find(|(own, _)| **own == *name).map(|(_, value)| &**value))
}

impl Place {
    fn paths(&self) -> State<'_> {
        State::Many(std::slice::from_ref(&self.path))
    }
}
