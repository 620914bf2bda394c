//! One request under evaluation: what every part of a decision reads.

use crate::actions::ActionFlags;
use crate::ask::{ActionRef, Ask, ResourceRef};
use crate::caller::Caller;
use crate::keys::{Cardinality, KeyClass, cardinality, class_unless_special};
use crate::pattern::Subject;
use crate::scratch::{Scratch, State, Text};
use crate::set::{CompiledPolicySet, CompiledSession};
use crate::units::UnitSpec;
use iamc_policy::{AccountId, Mode};

/// Whose tables a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The compiled set.
    Base,
    /// Session policies passed with the request.
    Session,
}

/// A condition key, of the set or not.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key<'a> {
    /// NONE: no key of the base set.
    pub(crate) id: u32,
    pub(crate) class: KeyClass,
    /// `None`: not looked up, since it is seldom asked for.
    pub(crate) cardinality: Option<Cardinality>,
    pub(crate) text: &'a [u8],
    pub(crate) tag: &'a [u8],
    pub(crate) bits: Option<u32>,
}

/// An action by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ActionIds {
    /// NONE: no policy and no catalogue knows the service.
    pub(crate) service: u32,
    /// Position among the actions of its service; NONE: unknown.
    pub(crate) position: u32,
    pub(crate) flags: ActionFlags,
    /// The name in ASCII lower case.
    pub(crate) name: Text,
}

/// What the entries of `Resource` are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// The request's ARN.
    Arn(Subject<'a>),
    /// The pseudo-resource.
    Star,
    /// A string that stands for it.
    Pseudo(Text),
    /// One that holds a Region which is not known: with Regions of one and of two characters.
    AnyRegion(Text, Text),
}

/// The authorization unit that is being decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unit<'a> {
    pub(crate) spec: UnitSpec,
    pub(crate) action: ActionRef<'a>,
    pub(crate) resource: ResourceRef<'a>,
    pub(crate) arn: Option<&'a str>,
    /// Where the components of the ARN end.
    pub(crate) colons: [usize; 5],
    pub(crate) owner_row: Option<u32>,
    /// The row of exactly this resource.
    pub(crate) record: Option<u32>,
    pub(crate) target: Target<'a>,
    /// Service of the action in the session policies' tables.
    pub(crate) session_service: u32,
}

impl<'a> Unit<'a> {
    pub(crate) fn has(&self, flag: ActionFlags) -> bool {
        self.spec.action.flags.has(flag)
    }

    pub(crate) fn owner(&self) -> Option<AccountId> {
        self.spec.owner
    }

    /// A component of the ARN; empty for the pseudo-resource.
    pub(crate) fn component(&self, index: usize) -> &'a str {
        let start = if index == 0 { 0 } else { self.colons[index - 1].saturating_add(1) };
        let end = if index == 5 { None } else { Some(self.colons[index]) };
        self.arn.and_then(|arn| arn.get(start..end.unwrap_or(arn.len()))).unwrap_or("")
    }
}

/// One request under evaluation.
pub(crate) struct Eval<'a> {
    pub(crate) set: &'a CompiledPolicySet,
    pub(crate) ask: Ask<'a>,
    pub(crate) session: Option<&'a CompiledSession>,
    pub(crate) caller: Caller,
    pub(crate) unit: Unit<'a>,
    /// Position of `unit` among the units, once it is one of them.
    pub(crate) entered: Option<usize>,
    pub(crate) s: &'a mut Scratch,
}

impl<'a> Eval<'a> {
    pub(crate) fn open(&self) -> bool {
        self.ask.mode == Mode::Open
    }

    /// The tables that a row belongs to.
    pub(crate) fn tables_of(&self, whose: Whose) -> &'a CompiledPolicySet {
        match (whose, self.session) {
            (Whose::Session, Some(session)) => &session.set,
            _ => self.set,
        }
    }

    pub(crate) fn bytes(&self, text: Text) -> &[u8] {
        self.s.text(self.set, text)
    }

    /// A text for explanations.
    pub(crate) fn text(&self, text: Text) -> String {
        String::from_utf8_lossy(self.bytes(text)).into_owned()
    }

    /// The key with that id.
    pub(crate) fn key(&self, whose: Whose, id: u32) -> Key<'a> {
        match whose {
            Whose::Base => self.base_key(id),
            Whose::Session => self.named_key(self.tables_of(whose).key(id).text),
        }
    }

    fn base_key(&self, id: u32) -> Key<'a> {
        let row = self.set.key(id);
        let cardinality = Some(row.cardinality);
        Key { id, class: row.class, cardinality, text: row.text, tag: row.tag, bits: row.bits }
    }

    /// One of the special keys.
    pub(crate) fn special(&self, id: u32) -> Key<'a> {
        self.base_key(id)
    }

    /// The key with that canonical name.
    pub(crate) fn named_key<'k>(&self, canonical: &'k [u8]) -> Key<'k>
    where
        'a: 'k,
    {
        match self.set.find_key(canonical) {
            Some(id) => self.base_key(id),
            None => self.unlisted_key(std::str::from_utf8(canonical).unwrap_or_default()),
        }
    }

    /// The key with that canonical name, which the set does not have.
    pub(crate) fn unlisted_key<'k>(&self, canonical: &'k str) -> Key<'k> {
        let (class, tag) = class_unless_special(canonical);
        let tag = tag.unwrap_or_default().as_bytes();
        Key { id: crate::layout::NONE, class, cardinality: None, text: canonical.as_bytes(), tag, bits: None }
    }

    /// what is declared of a key.
    pub(crate) fn cardinality(&self, key: &Key<'_>) -> Cardinality {
        key.cardinality.unwrap_or_else(|| {
            cardinality(std::str::from_utf8(key.text).unwrap_or_default(), key.class, self.set.catalogue())
        })
    }

    // ---- states of keys as values of the arena ----

    pub(crate) fn one(&mut self, text: Text) -> State {
        let first = self.s.arena.values.len() as u32;
        self.s.arena.values.push(text);
        State::Values { first, count: 1, many: false }
    }

    /// A list of one value.
    pub(crate) fn list(&mut self, text: Text) -> State {
        match self.one(text) {
            State::Values { first, count, .. } => State::Values { first, count, many: true },
            other => other,
        }
    }

    pub(crate) fn one_str(&mut self, text: &str) -> State {
        let text = self.s.arena.push(text.as_bytes());
        self.one(text)
    }

    /// The text of value `index` of the arena.
    pub(crate) fn value(&self, index: u32) -> Text {
        self.s.arena.values[index as usize]
    }

    pub(crate) fn value_bytes(&self, index: u32) -> &[u8] {
        self.bytes(self.value(index))
    }
}
