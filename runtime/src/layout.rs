//! The layout of a compiled policy set: which arrays there are, what a row of each says, and what refers to what.
//!
//! Everything is a flat array of `u8`, `u32` or `u64`, or text; rows have a fixed number of words; an id is a row number. The
//! compiler fills a [`Tables`]; the image stores it section by section; the runtime reads it and nothing else.
//!
//! Words that may be missing hold [`NONE`]. Text is a `StringId` into `string_offsets`/`string_bytes`.

/// "No such row": no id reaches it.
pub const NONE: u32 = u32::MAX;

/// What holds the elements of a section.
macro_rules! list {
    (str) => { String };
    ($element:ident) => { Vec<$element> };
}

macro_rules! tables {
    (@words) => { 1 };
    (@words $words:expr) => { $words };
    ($($(#[$doc:meta])* $code:literal $name:ident : $element:ident $([$words:expr])?),* $(,)?) => {
        /// All sections of a compiled policy set, by name.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Tables { $($(#[$doc])* pub $name: list!($element)),* }

        /// Code, name and elements of a row of each section, in the order of the image.
        pub const SECTIONS: &[(u32, &str, usize)] = &[$(($code, stringify!($name), tables!(@words $($words)?))),*];

        impl Tables {
            /// Calls `visit` for each section in order.
            pub fn for_each(&self, visit: &mut dyn FnMut(u32, &'static str, Section<'_>)) {
                $(visit($code, stringify!($name), List::section(&self.$name));)*
            }

            /// Calls `fill` for each section in order, so that it can be read.
            pub fn for_each_mut<E>(&mut self, fill: &mut dyn FnMut(u32, &'static str, SectionMut<'_>) -> Result<(), E>) -> Result<(), E> {
                $(fill($code, stringify!($name), List::section_mut(&mut self.$name))?;)*
                Ok(())
            }
        }
    };
}

/// One section, by element width.
#[derive(Debug)]
pub enum Section<'a> {
    /// Bytes.
    U8(&'a [u8]),
    /// 32-bit words.
    U32(&'a [u32]),
    /// 64-bit words.
    U64(&'a [u64]),
    /// UTF-8.
    Text(&'a str),
}

impl Section<'_> {
    /// Bytes of the section.
    pub fn n_bytes(&self) -> usize {
        match self {
            Section::U8(list) => list.len(),
            Section::U32(list) => 4 * list.len(),
            Section::U64(list) => 8 * list.len(),
            Section::Text(text) => text.len(),
        }
    }
}

/// One section, to be filled.
#[derive(Debug)]
pub enum SectionMut<'a> {
    /// Bytes.
    U8(&'a mut Vec<u8>),
    /// 32-bit words.
    U32(&'a mut Vec<u32>),
    /// 64-bit words.
    U64(&'a mut Vec<u64>),
    /// UTF-8.
    Text(&'a mut String),
}

trait List {
    fn section(&self) -> Section<'_>;
    fn section_mut(&mut self) -> SectionMut<'_>;
}

macro_rules! list_of {
    ($list:ty, $variant:ident) => {
        impl List for $list {
            fn section(&self) -> Section<'_> {
                Section::$variant(self)
            }

            fn section_mut(&mut self) -> SectionMut<'_> {
                SectionMut::$variant(self)
            }
        }
    };
}

list_of!(Vec<u8>, U8);
list_of!(Vec<u32>, U32);
list_of!(Vec<u64>, U64);
list_of!(String, Text);

tables! {
    // ---- text -------------------------------------------------------------------------------------------------
    /// `string_offsets[i]..string_offsets[i + 1]` are the bytes of string `i`; one more entry than strings.
    1 string_offsets: u32,
    /// All strings, one behind the other. It is UTF-8 by its type, so nobody who reads a string checks it again.
    2 string_bytes: str,

    // ---- settings, catalogue ----------------------------------------------------------------------------------
    /// Settings as pairs of StringIds (name, value), one pair for each of `Settings::NAMES`, then one word of
    /// [`WORLD_ASSUME_COMPLETE`] and its like. Filled by [`crate::settings::encode`].
    3 settings: u32,
    /// The catalogue's own table (`Catalogue::read`), so that an image answers with the edition it was compiled with.
    4 catalogue: u8,

    // ---- condition keys ---------------------------------------------------------------------------------------
    /// Rows of [`KEY_ROW`]: canonical name, class word ([`crate::keys::class_word`]), tag part or NONE (tag keys only),
    /// first word of the row of `key_action_bits` or NONE. The first ids are the special keys of
    /// [`crate::keys::SPECIAL`], in that order.
    10 keys: u32 [KEY_ROW],
    /// for a service key, one bit for each action of its service (by position in the service): listed. A row has
    /// `n_actions.div_ceil(64)` words. Filled with [`crate::keys::listed_bits`]; a key without a row is looked up in the
    /// catalogue.
    11 key_action_bits: u64,
    /// Open addressing over canonical names: key id or NONE; a power of two long.
    12 key_hash: u32,

    // ---- actions ----------------------------------------------------------------------------------------------
    /// Rows of [`SERVICE_ROW`]: name, first action id, number of actions (0 for a service the catalogue lacks).
    20 services: u32 [SERVICE_ROW],
    /// Open addressing over service names.
    21 service_hash: u32,
    /// Flags of each catalogue action ([`crate::actions::ActionFlags`]), by action id.
    22 action_flags: u32,
    /// Open addressing over `service:name` in lower case: action id or NONE.
    23 action_hash: u32,
    /// Action sets of one service: rows of [`ACTION_SET_ROW`]: shape, payload a, payload b, first text pattern.
    /// Shapes: 0 whole service; 1 up to four positions (u16 each, low half of payload a first, 0xFFFF for none) in the
    /// payloads; 2 bitmap at payload a, `n_actions.div_ceil(64)` words. Positions count from the service's first action.
    /// Shape 0 needs no text pattern (NONE); the others always have one row of `action_texts`, which may be empty.
    24 action_sets: u32 [ACTION_SET_ROW],
    /// Bitmaps of action sets: one bit for each action of the service.
    25 action_bits: u64,
    /// Text patterns of action sets, for actions without id: per set a count, then StringIds of name patterns in ASCII
    /// lower case. A pattern with any other character is left out: it matches no action.
    26 action_texts: u32,
    /// Action elements: rows of [`ELEMENT_ROW`]: flags (1 negated, 2 any, 4 no entry at all, so never true: ),
    /// first entry, number of entries.
    27 action_elements: u32 [ELEMENT_ROW],
    /// Entries of action elements, sorted by service: (service id, action set id).
    28 action_entries: u32 [2],

    // ---- resource patterns ------------------------------------------------------------------------------------
    /// Rows of [`PATTERN_ROW`]: start and length in `pattern_bytes`, shape word, shortest match in bytes: the parts of
    /// [`crate::pattern::Encoded`].
    30 patterns: u32 [PATTERN_ROW],
    /// Encoded by `crate::pattern`.
    31 pattern_bytes: u8,
    /// Resource tests: rows of (flags (1 negated), first, count) into `resource_entries`.
    32 resource_tests: u32 [3],
    /// Pattern ids.
    33 resource_entries: u32,

    // ---- conditions -------------------------------------------------------------------------------------------
    /// Rows of [`ATOM_ROW`]: operator code ([`crate::conditions::operator_code`]), key id, first value, number of
    /// values.
    40 atoms: u32 [ATOM_ROW],
    /// Rows of [`VALUE_ROW`]: start and length in `value_bytes`, form word, payload or, for address blocks, first word in
    /// `value_words`: the parts of [`crate::conditions::EncodedValue`].
    41 values: u32 [VALUE_ROW],
    /// Encoded templates and text of values.
    42 value_bytes: u8,
    /// Numbers, instants and address ranges of values.
    43 value_words: u64,
    /// Condition blocks: rows of (flags (1 has an operator without meaning), first, count) into `block_atoms`.
    44 blocks: u32 [3],
    /// Atom ids: those that follow from the context first, then in document order.
    45 block_atoms: u32,

    // ---- principal tests --------------------------------------------------------------------------------------
    /// Rows of (flags (1 negated), first, count) into `principal_entries`.
    50 principal_tests: u32 [3],
    /// Rows of [`PRINCIPAL_ENTRY_ROW`]: kind ([`crate::principals::EntryKind`]), StringId or low word of the account,
    /// high word of the account or NONE, partition or NONE.
    51 principal_entries: u32 [PRINCIPAL_ENTRY_ROW],

    // ---- policies ---------------------------------------------------------------------------------------------
    /// Distinct statements: rows of [`STATEMENT_ROW`]: flags ([`crate::statements::flags`]), action element, resource
    /// test or NONE (always NONE in trust policies), block or NONE, principal test or NONE (always NONE in kinds without
    /// `Principal`).
    60 statements: u32 [STATEMENT_ROW],
    /// Distinct policy bodies: rows of [`BODY_ROW`]: policy kind, first and count in `body_statements`, first and
    /// count in `body_sections`.
    61 bodies: u32 [BODY_ROW],
    /// Statement ids of bodies in document order.
    62 body_statements: u32,
    /// Service index of bodies and guardrail sets: rows of (service id, or NONE for all others; first, count in
    /// `rules`), sorted by service, the NONE section last. The section of a service holds every rule that may be about
    /// it; in a split body ([`BODY_SPLIT`]) only those that name it, and the NONE section counts for all services.
    63 body_sections: u32 [3],
    /// Rows of [`RULE_ROW`]: statement id shifted left by one plus the deny bit; action test: NONE (every action of the
    /// section), action set id, [`RULE_COMPLEMENT`] with a set that is left out, or [`RULE_ELEMENT`] with an action
    /// element; resource: NONE (no matter), pattern id, or [`RULE_RESOURCE_TEST`] with a resource test; block or NONE.
    /// Denies first, then in document order. Whatever the service of a request, each statement whose action test can be
    /// true has exactly one rule in the sections that count. Sections with the same rules share them.
    64 rules: u32 [RULE_ROW],
    /// Named policies: rows of [`INSTANCE_ROW`]: body or NONE (text not known), home: the index of the account that
    /// owns the policy, or NONE; services that it is about, a bit of [`service_bit`] for each, all bits set where that is
    /// all services.
    65 instances: u32 [INSTANCE_ROW],

    // ---- who and what -----------------------------------------------------------------------------------------
    /// Numbers of the accounts, ascending; an account index is a position here.
    70 account_numbers: u64,
    /// Rows of [`ACCOUNT_ROW`], by account index.
    71 accounts: u32 [ACCOUNT_ROW],
    /// Canonical users: pairs (StringId, account index), sorted by text, each text once (the first in the order of the
    /// world).
    72 canonical_users: u32 [2],
    /// Organizations: rows of [`ORGANIZATION_ROW`].
    73 organizations: u32 [ORGANIZATION_ROW],
    /// Delegated administrators: pairs (organization, account index).
    74 delegated: u32 [2],
    /// Guardrail sets: rows of [`GUARDRAIL_SET_ROW`]: flags ([`SET_UNKNOWN`] and its like), first and count in
    /// `guardrail_levels`, first and count in `body_sections` of the Deny statements of all levels together.
    75 guardrail_sets: u32 [GUARDRAIL_SET_ROW],
    /// Levels, the root first: rows of (entity, flags ([`LEVEL_INCOMPLETE`], [`LEVEL_PASSES`]), first, count) into
    /// `guardrail_attachments`.
    76 guardrail_levels: u32 [4],
    /// Rows of (instance, flags (1 implied)), in the order of the world.
    77 guardrail_attachments: u32 [2],
    /// Users and roles, by account, users first, inside both in the order of the world: rows of [`PRINCIPAL_ROW`].
    80 principals: u32 [PRINCIPAL_ROW],
    /// Open addressing over ARNs of principals. All hash tables: [`crate::hash`].
    81 principal_hash: u32,
    /// Open addressing over `PARTITION/ACCOUNT/NAME` of roles (account as twelve digits): principal ids. Of two roles of
    /// one name the first in the order of the world counts.
    82 role_name_hash: u32,
    /// Attached policies: the instance shifted left by one, plus [`ATTACHED_TO_GROUP`]; in the order inline, attached,
    /// then group by group. A managed policy or a group that the world lacks is an instance without body.
    83 attachments: u32,
    /// Tags: rows of (canonical key, value, key as written).
    84 tags: u32 [3],
    /// Atoms that depend on the caller alone, ascending: those that `principal_classes` speaks of.
    85 class_atoms: u32,
    /// What these atoms say of users and roles, by class: rows of two bits for each atom, the first atom lowest, in
    /// `class_atoms.len().div_ceil(32)` words. The lower bit: no request changes it (a request that pins keys or states
    /// tags apart); the higher one: the atom is true.
    86 principal_classes: u64,
    /// Resources: rows of [`RESOURCE_ROW`].
    90 resources: u32 [RESOURCE_ROW],
    /// Open addressing over ARNs of resources.
    91 resource_hash: u32,
    /// KMS grants: rows of [`GRANT_ROW`].
    92 grants: u32 [GRANT_ROW],
    /// Operations of grants: StringIds in lower case.
    93 grant_operations: u32,
    /// Endpoints: rows of [`ENDPOINT_ROW`], sorted by id text.
    94 endpoints: u32 [ENDPOINT_ROW],
    /// Coverage: pairs (account index, service name), sorted.
    95 coverage: u32 [2],
    /// Gaps, for reports: rows of (kind, subject, message, file or NONE, line).
    96 gaps: u32 [5],

    // ---- explanations -----------------------------------------------------------------------------------------
    // No decision reads these. An image may leave them out, all together; then all of them are empty.
    /// As `string_offsets`: texts that nothing but an explanation shows. Ids of these are ExplainIds.
    100 explain_string_offsets: u32,
    /// All of them, one behind the other.
    101 explain_string_bytes: str,
    /// Rows of [`EXPLAIN_INSTANCE_ROW`], by instance: name, first row in `explain_statements` or NONE (not kept), file or
    /// NONE, first line shifted left by one plus 1 if lines of the document are lines of the file.
    102 explain_instances: u32 [EXPLAIN_INSTANCE_ROW],
    /// By statement of a document: (Sid or NONE, line in the document).
    103 explain_statements: u32 [2],
    /// By attachment: the name of the group, NONE where there is none.
    104 explain_groups: u32,
}

/// True for sections that only explanations read.
pub(crate) fn explains(section: &str) -> bool {
    section.starts_with("explain_")
}

/// Words of a row of `keys`.
pub const KEY_ROW: usize = 4;
/// Words of a row of `services`.
pub const SERVICE_ROW: usize = 3;
/// Words of a row of `action_sets`.
pub const ACTION_SET_ROW: usize = 4;
/// Words of a row of `action_elements`.
pub const ELEMENT_ROW: usize = 3;
/// Words of a row of `patterns`.
pub const PATTERN_ROW: usize = 4;
/// Words of a row of `atoms`.
pub const ATOM_ROW: usize = 4;
/// Words of a row of `values`.
pub const VALUE_ROW: usize = 4;
/// Words of a row of `principal_entries`.
pub const PRINCIPAL_ENTRY_ROW: usize = 4;
/// Words of a row of `statements`.
pub const STATEMENT_ROW: usize = 5;
/// Words of a row of `bodies`.
pub const BODY_ROW: usize = 5;
/// Words of a row of `rules`.
pub const RULE_ROW: usize = 4;
/// Words of a row of `guardrail_sets`.
pub const GUARDRAIL_SET_ROW: usize = 5;
/// Words of a row of `instances`.
pub const INSTANCE_ROW: usize = 3;
/// Words of a row of `explain_instances`.
pub const EXPLAIN_INSTANCE_ROW: usize = 4;
/// Words of a row of `accounts`: flags, organization or NONE, path text or NONE, SCP set or NONE, RCP set or NONE.
/// Flags: [`ACCOUNT_LISTED`] and its like. Sets are NONE where no guardrail of that kind applies (no organization, the
/// management account, the policy type is off).
pub const ACCOUNT_ROW: usize = 5;
/// Words of a row of `organizations`: id, management account index.
pub const ORGANIZATION_ROW: usize = 2;
/// Words of a row of `principals`, one cache line: flags ([`PRINCIPAL_ROLE`] and its like), account index or NONE, ARN, unique id or NONE, boundary instance or
/// NONE, first attachment, number, first tag, number or NONE (not exported), first session tag, number, first session
/// policy (in `attachments`), number, trust instance or NONE (users), where path and name begin in the ARN (what
/// stands behind `user/` or `role/`), class (row of `principal_classes`) or NONE. A boundary that is set and does not exist is an instance without body, or with an empty one
/// where what the input lacks does not exist.
pub const PRINCIPAL_ROW: usize = 16;
/// Words of a row of `resources`: ARN, account index or NONE, policy instance or NONE, flags, first tag, number or
/// NONE, first grant, number or NONE, the nearest resource that contains it or NONE. Flags: 1 policy not exported, 2 AWS managed key, 4/8 S3 setting known/on.
pub const RESOURCE_ROW: usize = 9;
/// Words of a row of `grants`: grantee or NONE, retiring or NONE, first operation, number, holds (0 false, 1 true,
/// 2 unknown).
pub const GRANT_ROW: usize = 5;
/// Words of a row of `endpoints`: id, account index, VPC or NONE, flags (1 gateway, 2 policy not exported), policy
/// instance or NONE.
pub const ENDPOINT_ROW: usize = 5;

/// The bit that stands for a service, and for others too: a policy without it says nothing about the service.
pub fn service_bit(service: u32) -> u32 {
    1 << (service.wrapping_mul(0x9e37_79b1) >> 27)
}

/// What the input lacks does not exist (`World::assume_complete`).
pub const WORLD_ASSUME_COMPLETE: u32 = 1;
/// The place of an account that `account_numbers` lacks is not known: some organization's hierarchy was not exported.
pub const WORLD_PLACES_UNKNOWN: u32 = 2;

/// Listed in the world's accounts.
pub const ACCOUNT_LISTED: u32 = 1;
/// Its place in an organization was not exported.
pub const ACCOUNT_PLACE_UNKNOWN: u32 = 2;
/// Listed, and its users, groups, roles and policies were all exported.
pub const ACCOUNT_IDENTITIES_COMPLETE: u32 = 4;
/// Listed, and its resources were all exported.
pub const ACCOUNT_RESOURCES_COMPLETE: u32 = 8;
/// The management account of its organization.
pub const ACCOUNT_MANAGEMENT: u32 = 16;
/// Account-wide S3 RestrictPublicBuckets was exported.
pub const ACCOUNT_S3_KNOWN: u32 = 32;
/// Account-wide S3 RestrictPublicBuckets is on.
pub const ACCOUNT_S3_ON: u32 = 64;

/// The principal is a role; otherwise it is a user.
pub const PRINCIPAL_ROLE: u32 = 1;
/// Its ARN is of the partition `aws`.
pub const PRINCIPAL_AWS: u32 = 1 << 3;
/// The path of the role makes it a service-linked role.
pub const PRINCIPAL_SERVICE_LINKED: u32 = 1 << 2;

/// Nobody fetched the resource's policy.
pub const RESOURCE_POLICY_UNKNOWN: u32 = 1;
/// An AWS managed KMS key.
pub const RESOURCE_AWS_MANAGED_KEY: u32 = 2;
/// S3 RestrictPublicBuckets of the bucket was exported.
pub const RESOURCE_S3_KNOWN: u32 = 4;
/// S3 RestrictPublicBuckets of the bucket is on.
pub const RESOURCE_S3_ON: u32 = 8;

/// A gateway endpoint.
pub const ENDPOINT_GATEWAY: u32 = 1;
/// Nobody fetched the endpoint's policy.
pub const ENDPOINT_POLICY_UNKNOWN: u32 = 2;

/// An action element is `NotAction`; a resource test is `NotResource`; a principal test is `NotPrincipal`.
pub const NEGATED: u32 = 1;
/// An action element lists every action.
pub const ELEMENT_ANY: u32 = 2;
/// An action element has no entry at all.
pub const ELEMENT_EMPTY: u32 = 4;
/// The rules about every service stand in the last section only; beside the kind of a body.
pub const BODY_SPLIT: u32 = 1 << 31;
/// An action test of a rule: the actions of the service that are not in the set.
pub const RULE_COMPLEMENT: u32 = 1 << 31;
/// An action test of a rule: as the action element says.
pub const RULE_ELEMENT: u32 = 1 << 30;
/// A resource test of a rule, not one pattern.
pub const RULE_RESOURCE_TEST: u32 = 1 << 31;
/// A block has an operator without meaning, so it is false.
pub const BLOCK_MEANINGLESS: u32 = 1;
/// Nothing is known of a guardrail set.
pub const SET_UNKNOWN: u32 = 1;
/// Everything about a guardrail set is known, and its sections hold its denies.
pub const SET_PROGRAM: u32 = 2;
/// The sections of a guardrail set are those of a split body.
pub const SET_SPLIT: u32 = 4;
/// More may be attached to a level.
pub const LEVEL_INCOMPLETE: u32 = 1;
/// Some policy of a level allows everything, without condition.
pub const LEVEL_PASSES: u32 = 2;
/// The policy is attached to a group of the principal.
pub const ATTACHED_TO_GROUP: u32 = 1;
/// A guardrail only fills a level and is left out of explanations.
pub const ATTACHMENT_IMPLIED: u32 = 1;
