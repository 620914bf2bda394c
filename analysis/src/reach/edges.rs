//! Edges in a file: what sweeps found in one run, for the questions of later ones.
//!
//! ```text
//! 0   magic "IAMCEDG" 0x1a
//! 8   format:u32  reserved (0):u32
//! 16  total length:u64
//! 24  checksum of all other bytes:u64
//! 32  what it was made from:u64
//! 40  body: numbers of seven bits a byte, the low ones first
//! ```
//!
//! The fixed part is little-endian. The body is what is kept in memory: bundles of the world as it is, those of accounts in
//! other forms, administrators, and by form roles elsewhere with those who may assume them; ascending lists as differences. It names things by number, so the hash of what it was made
//! from covers the inventory in its order, what a question states, the catalogue and the table. Checksums tell damage, not
//! malice; whatever the bytes are, numbers lie within their bounds afterwards.

use super::fact::{Fact, Form, Holds, Identity, Thing};
use super::reachable::{Abroad, Graph};
use super::steps::{Caller, Engine};
use super::sweep::{Bundle, By};
use super::world::Origin;
use super::{Reach, ReachError};
use crate::{Family, primitives};
use std::sync::Arc;
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

const MAGIC: [u8; 8] = *b"IAMCEDG\x1a";
/// The format that this version writes and reads. It is raised with every change of what is searched, too.
pub const EDGES_FORMAT: u32 = 2;
const HEAD_LEN: usize = 40;
const CHECKSUM_AT: std::ops::Range<usize> = 24..32;

/// Why bytes are no edges for a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EdgesError {
    /// They are something else.
    #[error("byte 0: this is no file of edges")]
    Foreign,
    /// They were written by another version.
    #[error("byte 8: the file has format {0}, and this version reads {EDGES_FORMAT}")]
    Version(u32),
    /// Something is missing, or has changed since.
    #[error("byte {0}: the file of edges is damaged")]
    Damaged(usize),
    /// They say what is possible elsewhere.
    #[error(
        "byte 32: the edges were made from another inventory, or with another `--given`, `--set`, `--assume-complete` or \
         `--catalogue`"
    )]
    Elsewhere,
}

/// What one caller makes true by one step (P-1.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge<'e> {
    /// The ARN of a user or role, or the name of a provider.
    pub from: &'e str,
    /// What the step is about: the ARN of a user, role, group or managed policy, or the name of a provider.
    pub to: &'e str,
    /// What holds of that afterwards: `controlled`, `opened` (its policies allow everything), `unbounded` (it has no boundary),
    /// `joined` (by any user of the account), `trust-opened`, `created`.
    pub effect: &'static str,
    /// The row of the table.
    pub row: &'static str,
    /// Its family.
    pub family: Family,
    /// True: it holds whatever is not known. False: that is open, or was not asked.
    pub definite: bool,
}

impl Reach {
    /// Everything that sweeps have found, and the edges of everybody in the world as it is, as bytes; always the same for the
    /// same questions. `source`: a hash of the inventory in its order.
    ///
    /// # Errors
    /// [`ReachError::Compile`].
    ///
    /// Cost: a sweep of all accounts, unless it was made already; O(bytes).
    pub fn edges_to_bytes(&mut self, source: u64) -> Result<Vec<u8>, ReachError> {
        self.engine.make_graph()?;
        let bound = self.engine.bound_to(source);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(EDGES_FORMAT.to_le_bytes());
        bytes.extend([0; HEAD_LEN - 12]);
        self.engine.write_kept(&mut bytes);
        bytes[32..40].copy_from_slice(&bound.to_le_bytes());
        seal(&mut bytes);
        Ok(bytes)
    }

    /// Takes what [`Reach::edges_to_bytes`] wrote, so that it is not asked again. `source`: as there.
    ///
    /// # Errors
    /// [`EdgesError`]; nothing was taken then.
    ///
    /// Cost: O(bytes). Panics: never, whatever the bytes are.
    pub fn edges_from_bytes(&mut self, bytes: &[u8], source: u64) -> Result<(), EdgesError> {
        let fixed = |at: usize| bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes);
        if bytes.get(..8) != Some(&MAGIC) {
            return Err(EdgesError::Foreign);
        }
        let format = fixed(8).ok_or(EdgesError::Damaged(bytes.len()))?;
        if format != u64::from(EDGES_FORMAT) {
            return Err(EdgesError::Version(format as u32));
        }
        let bound = fixed(32).ok_or(EdgesError::Damaged(bytes.len()))?;
        if fixed(16) != Some(bytes.len() as u64) {
            return Err(EdgesError::Damaged(16));
        }
        if fixed(24) != Some(checksum(bytes)) {
            return Err(EdgesError::Damaged(24));
        }
        if bound != self.engine.bound_to(source) {
            return Err(EdgesError::Elsewhere);
        }
        let mut from = Reader { bytes, at: HEAD_LEN };
        self.engine.read_kept(&mut from).map_err(|Damaged| EdgesError::Damaged(from.at))
    }

    /// How much sweeps have found, for [`Reach::edges_to_bytes`]: 0 before the first, and never less than before.
    pub fn n_kept(&self) -> usize {
        let engine = &self.engine;
        usize::from(engine.graph.is_some()) + engine.swept.len() + engine.administrators.len() + engine.abroad.len()
    }

    /// Calls `take` with each edge of the world as it is, by caller in the order of the inventory, then by effect, until it gives
    /// an error: identities that steps would have to make first are no callers here.
    ///
    /// # Errors
    /// [`ReachError::Compile`], and what `take` gives.
    ///
    /// Cost: a sweep of all accounts, unless it was made already; then O(edges). What one caller does is in memory at a time.
    pub fn for_each_edge<E: From<ReachError>>(
        &mut self,
        take: &mut dyn FnMut(Edge<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.engine.make_graph().map_err(ReachError::from)?;
        let engine = &self.engine;
        let Some(graph) = &engine.graph else { return Ok(()) };
        let mut found: Vec<(Fact, By)> = Vec::new();
        for (caller, bundles) in graph.callers() {
            let is_there = match caller {
                Caller::Identity(id) => matches!(engine.base.origin(id), Origin::Inventory | Origin::Outside),
                Caller::Provider(at) => !engine.base.is_made(at),
            };
            if !is_there {
                continue;
            }
            let own = super::fact_of(caller);
            found.clear();
            for (fact, by) in bundles.flat_map(Bundle::gains).filter(|(fact, _)| *fact != own) {
                // One request makes any user of the account a member.
                let fact = if let Fact::Joined(_, group) = fact { Fact::Joined(0, group) } else { fact };
                found.push((fact, by));
            }
            found.sort_unstable();
            found.dedup_by_key(|(fact, _)| *fact);
            let from = engine.caller_name(caller);
            for (fact, by) in &found {
                let row = engine.row(by.row);
                let edge = Edge {
                    from: &from,
                    to: engine.about(*fact),
                    effect: effect(*fact),
                    row: &row.id,
                    family: row.family,
                    definite: by.holds == Holds::Definitely,
                };
                take(edge)?;
            }
        }
        Ok(())
    }
}

/// Writes length and checksum into what is complete otherwise.
fn seal(bytes: &mut [u8]) {
    let length = bytes.len() as u64;
    bytes[16..24].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(bytes);
    bytes[CHECKSUM_AT].copy_from_slice(&checksum.to_le_bytes());
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(&bytes[..CHECKSUM_AT.start]);
    hash.update(bytes.get(CHECKSUM_AT.end..).unwrap_or_default());
    hash.digest()
}

fn effect(fact: Fact) -> &'static str {
    match fact {
        Fact::Controls(_) | Fact::ControlsProvider(_) => "controlled",
        Fact::Opened(_) => "opened",
        Fact::Unbounded(_) => "unbounded",
        Fact::Joined(..) => "joined",
        Fact::TrustOpened(_) => "trust-opened",
        Fact::Created(_) => "created",
        Fact::Administers(_) | Fact::Rewritten | Fact::Uses => "",
    }
}

impl Engine {
    /// A hash of everything that sweeps depend on.
    fn bound_to(&self, source: u64) -> u64 {
        let stated = &self.stated;
        let world = &self.base.world;
        let run = format!("{:?} {:?} {:?} {}", stated.keys, stated.needs, world.settings, world.assume_complete);
        let mut hash = Xxh3Default::new();
        hash.update(&source.to_le_bytes());
        for part in [primitives::TEXT.as_bytes(), env!("CARGO_PKG_VERSION").as_bytes(), run.as_bytes()] {
            hash.update(&xxh3_64(part).to_le_bytes());
        }
        hash.update(&iamc_runtime::image::SEMANTICS.to_le_bytes());
        hash.update(&xxh3_64(&self.worlds.catalogue().to_bytes()).to_le_bytes());
        hash.digest()
    }

    /// What a fact is about, by ARN or name.
    fn about(&self, fact: Fact) -> &str {
        let base = &self.base;
        match fact {
            Fact::Controls(id)
            | Fact::Opened(Thing::Identity(id))
            | Fact::Unbounded(id)
            | Fact::TrustOpened(id)
            | Fact::Created(id) => base.arn(id).as_str(),
            Fact::Opened(Thing::Group(group)) | Fact::Joined(_, group) => {
                base.world.groups[group as usize].identity.arn.as_str()
            }
            Fact::Opened(Thing::Policy(policy)) => base.world.policies[policy as usize].arn.as_str(),
            Fact::ControlsProvider(provider) => &base.providers[provider as usize],
            // Of these no sweep says who makes them true.
            Fact::Administers(_) | Fact::Rewritten | Fact::Uses => "",
        }
    }

    fn write_kept(&self, to: &mut Vec<u8>) {
        let bundles = self.graph.as_ref().map(Graph::bundles).unwrap_or_default();
        put_bundles(to, bundles);
        let mut swept: Vec<_> = self.swept.iter().collect();
        swept.sort_unstable_by_key(|(key, _)| **key);
        put(to, swept.len() as u64);
        for ((account, form, fact), bundles) in swept {
            put(to, u64::from(*account));
            put_form(to, *form);
            put(to, u64::from(fact.is_some()));
            fact.iter().for_each(|fact| put_fact(to, *fact));
            put_bundles(to, bundles);
        }
        let mut administrators: Vec<_> = self.administrators.iter().collect();
        administrators.sort_unstable_by_key(|(key, _)| **key);
        put(to, administrators.len() as u64);
        for ((account, form), list) in administrators {
            put(to, u64::from(*account));
            put_form(to, *form);
            put_ascending(to, list);
        }
        put(to, self.abroad.len() as u64);
        for (form, abroad) in &self.abroad {
            put_form(to, *form);
            put_bundles(to, abroad.bundles());
        }
    }

    fn read_kept(&mut self, from: &mut Reader<'_>) -> Result<(), Damaged> {
        let n_identities = self.base.n_identities;
        let graph = self.read_bundles(from, n_identities + self.base.providers.len() as u32)?;
        let n_accounts = self.base.accounts.len() as u64;
        let mut swept = Vec::new();
        for _ in 0..from.count()? {
            let account = from.below(n_accounts)?;
            let form = self.read_form(from)?;
            let fact = if from.below(2)? == 1 { Some(self.read_fact(from)?) } else { None };
            let bundles: Arc<[Bundle]> = self.read_bundles(from, n_identities)?.into();
            swept.push(((account, form, fact), bundles));
        }
        let mut administrators = Vec::new();
        for _ in 0..from.count()? {
            let account = from.below(n_accounts)?;
            let form = self.read_form(from)?;
            let list: Arc<[Identity]> = from.ascending(n_identities)?.into();
            administrators.push(((account, form), list));
        }
        let mut abroad = Vec::new();
        for _ in 0..from.count()? {
            let form = self.read_form(from)?;
            abroad.push((form, Arc::new(Abroad::of(&self.base, self.read_bundles(from, n_identities)?))));
        }
        if from.at != from.bytes.len() {
            return Err(Damaged);
        }
        self.graph = Some(Graph::of(&self.base, graph));
        self.swept.extend(swept);
        self.administrators.extend(administrators);
        self.abroad.extend(abroad);
        Ok(())
    }

    fn read_form(&self, from: &mut Reader<'_>) -> Result<Form, Damaged> {
        let bits = from.below(16)?;
        let n_places = self.base.group_place.iter().max().map_or(0, |place| u64::from(*place));
        let group = from.below(n_places + 1)?;
        let has = |bit: u32| bits & bit != 0;
        Ok(Form { opened: has(1), unbounded: has(2), trust: has(4), resource: has(8), group })
    }

    fn read_bundles(&self, from: &mut Reader<'_>, n_callers: u32) -> Result<Vec<Bundle>, Damaged> {
        let n_rows = self.table.primitives().len() as u64;
        let mut bundles = Vec::new();
        for _ in 0..from.count()? {
            let callers = from.ascending(n_callers)?;
            let mut gains: Vec<(Fact, By)> = Vec::new();
            for _ in 0..from.count()? {
                let fact = self.read_fact(from)?;
                let row = from.below(n_rows * 2)?;
                let holds = if row & 1 == 0 { Holds::Definitely } else { Holds::Possibly };
                let gain = (fact, By { row: (row >> 1) as u16, holds });
                if gains.last().is_some_and(|last| *last >= gain) {
                    return Err(Damaged);
                }
                gains.push(gain);
            }
            bundles.push(Bundle::new(callers, gains));
        }
        Ok(bundles)
    }

    fn read_fact(&self, from: &mut Reader<'_>) -> Result<Fact, Damaged> {
        let base = &self.base;
        let identity = |from: &mut Reader<'_>| from.below(u64::from(base.n_identities));
        let group = |from: &mut Reader<'_>| from.below(base.world.groups.len() as u64);
        Ok(match from.below(9)? {
            0 => Fact::Controls(identity(from)?),
            1 => Fact::ControlsProvider(from.below(base.providers.len() as u64)?),
            2 => Fact::Opened(Thing::Identity(identity(from)?)),
            3 => Fact::Opened(Thing::Group(group(from)?)),
            4 => Fact::Opened(Thing::Policy(from.below(base.world.policies.len() as u64)?)),
            5 => Fact::Unbounded(identity(from)?),
            6 => Fact::Joined(from.below(u64::from(base.n_users))?, group(from)?),
            7 => Fact::TrustOpened(identity(from)?),
            _ => Fact::Created(identity(from)?),
        })
    }
}

/// A number of seven bits a byte.
fn put(to: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

fn put_ascending(to: &mut Vec<u8>, list: &[u32]) {
    put(to, list.len() as u64);
    let mut least = 0;
    for number in list {
        put(to, u64::from(number - least));
        least = number + 1;
    }
}

fn put_form(to: &mut Vec<u8>, form: Form) {
    let Form { opened, unbounded, group, trust, resource } = form;
    let bits = u64::from(opened) | u64::from(unbounded) << 1 | u64::from(trust) << 2 | u64::from(resource) << 3;
    put(to, bits);
    put(to, u64::from(group));
}

fn put_bundles(to: &mut Vec<u8>, bundles: &[Bundle]) {
    put(to, bundles.len() as u64);
    for bundle in bundles {
        put_ascending(to, &bundle.callers);
        put(to, bundle.facts.len() as u64);
        for (fact, by) in bundle.gains() {
            put_fact(to, fact);
            put(to, u64::from(by.row) << 1 | u64::from(by.holds == Holds::Possibly));
        }
    }
}

fn put_fact(to: &mut Vec<u8>, fact: Fact) {
    let (kind, number, more) = match fact {
        Fact::Controls(id) => (0, id, None),
        Fact::ControlsProvider(provider) => (1, provider, None),
        Fact::Opened(Thing::Identity(id)) => (2, id, None),
        Fact::Opened(Thing::Group(group)) => (3, group, None),
        Fact::Opened(Thing::Policy(policy)) => (4, policy, None),
        Fact::Unbounded(id) => (5, id, None),
        Fact::Joined(user, group) => (6, user, Some(group)),
        Fact::TrustOpened(role) => (7, role, None),
        Fact::Created(id) => (8, id, None),
        // No sweep says who makes these true.
        Fact::Administers(_) | Fact::Rewritten | Fact::Uses => return,
    };
    put(to, kind);
    put(to, u64::from(number));
    more.iter().for_each(|more| put(to, u64::from(*more)));
}

/// The bytes are not what was written.
struct Damaged;

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(Damaged)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damaged)
    }

    /// How many follow, each of at least one byte.
    fn count(&mut self) -> Result<u64, Damaged> {
        let n = self.number()?;
        if n > (self.bytes.len() - self.at) as u64 { Err(Damaged) } else { Ok(n) }
    }

    /// A number less than a bound, which is at most 2³².
    fn below(&mut self, bound: u64) -> Result<u32, Damaged> {
        let number = self.number()?;
        if number < bound { u32::try_from(number).map_err(|_| Damaged) } else { Err(Damaged) }
    }

    fn ascending(&mut self, bound: u32) -> Result<Vec<u32>, Damaged> {
        let n = self.count()?;
        let mut list = Vec::with_capacity(n as usize);
        let mut least = 0;
        for _ in 0..n {
            let number = least + self.below(u64::from(bound.saturating_sub(least)))?;
            list.push(number);
            least = number + 1;
        }
        Ok(list)
    }
}
