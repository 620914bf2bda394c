//! What rows name beyond the set: sessions, and resources that the set does not list.

use super::recent::Recent;
use super::texts::Texts;
use crate::layout::NONE;
use crate::set::{CompiledPolicySet, CompiledSession};
use iamc_policy::AccountId;

/// Session policies of a table of [`Sessions`], by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionPoliciesId(u32);

/// Sessions: names, and the policies passed with them.
#[derive(Debug)]
pub struct Sessions {
    /// Policies, as four bytes, then the name.
    keys: Recent,
    policies: Vec<CompiledSession>,
}

/// The name of a session that nobody named, as for a request that names the role.
pub(crate) const UNNAMED: &str = "session";

impl Sessions {
    pub(crate) fn new() -> Sessions {
        Sessions { keys: Recent::new(), policies: Vec::new() }
    }

    /// Takes in session policies, compiled for the set of the batch.
    pub fn add_policies(&mut self, policies: CompiledSession) -> SessionPoliciesId {
        self.policies.push(policies);
        SessionPoliciesId(self.policies.len() as u32 - 1)
    }

    /// A number of the session with this name and these policies, the same again for those that came lately; for a user,
    /// whose requests have no session of their own, the name says nothing.
    pub fn intern(&mut self, name: &str, policies: Option<SessionPoliciesId>) -> u32 {
        let policies = policies.map_or(NONE, |id| id.0).to_le_bytes();
        let mut short = [0; 68];
        if name.len() <= 64 {
            // Names of sessions have at most 64 characters, so that nothing is allocated here.
            short[..4].copy_from_slice(&policies);
            short[4..4 + name.len()].copy_from_slice(name.as_bytes());
            return self.keys.number(&short[..4 + name.len()]);
        }
        self.keys.number(&[&policies, name.as_bytes()].concat())
    }

    /// Name and policies; `None`: no such session. [`NONE`] is a session without policies that nobody named.
    pub(crate) fn get(&self, id: u32) -> Option<(&str, Option<&CompiledSession>)> {
        if id == NONE {
            return Some((UNNAMED, None));
        }
        let (policies, name) = self.keys.get(id)?.split_first_chunk::<4>()?;
        let policies = u32::from_le_bytes(*policies);
        Some((std::str::from_utf8(name).ok()?, self.policies.get(policies as usize)))
    }

    /// Something that is read before the name of a session; it is for reading ahead.
    pub(crate) fn end(&self, id: u32) -> usize {
        self.keys.end(id)
    }

    /// Do some sessions have policies?
    pub(crate) fn have_policies(&self) -> bool {
        !self.policies.is_empty()
    }

    /// True iff there is such a session, and it has no policies.
    pub(crate) fn is_plain(&self, id: u32) -> bool {
        id == NONE || self.keys.get(id).is_some_and(|key| key.starts_with(&NONE.to_le_bytes()))
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.policies.clear();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        // Compiled policies are some tables each.
        self.keys.heap_bytes() + self.policies.len() * 8_192
    }
}

/// Resources that rows name by text: ARNs that the set does not list, or that the caller gives another owner.
#[derive(Debug)]
pub struct TextResources {
    /// Numbers of the set's own resources are below this.
    first: u32,
    /// Owner given, as eight bytes, then the ARN.
    keys: Texts,
    owners: Vec<Option<AccountId>>,
    spare: Vec<u8>,
}

impl TextResources {
    pub(crate) fn new(set: &CompiledPolicySet) -> TextResources {
        TextResources { first: set.n_resources(), keys: Texts::new(), owners: Vec::new(), spare: Vec::new() }
    }

    /// The number of a resource by its ARN, with its owner where the caller of the engine says it.
    pub fn intern(&mut self, arn: &iamc_policy::Arn, owner: Option<AccountId>) -> u32 {
        let mut key = std::mem::take(&mut self.spare);
        key.clear();
        self.write_key(&mut key, arn.as_str(), owner);
        let id = self.intern_by(&key, self.keys.hash(&key), owner);
        self.spare = key;
        id
    }

    /// The same by its key, and the hash of that.
    pub(crate) fn intern_by(&mut self, key: &[u8], hash: u64, owner: Option<AccountId>) -> u32 {
        let (id, new) = self.keys.intern_by(hash, key);
        if new {
            self.owners.push(owner);
        }
        self.first + id
    }

    /// The number of a resource that is there already, by its key and the hash of that.
    pub(crate) fn find_by(&self, key: &[u8], hash: u64) -> Option<u32> {
        self.keys.find_by(hash, key).map(|id| self.first + id)
    }

    /// The keys, for what is to be read ahead.
    pub(crate) fn keys(&self) -> &Texts {
        &self.keys
    }

    /// Adds the key of a resource.
    pub(crate) fn write_key(&self, key: &mut Vec<u8>, arn: &str, owner: Option<AccountId>) {
        key.extend(owner.map_or(u64::MAX, AccountId::number).to_le_bytes());
        key.extend_from_slice(arn.as_bytes());
    }

    /// Something that is read before an ARN; it is for reading ahead.
    pub(crate) fn end(&self, id: u32) -> usize {
        id.checked_sub(self.first).map_or(0, |at| self.keys.end(at))
    }

    /// ARN and owner; `None`: no such number.
    pub(crate) fn get(&self, id: u32) -> Option<(&str, Option<AccountId>)> {
        let at = id.checked_sub(self.first)?;
        let owner = *self.owners.get(at as usize)?;
        let (_, arn) = self.keys.get(at).split_first_chunk::<8>()?;
        Some((std::str::from_utf8(arn).ok()?, owner))
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.owners.clear();
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.keys.heap_bytes() + self.owners.len() * size_of::<Option<AccountId>>()
    }
}
