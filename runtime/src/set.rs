//! A compiled policy set: tables that were checked once, and typed access to their rows.
//!
//! Invariants, established by `validate` and relied on by name wherever rows are read:
//!
//! - *ids in range*: every id in a row is a row of the section it names, or `NONE` where the layout allows it;
//! - *ranges in range*: every (first, number) lies inside its section;
//! - *explanations whole or absent*: rows for all instances and attachments, or no text at all;
//! - *text is UTF-8*: every code and value; strings begin and end where characters do;
//! - *sorted*: account numbers, sections of bodies, canonical users, endpoints, coverage;
//! - *rules are statements*: a rule's statement is the one at its position in the body.

use crate::actions::ActionFlags;
use crate::batch::depends;
use crate::caller::digits;
use crate::classes::Classes;
use crate::conditions::Value;
use crate::error::LoadError;
use crate::hash;
use crate::index::PatternIndex;
use crate::keys::{self, Cardinality, KeyClass};
use crate::layout::*;
use crate::pattern::Pattern;
use crate::programs::Programs;
use crate::unknown_actions::{ActionTextCounts, UnknownActions};
use crate::validate;
use iamc_catalogue::{ActionId as CatalogueId, Catalogue};
use iamc_policy::{AccountId, Settings};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// All policies of one compilation, ready to decide. Immutable; share it as an `Arc`.
pub struct CompiledPolicySet {
    tables: Tables,
    settings: Settings,
    world: u32,
    catalogue: Catalogue,
    /// Service of each action of the catalogue, or NONE.
    service_of_action: Vec<u32>,
    /// The digits of each account, by index.
    account_digits: Vec<[u8; 12]>,
    classes: Classes,
    /// Put together when a scratch is made or a decision asks.
    programs: OnceLock<Programs>,
    /// Different for each set of this process, so that a scratch knows it again.
    identity: u64,
    /// Built when it is first asked for.
    pub(crate) index: OnceLock<PatternIndex>,
    /// Built when a request first names an action without id.
    pub(crate) unknown_actions: OnceLock<UnknownActions>,
    /// Worked out when rows are first decided.
    depends: OnceLock<Arc<[u8]>>,
}

/// Session policies compiled on their own, to be passed with a request.
pub struct CompiledSession {
    /// A set of nothing but instances: the session policies, in their order. It needs no catalogue; its actions are
    /// told by text.
    pub(crate) set: CompiledPolicySet,
}

impl CompiledSession {
    /// Session policies from tables that hold nothing but strings, settings, keys, services, conditions, patterns,
    /// statements, bodies and one instance for each policy. The section `catalogue` may be empty.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] and its like: the tables are not as the layout says.
    pub fn from_tables(tables: Tables) -> Result<CompiledSession, LoadError> {
        let set = CompiledPolicySet::from_tables(tables)?;
        // An automaton would take longer to build than a few requests take.
        let unknown_actions = OnceLock::from(UnknownActions::unprepared());
        Ok(CompiledSession { set: CompiledPolicySet { unknown_actions, ..set } })
    }

    /// The number of policies.
    pub fn n_policies(&self) -> usize {
        self.set.instances().len()
    }
}

static EMBEDDED: LazyLock<Vec<u8>> = LazyLock::new(|| Catalogue::embedded().to_bytes());

/// The rows of a section; what does not fill a row was refused by `validate`.
pub(crate) fn rows<const N: usize>(words: &[u32]) -> &[[u32; N]] {
    words.as_chunks::<N>().0
}

/// One key of the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRow<'a> {
    pub(crate) class: KeyClass,
    pub(crate) cardinality: Cardinality,
    pub(crate) text: &'a [u8],
    pub(crate) tag: &'a [u8],
    /// First word in `key_action_bits`.
    pub(crate) bits: Option<u32>,
}

impl CompiledPolicySet {
    /// Takes over tables after checking everything that reading them relies on.
    ///
    /// # Errors
    /// [`LoadError::Damaged`] names section, row and what is wrong; [`LoadError::Catalogue`]: the table of actions.
    ///
    /// Cost: O(words of the tables). Panics: never, whatever the tables hold.
    pub fn from_tables(tables: Tables) -> Result<CompiledPolicySet, LoadError> {
        let catalogue = match tables.catalogue.as_slice() {
            [] => Catalogue::without_actions(),
            // Mostly it is the edition that is compiled in, which was read before.
            bytes if bytes == EMBEDDED.as_slice() => Catalogue::embedded().clone(),
            bytes => Catalogue::read(bytes.to_vec())?,
        };
        let (settings, world) = validate::validate(&tables, &catalogue)?;
        let mut service_of_action = vec![NONE; tables.action_flags.len()];
        for (id, [_, first, count]) in (0..).zip(rows::<SERVICE_ROW>(&tables.services)) {
            service_of_action[*first as usize..(*first + *count) as usize].fill(id);
        }
        let account_digits = tables.account_numbers.iter().map(|number| digits(*number)).collect();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let identity = NEXT.fetch_add(1, Ordering::Relaxed);
        Ok(CompiledPolicySet {
            classes: Classes::new(&tables),
            tables,
            settings,
            world,
            catalogue,
            service_of_action,
            account_digits,
            programs: OnceLock::new(),
            identity,
            index: OnceLock::new(),
            unknown_actions: OnceLock::new(),
            depends: OnceLock::new(),
        })
    }

    /// The same set, its principals being of these classes, of which each says something of these atoms.
    pub(crate) fn classified(self, atoms: Vec<u32>, classes: Vec<u64>, of_principals: &[u32]) -> CompiledPolicySet {
        let mut tables = Tables { class_atoms: atoms, principal_classes: classes, ..self.tables };
        let principals = tables.principals.as_chunks_mut::<PRINCIPAL_ROW>().0;
        for ([.., class], own) in principals.iter_mut().zip(of_principals) {
            *class = *own;
        }
        CompiledPolicySet { classes: Classes::new(&tables), tables, ..self }
    }

    pub(crate) fn classes(&self) -> &Classes {
        &self.classes
    }

    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// What each condition atom depends on, besides the context of a row ([`depends::of_atoms`]).
    pub(crate) fn depends(&self) -> &Arc<[u8]> {
        self.depends.get_or_init(|| depends::of_atoms(self).into())
    }

    pub(crate) fn service_of_action(&self, action: u32) -> u32 {
        self.service_of_action[action as usize]
    }

    /// The number of users and roles.
    pub fn n_principals(&self) -> u32 {
        (self.tables.principals.len() / PRINCIPAL_ROW) as u32
    }

    /// The number of resources.
    pub fn n_resources(&self) -> u32 {
        (self.tables.resources.len() / RESOURCE_ROW) as u32
    }

    /// The tables.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The switches under which the set decides.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The edition of facts about actions with which it was compiled.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// True iff what the input lacked does not exist.
    pub fn assume_complete(&self) -> bool {
        self.world & WORLD_ASSUME_COMPLETE != 0
    }

    pub(crate) fn places_unknown(&self) -> bool {
        self.world & WORLD_PLACES_UNKNOWN != 0
    }

    /// The bytes of a string.
    pub(crate) fn string(&self, id: u32) -> &[u8] {
        let offsets = &self.tables.string_offsets[id as usize..id as usize + 2];
        &self.tables.string_bytes.as_bytes()[offsets[0] as usize..offsets[1] as usize]
    }

    /// A string as text.
    pub fn text(&self, id: u32) -> &str {
        let offsets = &self.tables.string_offsets[id as usize..id as usize + 2];
        &self.tables.string_bytes[offsets[0] as usize..offsets[1] as usize]
    }

    /// True iff the set knows names of policies and groups, `Sid`s and positions. Without them it decides alike, and
    /// explanations call policies by numbers and say so.
    pub fn has_explanations(&self) -> bool {
        !self.tables.explain_string_offsets.is_empty()
    }

    /// A text of explanations, which the set has.
    pub(crate) fn explain_text(&self, id: u32) -> &str {
        let [start, end] = [id, id + 1].map(|at| self.tables.explain_string_offsets[at as usize] as usize);
        &self.tables.explain_string_bytes[start..end]
    }

    /// What explanations say of an instance; `None`: they were left out.
    pub(crate) fn explain_instance(&self, id: u32) -> Option<[u32; EXPLAIN_INSTANCE_ROW]> {
        rows(&self.tables.explain_instances).get(id as usize).copied()
    }

    pub(crate) fn optional_text(&self, id: u32) -> Option<&str> {
        (id != NONE).then(|| self.text(id))
    }

    // ---- keys ----

    pub(crate) fn key(&self, id: u32) -> KeyRow<'_> {
        let [name, word, tag, bits] = rows::<KEY_ROW>(&self.tables.keys)[id as usize];
        let (class, cardinality) =
            keys::read_class_word(id, word).expect("every class word was read when the set was made");
        let tag = if tag == NONE { &[] } else { self.string(tag) };
        KeyRow { class, cardinality, text: self.string(name), tag, bits: (bits != NONE).then_some(bits) }
    }

    pub(crate) fn key_class(&self, id: u32) -> keys::KeyClass {
        let [_, word, ..] = rows::<KEY_ROW>(&self.tables.keys)[id as usize];
        keys::read_class_word(id, word).expect("every class word was read when the set was made").0
    }

    pub(crate) fn find_key(&self, canonical: &[u8]) -> Option<u32> {
        let keys = rows::<KEY_ROW>(&self.tables.keys);
        hash::find(&self.tables.key_hash, hash::hash(canonical), |id| self.string(keys[id as usize][0]) == canonical)
    }

    /// is the key listed for the action at `position` of its service?
    pub(crate) fn lists_key(&self, first_word: u32, position: u32) -> bool {
        let word = self.tables.key_action_bits.get(first_word as usize + position as usize / 64);
        word.is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    // ---- actions ----

    /// The position of an action among those of its service; NONE if it is none of them.
    pub(crate) fn position(&self, service: u32, action: u32) -> u32 {
        let [_, first, count] = rows::<SERVICE_ROW>(&self.tables.services)[service as usize];
        action.checked_sub(first).filter(|position| *position < count).unwrap_or(NONE)
    }

    pub(crate) fn find_service(&self, name: &[u8]) -> Option<u32> {
        let services = rows::<SERVICE_ROW>(&self.tables.services);
        hash::find(&self.tables.service_hash, hash::hash(name), |id| self.string(services[id as usize][0]) == name)
    }

    /// The id of an action of a service, given as `service:name` in ASCII lower case.
    pub(crate) fn find_action(&self, service: u32, lower: &[u8]) -> Option<u32> {
        if service == NONE {
            return None;
        }
        let name = &lower[(self.string(rows::<SERVICE_ROW>(&self.tables.services)[service as usize][0]).len() + 1)..];
        hash::find(&self.tables.action_hash, hash::hash(lower), |id| {
            self.service_of_action[id as usize] == service
                && self
                    .catalogue
                    .action_by_id(CatalogueId::new(id))
                    .is_some_and(|facts| facts.name().as_bytes().eq_ignore_ascii_case(name))
        })
    }

    /// The prefix of a service.
    pub(crate) fn service_name(&self, service: u32) -> &str {
        self.text(rows::<SERVICE_ROW>(&self.tables.services)[service as usize][0])
    }

    pub(crate) fn action_flags(&self, id: u32) -> ActionFlags {
        ActionFlags::from_bits(self.tables.action_flags[id as usize])
    }

    /// is the action in a set of its service? `position` is NONE for actions without id, whose name in
    /// lower case is then compared with the set's patterns.
    pub(crate) fn in_action_set(&self, set: u32, position: u32, name: &[u8]) -> bool {
        let [shape, a, b, texts] = rows::<ACTION_SET_ROW>(&self.tables.action_sets)[set as usize];
        if shape == 0 {
            return true;
        }
        if position == NONE {
            let unknown = self.unknown_actions.get_or_init(|| UnknownActions::new(self));
            return unknown.matches(self, set, self.action_texts(texts), name);
        }
        if shape == 1 {
            return [a & 0xffff, a >> 16, b & 0xffff, b >> 16].contains(&position);
        }
        let word = self.tables.action_bits[a as usize + position as usize / 64];
        word >> (position % 64) & 1 == 1
    }

    /// How the texts of action sets are compared with actions that have no id. Builds what was not needed so far.
    pub fn action_text_counts(&self) -> ActionTextCounts {
        self.unknown_actions.get_or_init(|| UnknownActions::new(self)).counts(self)
    }

    pub(crate) fn action_texts(&self, row: u32) -> &[u32] {
        let start = row as usize + 1;
        let n = self.tables.action_texts[row as usize] as usize;
        &self.tables.action_texts[start..start + n]
    }

    /// The action test of a statement.
    pub(crate) fn action_test(&self, element: u32, service: u32, position: u32, name: &[u8]) -> bool {
        let [flags, first, count] = rows::<ELEMENT_ROW>(&self.tables.action_elements)[element as usize];
        if flags & ELEMENT_EMPTY != 0 {
            return false;
        }
        let entries = &rows::<2>(&self.tables.action_entries)[first as usize..(first + count) as usize];
        let start = entries.partition_point(|[known, _]| *known < service);
        let listed = flags & ELEMENT_ANY != 0
            || (service != NONE
                && entries[start..]
                    .iter()
                    .take_while(|[known, _]| *known == service)
                    .any(|[_, set]| self.in_action_set(*set, position, name)));
        listed != (flags & NEGATED != 0)
    }

    // ---- statements ----

    pub(crate) fn statement(&self, id: u32) -> [u32; STATEMENT_ROW] {
        rows(&self.tables.statements)[id as usize]
    }

    pub(crate) fn pattern(&self, id: u32) -> Pattern<'_> {
        let [start, len, shape, min_len] = rows::<PATTERN_ROW>(&self.tables.patterns)[id as usize];
        let bytes = &self.tables.pattern_bytes[start as usize..(start + len) as usize];
        Pattern::read(bytes, shape, min_len).expect("every pattern was read when the set was made")
    }

    /// Flags and pattern ids of a resource test.
    pub(crate) fn resource_test(&self, id: u32) -> (u32, &[u32]) {
        let [flags, first, count] = rows::<3>(&self.tables.resource_tests)[id as usize];
        (flags, &self.tables.resource_entries[first as usize..(first + count) as usize])
    }

    pub(crate) fn atom(&self, id: u32) -> [u32; ATOM_ROW] {
        rows(&self.tables.atoms)[id as usize]
    }

    pub(crate) fn value(&self, id: u32) -> Value<'_> {
        let [start, len, form, payload] = rows::<VALUE_ROW>(&self.tables.values)[id as usize];
        let bytes = &self.tables.value_bytes[start as usize..(start + len) as usize];
        Value::read(bytes, form, payload, &self.tables.value_words).expect("every value was read when the set was made")
    }

    /// Flags and atom ids of a condition block.
    pub(crate) fn block(&self, id: u32) -> (u32, &[u32]) {
        let [flags, first, count] = rows::<3>(&self.tables.blocks)[id as usize];
        (flags, &self.tables.block_atoms[first as usize..(first + count) as usize])
    }

    /// Flags and entries of a principal test.
    pub(crate) fn principal_test(&self, id: u32) -> (u32, &[[u32; PRINCIPAL_ENTRY_ROW]]) {
        let [flags, first, count] = rows::<3>(&self.tables.principal_tests)[id as usize];
        (flags, &rows(&self.tables.principal_entries)[first as usize..(first + count) as usize])
    }

    // ---- policies ----

    /// The policies as decisions read them.
    pub(crate) fn programs(&self) -> &Programs {
        self.programs.get_or_init(|| Programs::new(&self.tables))
    }

    pub(crate) fn instances(&self) -> &[[u32; INSTANCE_ROW]] {
        rows(&self.tables.instances)
    }

    pub(crate) fn instance(&self, id: u32) -> [u32; INSTANCE_ROW] {
        self.instances()[id as usize]
    }

    /// The statements of a body, in document order.
    pub(crate) fn body_statements(&self, body: u32) -> &[u32] {
        let [_, first, count, ..] = rows::<BODY_ROW>(&self.tables.bodies)[body as usize];
        &self.tables.body_statements[first as usize..(first + count) as usize]
    }

    pub(crate) fn guardrail_set(&self, set: u32) -> [u32; GUARDRAIL_SET_ROW] {
        rows(&self.tables.guardrail_sets)[set as usize]
    }

    /// The action test of a rule in a section that counts for the service.
    pub(crate) fn rule_test(&self, test: u32, service: u32, position: u32, name: &[u8]) -> bool {
        if test == NONE {
            return true;
        }
        match test & (RULE_COMPLEMENT | RULE_ELEMENT) {
            0 => self.in_action_set(test, position, name),
            RULE_COMPLEMENT => !self.in_action_set(test & !RULE_COMPLEMENT, position, name),
            _ => self.action_test(test & !RULE_ELEMENT, service, position, name),
        }
    }

    // ---- who and what ----

    pub(crate) fn find_account(&self, account: AccountId) -> Option<u32> {
        self.tables.account_numbers.binary_search(&account.number()).ok().map(|row| row as u32)
    }

    pub(crate) fn account(&self, row: u32) -> [u32; ACCOUNT_ROW] {
        rows(&self.tables.accounts)[row as usize]
    }

    pub(crate) fn account_number(&self, row: u32) -> u64 {
        self.tables.account_numbers[row as usize]
    }

    /// The twelve digits of an account; `None` for NONE.
    pub(crate) fn account_digits(&self, row: u32) -> Option<&[u8; 12]> {
        self.account_digits.get(row as usize)
    }

    pub(crate) fn organizations(&self) -> &[[u32; ORGANIZATION_ROW]] {
        rows(&self.tables.organizations)
    }

    /// The account that a canonical user id stands for.
    pub(crate) fn canonical_account(&self, id: &[u8]) -> Option<u64> {
        let users = rows::<2>(&self.tables.canonical_users);
        let at = users.binary_search_by(|[text, _]| self.string(*text).cmp(id)).ok()?;
        Some(self.account_number(users[at][1]))
    }

    pub(crate) fn principal(&self, row: u32) -> [u32; PRINCIPAL_ROW] {
        rows(&self.tables.principals)[row as usize]
    }

    /// The user or role with this ARN.
    pub(crate) fn find_principal(&self, arn: &[u8]) -> Option<u32> {
        self.find_principal_by(hash::hash(arn), arn)
    }

    /// The same by the hash of the ARN.
    pub(crate) fn find_principal_by(&self, hash: u64, arn: &[u8]) -> Option<u32> {
        let principals = rows::<PRINCIPAL_ROW>(&self.tables.principals);
        hash::find(&self.tables.principal_hash, hash, |row| self.string(principals[row as usize][2]) == arn)
    }

    /// The row of `principal_classes` that speaks of a user or role, or NONE.
    pub(crate) fn principal_class(&self, row: u32) -> u32 {
        let [.., class] = self.principal(row);
        class
    }

    pub(crate) fn resource(&self, row: u32) -> [u32; RESOURCE_ROW] {
        rows(&self.tables.resources)[row as usize]
    }

    /// The resource with exactly this ARN.
    pub(crate) fn find_resource(&self, arn: &[u8]) -> Option<u32> {
        self.find_resource_by(hash::hash(arn), arn)
    }

    /// The same by the hash of the ARN.
    pub(crate) fn find_resource_by(&self, hash: u64, arn: &[u8]) -> Option<u32> {
        let resources = rows::<RESOURCE_ROW>(&self.tables.resources);
        hash::find(&self.tables.resource_hash, hash, |row| self.string(resources[row as usize][0]) == arn)
    }

    pub(crate) fn find_endpoint(&self, id: &[u8]) -> Option<[u32; ENDPOINT_ROW]> {
        let endpoints = rows::<ENDPOINT_ROW>(&self.tables.endpoints);
        endpoints.binary_search_by(|row| self.string(row[0]).cmp(id)).ok().map(|at| endpoints[at])
    }

    pub(crate) fn tags(&self, first: u32, count: u32) -> &[[u32; 3]] {
        &rows(&self.tables.tags)[first as usize..(first + count) as usize]
    }

    /// Attached policies: each an instance shifted left by one, plus [`ATTACHED_TO_GROUP`].
    pub(crate) fn attachments(&self, first: u32, count: u32) -> &[u32] {
        &self.tables.attachments[first as usize..(first + count) as usize]
    }

    /// What stands behind `user/` or `role/` in the ARN of a principal, or the whole resource part of an ARN of another
    /// form.
    pub(crate) fn path_name(&self, principal: u32) -> &str {
        &self.text(self.principal(principal)[2])[self.path_start(principal) as usize..]
    }

    /// Where that begins.
    pub(crate) fn path_start(&self, principal: u32) -> u32 {
        self.principal(principal)[14]
    }

    pub(crate) fn is_covered(&self, account: u32, service: &[u8]) -> bool {
        let coverage = rows::<2>(&self.tables.coverage);
        coverage
            .binary_search_by(|[known, name]| known.cmp(&account).then_with(|| self.string(*name).cmp(service)))
            .is_ok()
    }
}

impl std::fmt::Debug for CompiledPolicySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledPolicySet")
            .field("n_statements", &(self.tables.statements.len() / STATEMENT_ROW))
            .field("n_policies", &self.instances().len())
            .field("n_principals", &self.n_principals())
            .field("n_resources", &self.n_resources())
            .field("catalogue", &self.catalogue)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CompiledSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompiledSession").field("n_policies", &self.n_policies()).finish_non_exhaustive()
    }
}
