//! Reading ahead for rows that come as names: what looking them up will read, one step of the way for all of them before
//! the next, so that misses of the cache overlap instead of being waited for one by one.

use super::builder::{Named, RowsBuilder};
use crate::caller::role_key;
use crate::hash;
use crate::layout::{NONE, PRINCIPAL_ROW, RESOURCE_ROW};
use crate::set::rows;
use iamc_policy::AccountId;

/// Rows that are read ahead together.
const TOGETHER: usize = 64;

/// What one row will look up, by hash, and what is found there.
#[derive(Clone, Copy, Default)]
struct Ahead {
    /// The caller, among roles by name or among principals by ARN.
    by_name: bool,
    principal: u64,
    resource: u64,
    text_resource: u64,
    /// Rows that may be theirs; NONE: none is.
    rows: [u32; 2],
}

impl RowsBuilder<'_> {
    /// Reads ahead what [`RowsBuilder::principal`] and [`RowsBuilder::resource`] will read for these callers, resources and
    /// owners of resources. It changes nothing, and no answer depends on it; rows of many principals and resources are
    /// looked up some times faster after it, if there are tens of them.
    ///
    /// Cost: O(bytes of the names); no allocation.
    pub fn read_ahead<'a>(&mut self, names: impl IntoIterator<Item = (&'a str, &'a str, Option<AccountId>)>) {
        let mut names = names.into_iter();
        loop {
            let mut ahead = [Ahead::default(); TOGETHER];
            let mut n = 0;
            for (place, (principal, resource, owner)) in ahead.iter_mut().zip(names.by_ref()) {
                *place = self.hashes(principal, resource, owner);
                n += 1;
            }
            self.read_step_by_step(&mut ahead[..n]);
            if n < TOGETHER {
                return;
            }
        }
    }

    fn hashes(&mut self, principal: &str, resource: &str, owner: Option<AccountId>) -> Ahead {
        let mut ahead = Ahead { resource: hash::hash(resource.as_bytes()), ..Ahead::default() };
        if let Some(Named::Session { partition, account, role, .. }) = Named::read(principal) {
            self.spare.clear();
            role_key(&mut self.spare, partition, account, role);
            (ahead.by_name, ahead.principal) = (true, hash::hash(&self.spare));
        } else {
            ahead.principal = hash::hash(principal.as_bytes());
        }
        ahead.text_resource = self.tables.resources.hash(resource, owner);
        ahead
    }

    fn read_step_by_step(&self, ahead: &mut [Ahead]) {
        let tables = self.set.tables();
        let mut sum = 0;
        let callers = |by_name: bool| if by_name { &tables.role_name_hash } else { &tables.principal_hash };
        for row in ahead.iter() {
            sum ^= hash::read_ahead(callers(row.by_name), row.principal);
            sum ^= hash::read_ahead(&tables.resource_hash, row.resource);
            sum ^= self.tables.resources.read_ahead(row.text_resource);
        }
        for row in ahead.iter_mut() {
            let first = |table: &[u32], hash| hash::find(table, hash, |_| true).unwrap_or(NONE);
            row.rows = [first(callers(row.by_name), row.principal), first(&tables.resource_hash, row.resource)];
        }
        // The names of both, which are compared.
        let principals = rows::<PRINCIPAL_ROW>(&tables.principals);
        let resources = rows::<RESOURCE_ROW>(&tables.resources);
        let mut names = [NONE; 2 * TOGETHER];
        for (names, Ahead { rows: [principal, resource], .. }) in names.chunks_exact_mut(2).zip(ahead.iter()) {
            names[0] = principals.get(*principal as usize).map_or(NONE, |row| row[2]);
            names[1] = resources.get(*resource as usize).map_or(NONE, |row| row[0]);
        }
        let names = || names.iter().filter(|name| **name != NONE);
        names().for_each(|name| sum ^= tables.string_offsets[*name as usize]);
        for name in names() {
            let text = self.set.string(*name);
            sum ^= u32::from(text.first().copied().unwrap_or(0)) ^ u32::from(text.last().copied().unwrap_or(0));
        }
        std::hint::black_box(sum);
    }
}
