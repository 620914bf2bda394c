//! The authorizations that one request needs, each with its action, resource and owner.

use crate::actions::ActionFlags;
use crate::ask::{ActionRef, Ask, ResourceRef};
use crate::caller::Kind;
use crate::eval::{ActionIds, Eval, Key, Target, Unit};
use crate::keys::{REQUESTED_REGION, SOURCE_IDENTITY, STS_SOURCE_IDENTITY, TAG_KEYS};
use crate::layout::NONE;
use crate::logic::{K, Logic, Tri};
use crate::pattern::Subject;
use crate::record::{Open, Plain, Recorder};
use crate::scratch::{State, Text};
use crate::set::CompiledPolicySet;
use iamc_catalogue::lists;
use iamc_policy::AccountId;
use iamc_policy::decision::UnitId;
use iamc_policy::request::RequestError;
use iamc_policy::settings::EmptyIsNull;

/// The actions that a call may need besides its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Implied {
    TagSession,
    SetSourceIdentity,
    SetContext,
}

impl Implied {
    pub(crate) fn action(self) -> ActionRef<'static> {
        let name = match self {
            Implied::TagSession => "TagSession",
            Implied::SetSourceIdentity => "SetSourceIdentity",
            Implied::SetContext => "SetContext",
        };
        ActionRef { service: "sts", name }
    }

    /// The unit of the action on the resource with that index.
    pub(crate) fn unit(self, resource: u32) -> UnitId {
        UnitId::Implied { resource, action: self.action().to_string() }
    }
}

/// Why a unit is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A resource of the request, by position.
    Resource(u32),
    /// A further action named by the caller of the engine, by position.
    Additional(u32),
    /// An action that follows from the call, on the resource with that position.
    Implied(Implied, u32),
}

impl Origin {
    /// The unit in which it is evaluated whether an implied action is asked for.
    pub(crate) fn asks_in(self) -> Option<(Implied, usize)> {
        match self {
            Origin::Implied(implied, first) => Some((implied, first as usize)),
            Origin::Resource(_) | Origin::Additional(_) => None,
        }
    }
}

/// A unit by numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UnitSpec {
    pub(crate) origin: Origin,
    pub(crate) action: ActionIds,
    /// `None`: nobody's, or AWS's own (R-6.53 c).
    pub(crate) owner: Option<AccountId>,
    /// Whether the unit is asked for at all.
    pub(crate) asked: Tri,
}

impl UnitSpec {
    pub(crate) fn nothing() -> UnitSpec {
        let action = ActionIds { service: NONE, position: NONE, flags: ActionFlags::default(), name: Text::EMPTY };
        UnitSpec { origin: Origin::Resource(0), action, owner: None, asked: K::TRUE }
    }

    /// The name of the unit in explanations.
    pub(crate) fn id(&self, ask: &Ask<'_>) -> UnitId {
        match self.origin {
            Origin::Resource(index) => UnitId::Resource(index),
            Origin::Additional(at) => UnitId::Additional { at, action: self.action_of(ask).to_string() },
            Origin::Implied(implied, resource) => implied.unit(resource),
        }
    }

    pub(crate) fn action_of<'a>(&self, ask: &Ask<'a>) -> ActionRef<'a> {
        match self.origin {
            Origin::Resource(_) => ask.action(),
            Origin::Additional(at) => ask.additional(at as usize).0,
            Origin::Implied(implied, _) => implied.action(),
        }
    }

    pub(crate) fn resource_of<'a>(&self, ask: &Ask<'a>) -> ResourceRef<'a> {
        match self.origin {
            Origin::Resource(at) | Origin::Implied(_, at) => ask.resource(at as usize),
            Origin::Additional(at) => ask.additional(at as usize).1,
        }
    }
}

/// Ids and flags of an action.
pub(crate) fn action_ids(
    set: &CompiledPolicySet,
    arena: &mut crate::scratch::Arena,
    action: ActionRef<'_>,
) -> ActionIds {
    let whole = arena.concat(&[action.service.as_bytes(), b":", action.name.as_bytes()]);
    let Text::Buffer { start, len } = whole else { return UnitSpec::nothing().action };
    arena.bytes[start..].make_ascii_lowercase();
    let skip = action.service.len() + 1;
    let name = Text::Buffer { start: start + skip, len: len - skip };
    let lower = &arena.bytes[start..start + len];
    let service = set.find_service(&lower[..skip - 1]).unwrap_or(NONE);
    match set.find_action(service, lower) {
        Some(id) => ActionIds { service, position: set.position(service, id), flags: set.action_flags(id), name },
        _ => {
            let facts = set.catalogue().action(action.service, action.name);
            let flags = ActionFlags::of(action.service, action.name, facts);
            ActionIds { service, position: NONE, flags, name }
        }
    }
}

impl<'a> Eval<'a> {
    /// fills `scratch.units`, resources first, then additional actions.
    pub(crate) fn find_units(&mut self) -> Result<(), RequestError> {
        let main = action_ids(self.set, &mut self.s.arena, self.ask.action());
        self.find_units_of(main)
    }

    /// The same with the ids of the request's action.
    pub(crate) fn find_units_of(&mut self, main: ActionIds) -> Result<(), RequestError> {
        let ask = self.ask;
        for at in 0..ask.n_resources() {
            self.push_unit(Origin::Resource(at as u32), main, K::TRUE)?;
        }
        for at in 0..ask.n_additional() {
            let ids = action_ids(self.set, &mut self.s.arena, ask.additional(at).0);
            self.push_unit(Origin::Additional(at as u32), ids, K::TRUE)?;
        }
        let flags = main.flags;
        let assumes = flags.has(ActionFlags::TRUST) && flags.has(ActionFlags::ASSUME_ROLE_ANY);
        let implied: &[Implied] = if assumes {
            &[Implied::TagSession, Implied::SetSourceIdentity, Implied::SetContext]
        } else if flags.has(ActionFlags::GET_FEDERATION_TOKEN) {
            &[Implied::TagSession]
        } else {
            &[]
        };
        if implied.is_empty() {
            return Ok(());
        }
        for first in 0..ask.n_resources() {
            for implied in implied {
                self.enter(first);
                let asked = self.asked(&mut Plain::new(), *implied);
                if asked.is_false() {
                    continue;
                }
                let ids = action_ids(self.set, &mut self.s.arena, implied.action());
                self.push_unit(Origin::Implied(*implied, first as u32), ids, asked)?;
            }
        }
        Ok(())
    }

    fn push_unit(&mut self, origin: Origin, action: ActionIds, asked: Tri) -> Result<(), RequestError> {
        let mut spec = UnitSpec { origin, action, owner: None, asked };
        let resource = spec.resource_of(&self.ask);
        if resource.arn.is_none() && !action.flags.has(ActionFlags::STAR_ACCEPTED) {
            let named = spec.action_of(&self.ask);
            return Err(RequestError {
                code: "E-RESOURCE-NEEDED",
                message: format!("`{named}` acts on a resource: give its ARN in place of `*`"),
                field: "resource",
                rule: "R-9.6",
            });
        }
        spec.owner = self.owner(resource)?;
        self.s.units.push(spec);
        Ok(())
    }

    /// R-6.53 (c).
    fn owner(&mut self, resource: ResourceRef<'_>) -> Result<Option<AccountId>, RequestError> {
        // A wildcard-only action acts in the caller's account.
        let Some(arn) = resource.arn else { return Ok(resource.account.or(self.caller.account)) };
        if resource.account.is_some() {
            return Ok(resource.account);
        }
        if let Some([_, row, ..]) = resource.row.map(|row| self.set.resource(row))
            && row != NONE
        {
            return Ok(AccountId::from_number(self.set.account_number(row)));
        }
        let account = arn.split(':').nth(4).unwrap_or("");
        if !account.is_empty() {
            return Ok(crate::caller::account_id(account.as_bytes()));
        }
        self.find_carriers(arn, resource.row);
        self.entered = None;
        for at in 0..self.s.carriers.len() {
            let [_, account, ..] = self.set.resource(self.s.carriers[at]);
            if account != NONE {
                return Ok(AccountId::from_number(self.set.account_number(account)));
            }
        }
        Err(RequestError {
            code: "E-RESACCT",
            message: format!(
                "the owner of `{arn}` is not known: its ARN names no account and the inventory does not list it; give the resource's account"
            ),
            field: "resource_account",
            rule: "R-5.2",
        })
    }

    /// The row of the owner; looked up by number only where it stands nowhere else.
    fn owner_row(&self, owner: Option<AccountId>, resource: ResourceRef<'_>) -> Option<u32> {
        if owner == self.caller.account {
            return self.caller.account_row;
        }
        let of_resource = resource.row.map_or(NONE, |row| self.set.resource(row)[1]);
        if of_resource != NONE { Some(of_resource) } else { owner.and_then(|owner| self.set.find_account(owner)) }
    }

    /// the recorded resources that are `arn` or contain it, the nearest first: their ARN is a prefix that ends
    /// where a `/` or `:` follows. IAM resources contain nothing.
    pub(crate) fn find_carriers(&mut self, arn: &str, row: Option<u32>) {
        self.s.carriers.clear();
        if self.set.tables().resources.is_empty() {
            return;
        }
        if let Some(mut row) = row {
            while row != NONE {
                self.s.carriers.push(row);
                [.., row] = self.set.resource(row);
            }
            return;
        }
        let text = arn.as_bytes();
        if let found @ Some(_) = self.set.find_resource(text) {
            return self.find_carriers(arn, found);
        }
        let mut colons = text.iter().enumerate().filter(|(_, byte)| **byte == b':').map(|(at, _)| at);
        let (second, third) = (colons.nth(1), colons.next());
        let service = match (second, third) {
            (Some(second), Some(third)) => &arn[second + 1..third],
            _ => return,
        };
        if service == "iam" {
            return;
        }
        let by_slash = lists::SLASH_CONTAINS.contains(&service);
        // An ARN has something behind its fifth colon, so that no shorter prefix is one.
        let Some(fifth) = colons.nth(1) else { return };
        for end in (fifth + 2..text.len()).rev() {
            if (text[end] == b':' || by_slash && text[end] == b'/')
                && let Some(row) = self.set.find_resource(&text[..end])
            {
                self.s.carriers.push(row);
            }
        }
    }

    /// Makes the unit with that position the current one.
    pub(crate) fn enter(&mut self, at: usize) {
        if self.entered == Some(at) {
            return;
        }
        self.entered = Some(at);
        let spec = self.s.units[at];
        let resource = spec.resource_of(&self.ask);
        let arn = resource.arn;
        self.s.begin_unit();
        let action = spec.action_of(&self.ask);
        let subject = arn.map(|arn| Subject::new(arn.as_bytes()));
        let session_service =
            self.session.and_then(|session| session.set.find_service(action.service.as_bytes())).unwrap_or(NONE);
        self.unit = Unit {
            spec,
            action,
            resource,
            arn,
            colons: subject.map_or([0; 5], |subject| subject.colons),
            owner_row: self.owner_row(spec.owner, resource),
            record: None,
            target: Target::Star,
            session_service,
        };
        if let Some(arn) = arn {
            self.find_carriers(arn, resource.row);
            self.unit.record = resource.row.or_else(|| {
                let first = self.s.carriers.first().copied();
                first.filter(|row| self.set.string(self.set.resource(*row)[0]) == arn.as_bytes())
            });
        }
        self.note_unit_keys(resource.context);
        self.unit.target = match subject {
            Some(subject) => Target::Arn(subject),
            None => self.pseudo_resource(),
        };
    }

    ///
    fn pseudo_resource(&mut self) -> Target<'a> {
        let partition = self.ask.who.partition().unwrap_or("aws").as_bytes();
        if self.unit.has(ActionFlags::PSEUDO_ARN_S3) {
            return Target::Pseudo(self.s.arena.concat(&[b"arn:", partition, b":s3:::*"]));
        }
        if !self.unit.has(ActionFlags::PSEUDO_ARN_DYNAMODB) {
            return Target::Star;
        }
        let digits = self.unit.owner().map(|owner| crate::caller::digits(owner.number()));
        let account = digits.as_ref().map_or(&[][..], |digits| digits.as_slice());
        let key = self.special(REQUESTED_REGION);
        let region = match self.state(&key) {
            State::Values { first, .. } => self.value(first),
            State::Absent => Text::EMPTY,
            State::Present | State::Unknown => {
                // No policy spells out these Regions, so an entry that matches both does so by a star.
                let mut arn = |region: &[u8]| {
                    self.s.arena.concat(&[b"arn:", partition, b":dynamodb:", region, b":", account, b":*"])
                };
                return Target::AnyRegion(arn(&[1]), arn(&[1, 1]));
            }
        };
        let arena = &mut self.s.arena;
        let start = arena.bytes.len();
        arena.concat(&[b"arn:", partition, b":dynamodb:"]);
        arena.append(self.set, region);
        arena.concat(&[b":", account, b":*"]);
        Target::Pseudo(Text::Buffer { start, len: arena.bytes.len() - start })
    }

    // ---- is an action asked for? ----

    /// True iff one of the keys is present that ask for the action, which is the condition `Null {key: false}`.
    pub(crate) fn asked<R: Recorder>(&mut self, recorder: &mut R, implied: Implied) -> R::Value {
        let ask = self.ask;
        let mut many = <R::Value as Logic>::Many::default();
        let mut add = |eval: &mut Self, key: Key<'a>| {
            let present = eval.is_present(&key);
            let value = eval.lift(recorder, present, Open::Asks { key, implied });
            R::Value::push(&mut many, value);
        };
        match implied {
            Implied::TagSession => add(self, self.special(TAG_KEYS)),
            Implied::SetSourceIdentity => {
                add(self, self.special(STS_SOURCE_IDENTITY));
                if self.caller.kind == Kind::RoleSession {
                    add(self, self.special(SOURCE_IDENTITY));
                }
            }
            Implied::SetContext => {}
        }
        let families: &[&str] = match implied {
            Implied::TagSession => &["aws:requesttag/"],
            Implied::SetSourceIdentity => &[],
            Implied::SetContext => &["sts:requestcontext/", "sts:requestcontextproviders"],
        };
        let contexts = std::iter::once(ask.context).chain((0..ask.n_resources()).map(|at| ask.resource(at).context));
        for key in contexts.flat_map(|context| context.keys()) {
            if families.iter().any(|family| key.as_str().starts_with(family)) {
                add(self, self.named_key(key.as_str().as_bytes()));
            }
        }
        R::Value::any(many)
    }

    /// The condition `Null {key: false}`.
    pub(crate) fn is_present(&mut self, key: &Key<'_>) -> Tri {
        self.is_null(key).not()
    }

    /// N of.
    pub(crate) fn is_null(&mut self, key: &Key<'_>) -> Tri {
        match self.state(key) {
            State::Absent => K::TRUE,
            State::Present => K::FALSE,
            State::Unknown => K::UNKNOWN,
            State::Values { first, count, .. } => {
                let empty_counts = match self.set.settings().empty_is_null {
                    EmptyIsNull::Multi => self.is_multi(key),
                    EmptyIsNull::Every => true,
                    EmptyIsNull::None => false,
                };
                let all_empty = || (first..first + count).all(|at| self.value_bytes(at).is_empty());
                K::constant(empty_counts && all_empty())
            }
        }
    }
}
