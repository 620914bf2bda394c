//! What callers see of a table: small `Copy` views that borrow from it. No view allocates.

use std::fmt;
use std::ops::Range;

use crate::catalogue::search;
use crate::layout::{SERVICES, cmp_ignore_case};
use crate::table::{Row, Table};
use crate::{AccessLevel, KeyFacts, key};

/// The number of a service: dense, in the order of prefixes. It means something within one catalogue only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId(u32);

impl ServiceId {
    /// The number, below [`n_services`](crate::Catalogue::n_services) of its catalogue.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The id with this number.
    pub fn new(number: u32) -> ServiceId {
        ServiceId(number)
    }
}

/// The number of an action: dense, grouped by service and sorted by name inside it. It means something within one
/// catalogue only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(u32);

impl ActionId {
    /// The number, below [`n_actions`](crate::Catalogue::n_actions) of its catalogue.
    pub fn get(self) -> u32 {
        self.0
    }

    /// The id with this number.
    pub fn new(number: u32) -> ActionId {
        ActionId(number)
    }
}

/// One service of the catalogue.
#[derive(Clone, Copy)]
pub struct ServiceFacts<'a> {
    table: &'a Table,
    idx: usize,
}

impl<'a> ServiceFacts<'a> {
    pub(crate) fn new(table: &'a Table, idx: usize) -> Self {
        ServiceFacts { table, idx }
    }

    /// Its number.
    pub fn id(self) -> ServiceId {
        // The header counts services in 32 bits.
        ServiceId(self.idx as u32)
    }

    /// Its prefix in lower case, such as `s3`.
    pub fn prefix(self) -> &'a str {
        self.table.service_prefix(self.idx)
    }

    /// Its name for people, such as `Amazon S3`; empty if the source has none.
    pub fn name(self) -> &'a str {
        self.table.service_name(self.idx)
    }

    /// The numbers of its actions.
    pub fn action_ids(self) -> Range<u32> {
        let range = self.table.service_actions(self.idx);
        range.start as u32..range.end as u32
    }

    /// Its actions, sorted by name in ASCII lower case.
    pub fn actions(self) -> impl ExactSizeIterator<Item = ActionFacts<'a>> + DoubleEndedIterator {
        self.table.service_actions(self.idx).map(move |idx| ActionFacts::new(self.table, idx))
    }

    /// Its action of this name, which compares without regard to ASCII case. Cost: O(log actions).
    pub fn action(self, name: &str) -> Option<ActionFacts<'a>> {
        let range = self.table.service_actions(self.idx);
        let idx = search(range, |idx| cmp_ignore_case(self.table.action_name(idx), name))?;
        Some(ActionFacts::new(self.table, idx))
    }

    /// Its resource types in document order.
    pub fn resource_types(self) -> impl ExactSizeIterator<Item = ResourceTypeFacts<'a>> + DoubleEndedIterator {
        // The layout has no more types than a u16 can number.
        self.table.service_types(self.idx).map(move |idx| ResourceTypeFacts { table: self.table, idx: idx as u16 })
    }

    /// The condition keys that it declares, sorted by name.
    pub fn condition_keys(self) -> impl ExactSizeIterator<Item = ConditionKeyFacts<'a>> {
        keys(self.table, self.table.service_keys(self.idx))
    }
}

impl fmt::Debug for ServiceFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceFacts({})", self.prefix())
    }
}

/// One action of the catalogue.
#[derive(Clone, Copy)]
pub struct ActionFacts<'a> {
    table: &'a Table,
    idx: usize,
}

impl<'a> ActionFacts<'a> {
    pub(crate) fn new(table: &'a Table, idx: usize) -> Self {
        ActionFacts { table, idx }
    }

    fn row(self) -> Row {
        self.table.row(self.idx)
    }

    /// Its number.
    pub fn id(self) -> ActionId {
        // The header counts actions in 32 bits.
        ActionId(self.idx as u32)
    }

    /// Its service. Cost: O(log services).
    pub fn service(self) -> ServiceFacts<'a> {
        let (mut low, mut high) = (0, self.table.n(SERVICES));
        while low < high {
            let middle = low + (high - low) / 2;
            if self.table.service_actions(middle).end <= self.idx { low = middle + 1 } else { high = middle }
        }
        ServiceFacts::new(self.table, low)
    }

    /// Its name in AWS's spelling.
    pub fn name(self) -> &'a str {
        self.table.action_name(self.idx)
    }

    /// Its access level, if the source says; never part of a decision.
    pub fn access_level(self) -> Option<AccessLevel> {
        self.row().level
    }

    /// Its resource types with their `required` flag, in document order; none: a wildcard-only action.
    pub fn resource_types(self) -> impl ExactSizeIterator<Item = (ResourceTypeFacts<'a>, bool)> {
        let table = self.table;
        table.links(self.row().links).map(move |l| (ResourceTypeFacts { table, idx: l.resource_type }, l.required))
    }

    /// True iff it has no resource type.
    pub fn is_wildcard_only(self) -> bool {
        self.table.links(self.row().links).len() == 0
    }

    /// The condition keys of the action itself, sorted by name; those of its resource types are not among them.
    pub fn condition_keys(self) -> impl ExactSizeIterator<Item = ConditionKeyFacts<'a>> {
        keys(self.table, self.row().keys)
    }

    /// The condition keys that the reference gives for this action on each of its resource types, sorted by name.
    ///
    /// The outer iterator goes with [`resource_types`](Self::resource_types). The inner ones may be empty: then the
    /// keys of the type itself are all there is.
    pub fn condition_keys_by_type(
        self,
    ) -> impl ExactSizeIterator<Item = (ResourceTypeFacts<'a>, impl ExactSizeIterator<Item = ConditionKeyFacts<'a>>)>
    {
        let table = self.table;
        table
            .links(self.row().links)
            .map(move |link| (ResourceTypeFacts { table, idx: link.resource_type }, keys(table, link.keys)))
    }

    /// Actions that a caller needs as well, as `service:Name`, in document order. Those that the reference
    /// gives for one resource type only are included. They need not be actions of the catalogue.
    pub fn dependent_actions(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.table.texts(self.row().dependents)
    }

    /// True iff the key (canonical) is listed for the action or for any of its resource types; a
    /// family such as `aws:RequestTag/${TagKey}` lists all its members.
    ///
    /// Three lists count: that of the action, those of the action on each resource type, and those of the types.
    /// Cost: O(keys in these lists).
    pub fn lists_key(self, canonical: &str) -> bool {
        let table = self.table;
        let row = self.row();
        let listed = |list| table.keys(list).any(|id| key::names(table.key_name(id), canonical));
        listed(row.keys)
            || table.links(row.links).any(|link| listed(link.keys) || listed(table.type_keys(link.resource_type)))
    }
}

impl fmt::Display for ActionFacts<'_> {
    /// `service:Name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service().prefix(), self.name())
    }
}

impl fmt::Debug for ActionFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActionFacts({self})")
    }
}

/// One resource type of the catalogue.
#[derive(Clone, Copy)]
pub struct ResourceTypeFacts<'a> {
    table: &'a Table,
    idx: u16,
}

impl<'a> ResourceTypeFacts<'a> {
    /// Its name; unique within its service, not beyond.
    pub fn name(self) -> &'a str {
        self.table.type_name(self.idx)
    }

    /// Its ARN templates, such as `arn:${Partition}:s3:::${BucketName}`, in document order.
    pub fn arn_templates(self) -> impl ExactSizeIterator<Item = &'a str> {
        self.table.texts(self.table.type_templates(self.idx))
    }

    /// Its condition keys, sorted by name.
    pub fn condition_keys(self) -> impl ExactSizeIterator<Item = ConditionKeyFacts<'a>> {
        keys(self.table, self.table.type_keys(self.idx))
    }
}

impl PartialEq for ResourceTypeFacts<'_> {
    /// Equal iff they are the same type of the same catalogue.
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.table, other.table) && self.idx == other.idx
    }
}

impl Eq for ResourceTypeFacts<'_> {}

impl fmt::Debug for ResourceTypeFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ResourceTypeFacts({})", self.name())
    }
}

/// One condition key of the catalogue.
#[derive(Clone, Copy)]
pub struct ConditionKeyFacts<'a> {
    table: &'a Table,
    id: u16,
}

impl<'a> ConditionKeyFacts<'a> {
    pub(crate) fn new(table: &'a Table, id: u16) -> Self {
        ConditionKeyFacts { table, id }
    }

    /// Its name in AWS's spelling; a family has a placeholder, `${…}` or `<…>`.
    pub fn name(self) -> &'a str {
        self.table.key_name(self.id)
    }

    /// What the table declares of it; `None` if it is only used, never declared. To ask about a key of a request, use
    /// [`Catalogue::key`](crate::Catalogue::key): there, the lists win.
    pub fn declared(self) -> Option<KeyFacts> {
        self.table.key_facts(self.id)
    }

    /// True iff it stands for a family of keys.
    pub fn is_family(self) -> bool {
        key::is_family(self.name())
    }

    /// True iff it is the key `canonical`, or a family with that member.
    pub fn names(self, canonical: &str) -> bool {
        key::names(self.name(), canonical)
    }
}

impl fmt::Debug for ConditionKeyFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConditionKeyFacts({})", self.name())
    }
}

fn keys(table: &Table, list: u16) -> impl ExactSizeIterator<Item = ConditionKeyFacts<'_>> {
    table.keys(list).map(move |id| ConditionKeyFacts { table, id })
}
