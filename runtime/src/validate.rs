//! The one validation of tables: what holds afterwards is listed in [`crate::set`].

use crate::conditions::{Value, read_operator};
use crate::error::LoadError;
use crate::hash;
use crate::keys::{SPECIAL, read_class_word};
use crate::layout::*;
use crate::pattern::Pattern;
use crate::principals::{self, EntryKind};
use crate::programs::EXTENT_MAX;
use crate::set::rows;
use crate::{classes, settings, statements};
use iamc_catalogue::Catalogue;
use iamc_policy::Settings;
use iamc_policy::document::PolicyKind;

/// An account number is below this.
const ACCOUNTS_END: u64 = 1_000_000_000_000;

/// A section that is being checked.
#[derive(Clone, Copy)]
struct Check<'t> {
    tables: &'t Tables,
    section: &'static str,
    row: usize,
}

type Checked = Result<(), LoadError>;

impl Check<'_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, LoadError> {
        Err(LoadError::Damaged { section: self.section, what, row: self.row })
    }

    fn ensure(&self, holds: bool, what: &'static str) -> Checked {
        if holds { Ok(()) } else { self.fail(what) }
    }

    fn id(&self, id: u32, n: usize, what: &'static str) -> Checked {
        self.ensure((id as usize) < n, what)
    }

    fn id_or_none(&self, id: u32, n: usize, what: &'static str) -> Checked {
        self.ensure(id == NONE || (id as usize) < n, what)
    }

    fn string(&self, id: u32) -> Checked {
        self.id(id, self.tables.string_offsets.len() - 1, "a string that does not exist")
    }

    fn string_or_none(&self, id: u32) -> Checked {
        if id == NONE { Ok(()) } else { self.string(id) }
    }

    fn explain_string(&self, id: u32) -> Checked {
        let n = self.tables.explain_string_offsets.len().saturating_sub(1);
        self.id(id, n, "a text that does not exist")
    }

    fn explain_string_or_none(&self, id: u32) -> Checked {
        if id == NONE { Ok(()) } else { self.explain_string(id) }
    }

    /// A range; sums that do not fit 32 bits are refused too, so that readers may add.
    fn range(&self, first: u32, count: u32, n: usize, what: &'static str) -> Checked {
        self.ensure(first.checked_add(count).is_some_and(|end| end as usize <= n), what)
    }

    fn range_or_none(&self, first: u32, count: u32, n: usize, what: &'static str) -> Checked {
        if count == NONE { Ok(()) } else { self.range(first, count, n, what) }
    }

    fn flags(&self, flags: u32, known: u32) -> Checked {
        self.ensure(flags & !known == 0, "an unknown flag")
    }

    fn text(&self, id: u32) -> &str {
        text(self.tables, id)
    }
}

/// A string that was checked.
fn text(tables: &Tables, id: u32) -> &str {
    let [start, end] = [id as usize, id as usize + 1].map(|at| tables.string_offsets[at] as usize);
    &tables.string_bytes[start..end]
}

/// Calls `check` for each row of a section.
fn each<'t, const N: usize>(
    tables: &'t Tables,
    section: &'static str,
    words: &'t [u32],
    mut check: impl FnMut(Check<'t>, [u32; N]) -> Checked,
) -> Checked {
    let (rows, rest) = words.as_chunks::<N>();
    let here = |row| Check { tables, section, row };
    here(rows.len()).ensure(rest.is_empty() && u32::try_from(words.len()).is_ok(), "not a whole number of rows")?;
    rows.iter().enumerate().try_for_each(|(row, words)| check(here(row), *words))
}

/// Checks that what `key` gives for neighbouring rows ascends strictly.
fn ascending<T: Ord>(check: Check<'_>, last: &mut Option<T>, key: T) -> Checked {
    check.ensure(last.as_ref().is_none_or(|last| *last < key), "out of order")?;
    *last = Some(key);
    Ok(())
}

/// Checks all tables; gives the settings and the words about the world.
pub(crate) fn validate(tables: &Tables, catalogue: &Catalogue) -> Result<(Settings, u32), LoadError> {
    strings(tables, "string_offsets", &tables.string_offsets, &tables.string_bytes)?;
    let n_strings = tables.string_offsets.len() - 1;
    let string = |id: u32| ((id as usize) < n_strings).then(|| text(tables, id));
    let settings = settings::decode(&tables.settings, string);
    let settings = settings.ok_or(LoadError::Damaged { section: "settings", what: "not our settings", row: 0 })?;
    actions(tables, catalogue)?;
    keys(tables)?;
    patterns_and_conditions(tables)?;
    statements(tables)?;
    bodies(tables)?;
    organizations(tables)?;
    principals_and_resources(tables)?;
    explanations(tables)?;
    for (section, table, n) in [
        ("key_hash", &tables.key_hash, tables.keys.len() / KEY_ROW),
        ("service_hash", &tables.service_hash, tables.services.len() / SERVICE_ROW),
        ("action_hash", &tables.action_hash, tables.action_flags.len()),
        ("principal_hash", &tables.principal_hash, tables.principals.len() / PRINCIPAL_ROW),
        ("role_name_hash", &tables.role_name_hash, tables.principals.len() / PRINCIPAL_ROW),
        ("resource_hash", &tables.resource_hash, tables.resources.len() / RESOURCE_ROW),
    ] {
        if !hash::is_table(table, n) {
            return Err(LoadError::Damaged { section, what: "not a hash table over its rows", row: 0 });
        }
    }
    Ok(settings)
}

fn strings(tables: &Tables, section: &'static str, offsets: &[u32], heap: &str) -> Checked {
    let check = |row| Check { tables, section, row };
    check(0).ensure(offsets.first() == Some(&0), "does not begin at 0")?;
    check(offsets.len())
        .ensure(offsets.last().is_some_and(|end| *end as usize == heap.len()), "does not end at the end")?;
    for (row, pair) in offsets.windows(2).enumerate() {
        check(row).ensure(pair[0] <= pair[1] && heap.is_char_boundary(pair[1] as usize), "not a string")?;
    }
    Ok(())
}

fn actions(tables: &Tables, catalogue: &Catalogue) -> Checked {
    let n_actions = tables.action_flags.len();
    let n_services = tables.services.len() / SERVICE_ROW;
    let check = Check { tables, section: "action_flags", row: 0 };
    check.ensure(n_actions == catalogue.n_actions(), "not one word for each action of the catalogue")?;
    each(tables, "services", &tables.services, |check, [name, first, count]| {
        check.string(name)?;
        check.range(first, count, n_actions, "actions that do not exist")?;
        let known = catalogue.service(check.text(name));
        let range = known.map(|service| service.action_ids());
        check.ensure(count == 0 || range == Some(first..first + count), "not the actions of this service")
    })?;
    let texts = &tables.action_texts;
    let n_bits = tables.action_bits.len();
    each(tables, "action_sets", &tables.action_sets, |check, [shape, _, _, first]: [u32; ACTION_SET_ROW]| {
        check.ensure(shape <= 2, "an unknown shape")?;
        if first == NONE {
            return check.ensure(shape == 0, "no text patterns");
        }
        let Some(count) = texts.get(first as usize) else { return check.fail("text patterns that do not exist") };
        check.range(first, count.saturating_add(1), texts.len(), "text patterns that do not exist")?;
        texts[first as usize + 1..(first + 1 + count) as usize].iter().try_for_each(|id| check.string(*id))
    })?;
    each(tables, "action_entries", &tables.action_entries, |check, [service, set]| {
        check.id(service, n_services, "a service that does not exist")?;
        action_set(check, set, service, n_bits)
    })?;
    let entries = rows::<2>(&tables.action_entries);
    each(tables, "action_elements", &tables.action_elements, |check, [flags, first, count]| {
        check.flags(flags, NEGATED | ELEMENT_ANY | ELEMENT_EMPTY)?;
        check.range(first, count, entries.len(), "entries that do not exist")?;
        let own = &entries[first as usize..(first + count) as usize];
        check.ensure(own.is_sorted_by_key(|[service, _]| *service), "entries out of order")
    })
}

/// An action set as one of a service's.
fn action_set(check: Check<'_>, set: u32, service: u32, n_bits: usize) -> Checked {
    let sets = rows::<ACTION_SET_ROW>(&check.tables.action_sets);
    check.id(set, sets.len(), "an action set that does not exist")?;
    let [shape, first, ..] = sets[set as usize];
    let n_actions = rows::<SERVICE_ROW>(&check.tables.services)[service as usize][2];
    check.ensure(
        shape != 2 || first as usize + (n_actions as usize).div_ceil(64) <= n_bits,
        "a bitmap that is too short",
    )
}

fn keys(tables: &Tables) -> Checked {
    let services = rows::<SERVICE_ROW>(&tables.services);
    each(tables, "keys", &tables.keys, |check, [name, word, tag, bits]: [u32; KEY_ROW]| {
        check.string(name)?;
        check.string_or_none(tag)?;
        let special = SPECIAL.get(check.row);
        check.ensure(special.is_none_or(|special| *special == check.text(name)), "not our special key")?;
        let class = read_class_word(check.row as u32, word);
        check.ensure(class.is_some() && (word & 0xff == 0) == special.is_some(), "an unknown class")?;
        if bits == NONE {
            return Ok(());
        }
        let prefix = check.text(name).split(':').next().unwrap_or_default();
        let service = services.iter().find(|[name, ..]| check.text(*name) == prefix);
        let Some([_, _, n_actions]) = service else { return check.fail("bits of a service that does not exist") };
        check.range(bits, n_actions.div_ceil(64), tables.key_action_bits.len(), "bits that do not exist")
    })?;
    let check = Check { tables, section: "keys", row: tables.keys.len() / KEY_ROW };
    check.ensure(check.row >= SPECIAL.len(), "special keys are missing")
}

fn patterns_and_conditions(tables: &Tables) -> Checked {
    let n_keys = tables.keys.len() / KEY_ROW;
    each(tables, "patterns", &tables.patterns, |check, [start, len, shape, min_len]: [u32; PATTERN_ROW]| {
        check.range(start, len, tables.pattern_bytes.len(), "bytes that do not exist")?;
        let bytes = &tables.pattern_bytes[start as usize..(start + len) as usize];
        let pattern = Pattern::read(bytes, shape, min_len);
        check.ensure(pattern.is_some_and(|pattern| pattern.is_valid(n_keys)), "no pattern")
    })?;
    let n_patterns = tables.patterns.len() / PATTERN_ROW;
    each(tables, "resource_entries", &tables.resource_entries, |check, [pattern]| {
        check.id(pattern, n_patterns, "a pattern that does not exist")
    })?;
    each(tables, "resource_tests", &tables.resource_tests, |check, [flags, first, count]| {
        check.flags(flags, NEGATED)?;
        check.range(first, count, tables.resource_entries.len(), "entries that do not exist")
    })?;
    each(tables, "values", &tables.values, |check, [start, len, form, payload]: [u32; VALUE_ROW]| {
        check.range(start, len, tables.value_bytes.len(), "bytes that do not exist")?;
        let bytes = &tables.value_bytes[start as usize..(start + len) as usize];
        let value = Value::read(bytes, form, payload, &tables.value_words);
        check.ensure(value.is_some_and(|value| value.is_valid(form, n_keys)), "no value")
    })?;
    each(tables, "atoms", &tables.atoms, |check, [operator, key, first, count]: [u32; ATOM_ROW]| {
        let Some(operator) = read_operator(operator) else { return check.fail("an unknown operator") };
        check.id(key, n_keys, "a key that does not exist")?;
        check.range(first, count, tables.values.len() / VALUE_ROW, "values that do not exist")?;
        let values = &rows::<VALUE_ROW>(&tables.values)[first as usize..(first + count) as usize];
        check.ensure(
            values.iter().all(|[_, _, form, _]| crate::conditions::fits(*form, operator.base)),
            "a value that is none of the operator's",
        )
    })?;
    let n_atoms = tables.atoms.len() / ATOM_ROW;
    each(tables, "block_atoms", &tables.block_atoms, |check, [atom]| {
        check.id(atom, n_atoms, "an atom that does not exist")
    })?;
    each(tables, "blocks", &tables.blocks, |check, [flags, first, count]| {
        check.flags(flags, BLOCK_MEANINGLESS)?;
        check.range(first, count, tables.block_atoms.len(), "atoms that do not exist")
    })
}

fn statements(tables: &Tables) -> Checked {
    each(tables, "principal_entries", &tables.principal_entries, |check, row: [u32; PRINCIPAL_ENTRY_ROW]| {
        let Some(kind) = EntryKind::read(row[0]) else { return check.fail("an unknown kind") };
        if kind.has_text() {
            return check.string(row[1]);
        }
        check.ensure(kind != EntryKind::Account || principals::account(&row) < ACCOUNTS_END, "no account number")?;
        check.string_or_none(row[3])
    })?;
    each(tables, "principal_tests", &tables.principal_tests, |check, [flags, first, count]| {
        check.flags(flags, NEGATED)?;
        let n = tables.principal_entries.len() / PRINCIPAL_ENTRY_ROW;
        check.range(first, count, n, "entries that do not exist")
    })?;
    let n_elements = tables.action_elements.len() / ELEMENT_ROW;
    each(tables, "statements", &tables.statements, |check, row: [u32; STATEMENT_ROW]| {
        let [flags, element, resource, block, principal] = row;
        check.flags(flags, statements::ALL)?;
        check.id(element, n_elements, "an action element that does not exist")?;
        check.id_or_none(resource, tables.resource_tests.len() / 3, "a resource test that does not exist")?;
        check.id_or_none(block, tables.blocks.len() / 3, "a block that does not exist")?;
        check.id_or_none(principal, tables.principal_tests.len() / 3, "a principal test that does not exist")
    })
}

fn bodies(tables: &Tables) -> Checked {
    let n_statements = tables.statements.len() / STATEMENT_ROW;
    let statements = rows::<STATEMENT_ROW>(&tables.statements);
    let n_services = tables.services.len() / SERVICE_ROW;
    each(tables, "body_statements", &tables.body_statements, |check, [statement]| {
        check.id(statement, n_statements, "a statement that does not exist")
    })?;
    let n_rules = tables.rules.len() / RULE_ROW;
    let n_elements = tables.action_elements.len() / ELEMENT_ROW;
    let n_patterns = tables.patterns.len() / PATTERN_ROW;
    each(tables, "rules", &tables.rules, |check, [head, test, resource, block]: [u32; RULE_ROW]| {
        let statement = head >> 1;
        check.id(statement, n_statements, "a statement that does not exist")?;
        check.ensure(head & 1 == statements[statement as usize][0] & statements::DENY, "another effect")?;
        match resource {
            NONE => {}
            test if test & RULE_RESOURCE_TEST != 0 => {
                let test = test & !RULE_RESOURCE_TEST;
                check.id(test, tables.resource_tests.len() / 3, "a resource test that does not exist")?;
            }
            pattern => check.id(pattern, n_patterns, "a pattern that does not exist")?,
        }
        check.id_or_none(block, tables.blocks.len() / 3, "a block that does not exist")?;
        if test != NONE && test & RULE_ELEMENT != 0 {
            check.ensure(test & RULE_COMPLEMENT == 0, "an unknown action test")?;
            check.id(test & !RULE_ELEMENT, n_elements, "an action element that does not exist")?;
        }
        Ok(())
    })?;
    each(tables, "body_sections", &tables.body_sections, |check, [service, first, count]| {
        check.id_or_none(service, n_services, "a service that does not exist")?;
        check.range(first, count, n_rules, "rules that do not exist")?;
        check.ensure(count <= EXTENT_MAX, "more rules than are counted")?;
        for [_, test, ..] in &rows::<RULE_ROW>(&tables.rules)[first as usize..(first + count) as usize] {
            match (*test, service) {
                (NONE, _) => {}
                (test, _) if test & RULE_ELEMENT != 0 => {}
                (_, NONE) => return check.fail("an action set of no service"),
                (test, service) => action_set(check, test & !RULE_COMPLEMENT, service, tables.action_bits.len())?,
            }
        }
        Ok(())
    })?;
    let sections = rows::<3>(&tables.body_sections);
    each(tables, "bodies", &tables.bodies, |check, row: [u32; BODY_ROW]| {
        let [kind, first, count, first_section, n_sections] = row;
        check.id(kind & !BODY_SPLIT, PolicyKind::ALL.len(), "an unknown kind")?;
        check.range(first, count, tables.body_statements.len(), "statements that do not exist")?;
        service_index(check, sections, first_section, n_sections)
    })?;
    let n_bodies = tables.bodies.len() / BODY_ROW;
    let n_accounts = tables.account_numbers.len();
    each(tables, "instances", &tables.instances, |check, [body, home, _]: [u32; INSTANCE_ROW]| {
        check.id_or_none(body, n_bodies, "a body that does not exist")?;
        check.id_or_none(home, n_accounts, "an account that does not exist")
    })
}

/// What explanations show, or nothing at all.
fn explanations(tables: &Tables) -> Checked {
    let n = |section, given: usize, expected: usize| {
        let check = Check { tables, section, row: given };
        check.ensure(given == expected, "not one row for each of what is explained")
    };
    if tables.explain_string_offsets.is_empty() {
        n("explain_string_bytes", tables.explain_string_bytes.len(), 0)?;
        n("explain_instances", tables.explain_instances.len(), 0)?;
        n("explain_statements", tables.explain_statements.len(), 0)?;
        return n("explain_groups", tables.explain_groups.len(), 0);
    }
    let (offsets, heap) = (&tables.explain_string_offsets, &tables.explain_string_bytes);
    strings(tables, "explain_string_offsets", offsets, heap)?;
    let instances = rows::<INSTANCE_ROW>(&tables.instances);
    each(tables, "explain_statements", &tables.explain_statements, |check, [sid, _]| {
        check.explain_string_or_none(sid)
    })?;
    each(tables, "explain_instances", &tables.explain_instances, |check, row: [u32; EXPLAIN_INSTANCE_ROW]| {
        let [name, explain, file, _] = row;
        check.explain_string(name)?;
        check.explain_string_or_none(file)?;
        let Some([body, ..]) = instances.get(check.row) else { return check.fail("a policy that does not exist") };
        if *body != NONE && explain != NONE {
            let count = rows::<BODY_ROW>(&tables.bodies)[*body as usize][2];
            check.range(explain, count, tables.explain_statements.len() / 2, "explanations that do not exist")?;
        }
        Ok(())
    })?;
    n("explain_instances", tables.explain_instances.len() / EXPLAIN_INSTANCE_ROW, instances.len())?;
    n("explain_groups", tables.explain_groups.len(), tables.attachments.len())?;
    each(tables, "explain_groups", &tables.explain_groups, |check, [name]| {
        let is_group = tables.attachments[check.row] & ATTACHED_TO_GROUP != 0;
        check.ensure(is_group == (name != NONE), "a group that is none")?;
        check.explain_string_or_none(name)
    })
}

/// The sections of a service index ascend: NONE is the greatest number, so it comes last.
fn service_index(check: Check<'_>, sections: &[[u32; 3]], first: u32, count: u32) -> Checked {
    check.range(first, count, sections.len(), "sections that do not exist")?;
    let mut last = None;
    sections[first as usize..(first + count) as usize]
        .iter()
        .try_for_each(|[service, ..]| ascending(check, &mut last, *service))
}

fn organizations(tables: &Tables) -> Checked {
    let n_accounts = tables.account_numbers.len();
    let n_instances = tables.instances.len() / INSTANCE_ROW;
    let mut last = None;
    for (row, number) in tables.account_numbers.iter().enumerate() {
        let check = Check { tables, section: "account_numbers", row };
        check.ensure(*number < ACCOUNTS_END, "no account number")?;
        ascending(check, &mut last, *number)?;
    }
    let n_organizations = tables.organizations.len() / ORGANIZATION_ROW;
    let n_sets = tables.guardrail_sets.len() / GUARDRAIL_SET_ROW;
    each(tables, "accounts", &tables.accounts, |check, row: [u32; ACCOUNT_ROW]| {
        let [flags, organization, path, scps, rcps] = row;
        check.flags(flags, 2 * ACCOUNT_S3_ON - 1)?;
        check.id_or_none(organization, n_organizations, "an organization that does not exist")?;
        check.string_or_none(path)?;
        check.ensure(organization == NONE || path != NONE, "no path in its organization")?;
        check.id_or_none(scps, n_sets, "a guardrail set that does not exist")?;
        check.id_or_none(rcps, n_sets, "a guardrail set that does not exist")
    })?;
    let check = Check { tables, section: "accounts", row: tables.accounts.len() / ACCOUNT_ROW };
    check.ensure(check.row == n_accounts, "not one row for each number")?;
    let mut last: Option<&str> = None;
    each(tables, "canonical_users", &tables.canonical_users, |check, [id, account]| {
        check.string(id)?;
        check.id(account, n_accounts, "an account that does not exist")?;
        ascending(check, &mut last, text(tables, id))
    })?;
    each(tables, "organizations", &tables.organizations, |check, [id, management]: [u32; ORGANIZATION_ROW]| {
        check.string(id)?;
        check.id(management, n_accounts, "an account that does not exist")
    })?;
    each(tables, "delegated", &tables.delegated, |check, [organization, account]| {
        check.id(organization, n_organizations, "an organization that does not exist")?;
        check.id(account, n_accounts, "an account that does not exist")
    })?;
    each(tables, "guardrail_attachments", &tables.guardrail_attachments, |check, [instance, flags]| {
        check.id(instance, n_instances, "a policy that does not exist")?;
        check.flags(flags, ATTACHMENT_IMPLIED)
    })?;
    each(tables, "guardrail_levels", &tables.guardrail_levels, |check, [entity, flags, first, count]: [u32; 4]| {
        check.string(entity)?;
        check.flags(flags, LEVEL_INCOMPLETE | LEVEL_PASSES)?;
        check.range(first, count, tables.guardrail_attachments.len() / 2, "attachments that do not exist")
    })?;
    let sections = rows::<3>(&tables.body_sections);
    each(tables, "guardrail_sets", &tables.guardrail_sets, |check, row: [u32; GUARDRAIL_SET_ROW]| {
        let [flags, first, count, first_section, n_sections] = row;
        check.flags(flags, SET_UNKNOWN | SET_PROGRAM | SET_SPLIT)?;
        check.range(first, count, tables.guardrail_levels.len() / 4, "levels that do not exist")?;
        service_index(check, sections, first_section, n_sections)
    })
}

/// The number of classes.
fn principal_classes(tables: &Tables) -> Result<usize, LoadError> {
    let n_atoms = tables.atoms.len() / ATOM_ROW;
    let mut last: Option<u32> = None;
    each(tables, "class_atoms", &tables.class_atoms, |check, [atom]| {
        check.id(atom, n_atoms, "an atom that does not exist")?;
        check.ensure(check.row < usize::from(u16::MAX), "more atoms than classes speak of")?;
        ascending(check, &mut last, atom)
    })?;
    let (n, n_words) = (tables.principal_classes.len(), classes::n_words(tables.class_atoms.len()));
    let check = Check { tables, section: "principal_classes", row: n.checked_div(n_words).unwrap_or(0) };
    check.ensure(if n_words == 0 { n == 0 } else { n.is_multiple_of(n_words) }, "not a whole number of rows")?;
    Ok(check.row)
}

fn principals_and_resources(tables: &Tables) -> Checked {
    let n_accounts = tables.account_numbers.len();
    let n_instances = tables.instances.len() / INSTANCE_ROW;
    let n_tags = tables.tags.len() / 3;
    let n_attachments = tables.attachments.len();
    let n_classes = principal_classes(tables)?;
    const POLICY: &str = "a policy that does not exist";
    const TAGS: &str = "tags that do not exist";
    each(tables, "tags", &tables.tags, |check, tag: [u32; 3]| tag.iter().try_for_each(|id| check.string(*id)))?;
    each(tables, "attachments", &tables.attachments, |check, [word]| check.id(word >> 1, n_instances, POLICY))?;
    each(tables, "principals", &tables.principals, |check, row: [u32; PRINCIPAL_ROW]| {
        let [flags, account, arn, unique_id, boundary, first, count, first_tag, n_own, rest @ ..] = row;
        let [first_session_tag, n_session_tags, first_session, n_session, trust, path_at, class] = rest;
        check.flags(flags, PRINCIPAL_ROLE | PRINCIPAL_SERVICE_LINKED | PRINCIPAL_AWS)?;
        check.ensure(flags & !PRINCIPAL_AWS != PRINCIPAL_SERVICE_LINKED, "a service-linked user")?;
        check.id_or_none(account, n_accounts, "an account that does not exist")?;
        check.string(arn)?;
        check.string_or_none(unique_id)?;
        check.id_or_none(boundary, n_instances, POLICY)?;
        check.range(first, count, n_attachments, "attachments that do not exist")?;
        check.range_or_none(first_tag, n_own, n_tags, TAGS)?;
        check.range(first_session_tag, n_session_tags, n_tags, TAGS)?;
        check.range(first_session, n_session, n_attachments, "attachments that do not exist")?;
        check.id_or_none(trust, n_instances, POLICY)?;
        check.id_or_none(class, n_classes, "a class that does not exist")?;
        check.ensure(flags & PRINCIPAL_ROLE == 0 || trust != NONE, "a role without trust policy")?;
        let arn = check.text(arn);
        check.ensure(flags & PRINCIPAL_AWS == 0 || arn.starts_with("arn:aws:"), "another partition")?;
        check.ensure(arn.is_char_boundary(path_at as usize), "a name that is not in its ARN")
    })?;
    each(tables, "grant_operations", &tables.grant_operations, |check, [id]| check.string(id))?;
    each(tables, "grants", &tables.grants, |check, row: [u32; GRANT_ROW]| {
        let [grantee, retiring, first, count, holds] = row;
        check.string_or_none(grantee)?;
        check.string_or_none(retiring)?;
        check.range(first, count, tables.grant_operations.len(), "operations that do not exist")?;
        check.ensure(holds <= 2, "no truth value")
    })?;
    each(tables, "resources", &tables.resources, |check, row: [u32; RESOURCE_ROW]| {
        let [arn, account, policy, flags, first_tag, n_own, first_grant, n_grants, above] = row;
        check.string(arn)?;
        check.id_or_none(account, n_accounts, "an account that does not exist")?;
        check.id_or_none(policy, n_instances, POLICY)?;
        check.flags(flags, 2 * RESOURCE_S3_ON - 1)?;
        check.range_or_none(first_tag, n_own, n_tags, TAGS)?;
        check.range_or_none(first_grant, n_grants, tables.grants.len() / GRANT_ROW, "grants that do not exist")?;
        let Some([container, ..]) = rows::<RESOURCE_ROW>(&tables.resources).get(above as usize) else {
            return check.ensure(above == NONE, "a resource that does not exist");
        };
        // Shorter each time, so that the way up ends.
        check.string(*container)?;
        check.ensure(check.text(*container).len() < check.text(arn).len(), "contained in what is no shorter")
    })?;
    let mut last: Option<&str> = None;
    each(tables, "endpoints", &tables.endpoints, |check, row: [u32; ENDPOINT_ROW]| {
        let [id, account, vpc, flags, policy] = row;
        check.string(id)?;
        check.id(account, n_accounts, "an account that does not exist")?;
        check.string_or_none(vpc)?;
        check.flags(flags, ENDPOINT_GATEWAY | ENDPOINT_POLICY_UNKNOWN)?;
        check.id_or_none(policy, n_instances, POLICY)?;
        ascending(check, &mut last, text(tables, id))
    })?;
    let mut last: Option<(u32, &str)> = None;
    each(tables, "coverage", &tables.coverage, |check, [account, service]| {
        check.id(account, n_accounts, "an account that does not exist")?;
        check.string(service)?;
        ascending(check, &mut last, (account, text(tables, service)))
    })?;
    each(tables, "gaps", &tables.gaps, |check, [_, subject, message, file, _]: [u32; 5]| {
        check.string(subject)?;
        check.string(message)?;
        check.string_or_none(file)
    })
}
