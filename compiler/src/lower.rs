//! Documents -> flat, content-addressed statement IR.
//!
//! In goes a [`NamedPolicy`] and the kind it has where it is attached; out comes the number of a *document*. After this
//! stage nobody asks how a policy was written: one string and a list of one are the same, the case of actions
//! is gone, action entries are grouped by service and sorted, elements that a kind does not look at are
//! left out. What is equal is stored once: statements, action sets, resource tests, principal tests, condition blocks,
//! texts of policies. `Sid`s and lines are kept apart, in a list for each document, so that copies of one policy share
//! all the rest.
//!
//! The order of resource entries, principal entries, condition atoms and values is kept: explanations and residuals
//! show it. Nothing is matched here, and no request is in sight.

use crate::error::{CompileError, Limits, within};
use crate::glob::{has_wildcard, normal_form};
use crate::intern::{Lists, NONE, StringId, Strings};
use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use iamc_policy::AccountId;
use iamc_policy::action::ActionPattern;
use iamc_policy::condition::Condition;
use iamc_policy::document::{ActionElement, PolicyKind, PrincipalElement, ResourceElement, Statement};
use iamc_policy::template::{Piece, Template};
use iamc_policy::world::{NamedPolicy, PolicyText};
use iamc_runtime::conditions::operator_code;
use iamc_runtime::layout::{BLOCK_MEANINGLESS, ELEMENT_ANY, ELEMENT_EMPTY, NEGATED};
use iamc_runtime::pattern::account_of;
use iamc_runtime::{principals, statements};

/// The kinds of policies between which the reading of a resource pattern differs, by their number in
/// the lists of patterns.
const PATTERN_KINDS: [PolicyKind; 5] =
    [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Endpoint, PolicyKind::Scp, PolicyKind::Rcp];

/// `${` opens variables in a text.
pub(crate) const VARIABLES: u32 = 1;
/// The account component of a pattern is that of the account that owns the policy.
pub(crate) const OWN: u32 = 2;

/// The statement IR of all documents so far.
///
/// Each list is numbered by itself; what its words mean is said here and read by `emit` alone.
#[derive(Debug)]
pub(crate) struct Lowered {
    pub(crate) strings: Strings,
    /// `[service, pattern…]`: patterns of action names in lower case and normal form, sorted by text, each once.
    pub(crate) action_sets: Lists,
    /// `[flags, (service, action set)…]`, sorted by the service's text.
    pub(crate) action_elements: Lists,
    /// `[text, flags, index in PATTERN_KINDS]`. Flags: [`VARIABLES`], and [`OWN`] if the account component is that of the
    /// account that owns the policy; then the text is without it.
    pub(crate) patterns: Lists,
    /// `[flags, pattern…]`.
    pub(crate) resource_tests: Lists,
    /// As `iamc_runtime::principals` encodes them, with texts of [`Lowered::strings`].
    pub(crate) principal_entries: Lists,
    /// `[flags, entry…]`.
    pub(crate) principal_tests: Lists,
    /// `[operator code, key, (text, 1 if it may hold variables)…]`.
    pub(crate) atoms: Lists,
    /// `[flags, atom…]`.
    pub(crate) blocks: Lists,
    /// `[flags of iamc_runtime::statements, action element, resource test or NONE, block or NONE, principal test or
    /// NONE]`.
    pub(crate) statements: Lists,
    /// `[statement…]`: what a document says, whoever it is attached to.
    pub(crate) texts: Lists,
    /// `[(Sid or NONE, line)…]`, by statement.
    pub(crate) explanations: Lists,
    /// `[text or NONE, name, explanation or NONE, file or NONE, line, 1 if verbatim, home]`: the last two are the low and
    /// the high half of the number of the account that owns the policy, or NONE twice.
    pub(crate) documents: Lists,
    /// The account that owns the document that is being lowered.
    home: Option<AccountId>,
    limits: Limits,
    /// Scratch for one name.
    buffer: String,
    /// What one document needs while it is lowered: its many short lists, forgotten together.
    arena: Bump,
}

impl Lowered {
    pub(crate) fn new(limits: Limits) -> Lowered {
        Lowered {
            strings: Strings::default(),
            action_sets: Lists::new("action sets"),
            action_elements: Lists::new("action elements"),
            patterns: Lists::new("resource patterns"),
            resource_tests: Lists::new("resource tests"),
            principal_entries: Lists::new("principal entries"),
            principal_tests: Lists::new("principal tests"),
            atoms: Lists::new("condition atoms"),
            blocks: Lists::new("condition blocks"),
            statements: Lists::new("statements"),
            texts: Lists::new("policy texts"),
            explanations: Lists::new("explanations"),
            documents: Lists::new("policies"),
            home: None,
            limits,
            buffer: String::new(),
            arena: Bump::new(),
        }
    }

    /// No statement will be lowered any more: gives back the memory that only that needs.
    pub(crate) fn freeze(&mut self) {
        for lists in [
            &mut self.action_sets,
            &mut self.action_elements,
            &mut self.patterns,
            &mut self.resource_tests,
            &mut self.principal_entries,
            &mut self.principal_tests,
            &mut self.atoms,
            &mut self.blocks,
            &mut self.statements,
        ] {
            lists.freeze();
        }
    }

    /// The number of a text. Errors: [`Limits::text_bytes_max`].
    pub(crate) fn string(&mut self, text: &str) -> Result<StringId, CompileError> {
        let id = self.strings.intern(text)?;
        within("bytes of text", self.strings.n_bytes(), self.limits.text_bytes_max)?;
        Ok(id)
    }

    /// The number of a text that may be missing.
    pub(crate) fn maybe(&mut self, text: Option<&str>) -> Result<u32, CompileError> {
        text.map_or(Ok(NONE), |text| self.string(text).map(|id| id.0))
    }

    /// A policy that is attached as one of that kind. Identity policies, boundaries and session policies are read
    /// alike, so one document serves all three. `home`: the account that owns it, which has no part in what it says where
    /// that is said of the own account.
    pub(crate) fn document(
        &mut self,
        kind: PolicyKind,
        policy: &NamedPolicy,
        home: Option<AccountId>,
    ) -> Result<u32, CompileError> {
        let mut arena = std::mem::take(&mut self.arena);
        let document = self.document_in(&arena, kind, policy, home);
        arena.reset();
        self.arena = arena;
        document
    }

    fn document_in(
        &mut self,
        arena: &Bump,
        kind: PolicyKind,
        policy: &NamedPolicy,
        home: Option<AccountId>,
    ) -> Result<u32, CompileError> {
        self.home = home;
        let [low, high] = home_words(home);
        let name = self.string(&policy.name)?.0;
        let (file, line) = match &policy.place {
            Some(place) => (self.string(&place.file)?.0, place.line),
            None => (NONE, 0),
        };
        let PolicyText::Known(parsed) = &policy.text else {
            return self.documents.intern(&[NONE, name, NONE, file, line, 0, low, high]);
        };
        let mut text = ArenaVec::with_capacity_in(parsed.statements.len(), arena);
        let mut explanation = ArenaVec::with_capacity_in(2 * parsed.statements.len(), arena);
        // A line of the document says something only where the document is part of the file as it stands.
        let has_lines = policy.verbatim && policy.place.is_some();
        for statement in &parsed.statements {
            text.push(self.statement(arena, kind, statement)?);
            explanation.push(self.maybe(statement.sid.as_deref())?);
            explanation.push(if has_lines { statement.line } else { 1 });
        }
        let text = self.texts.intern(&text)?;
        let explanation = self.explanations.intern(&explanation)?;
        self.documents.intern(&[text, name, explanation, file, line, u32::from(has_lines), low, high])
    }

    /// A policy whose text is not known.
    pub(crate) fn unknown_document(&mut self, name: &str) -> Result<u32, CompileError> {
        let name = self.string(name)?.0;
        self.documents.intern(&[NONE, name, NONE, NONE, 0, 0, NONE, NONE])
    }

    /// A policy without statements: what is known to say nothing.
    pub(crate) fn empty_document(&mut self, name: &str) -> Result<u32, CompileError> {
        let name = self.string(name)?.0;
        let (text, explanation) = (self.texts.intern(&[])?, self.explanations.intern(&[])?);
        self.documents.intern(&[text, name, explanation, NONE, 0, 0, NONE, NONE])
    }

    fn statement(&mut self, arena: &Bump, kind: PolicyKind, statement: &Statement) -> Result<u32, CompileError> {
        let action = self.action_element(arena, &statement.action)?;
        let resource = match &statement.resource {
            // a trust policy speaks of its role, whatever lenient mode kept.
            Some(element) if kind != PolicyKind::Trust => self.resource_test(arena, kind, element)?,
            _ => NONE,
        };
        let block = self.block(arena, &statement.condition)?;
        let principal = match &statement.principal {
            Some(element) if kind.has_principal() => self.principal_test(arena, element)?,
            _ => NONE,
        };
        let id = self.statements.intern(&[statements::flags(statement), action, resource, block, principal])?;
        within("statements", self.statements.len(), self.limits.statements_max)?;
        Ok(id)
    }

    /// An element without entries matches nothing, negated or not.
    fn action_element(&mut self, arena: &Bump, element: &ActionElement) -> Result<u32, CompileError> {
        if element.patterns.is_empty() {
            return self.action_elements.intern(&[ELEMENT_EMPTY]);
        }
        let mut words = list(arena, if element.negated { NEGATED } else { 0 }, 2 * element.patterns.len());
        if element.patterns.contains(&ActionPattern::Any) {
            words[0] |= ELEMENT_ANY;
            return self.action_elements.intern(&words);
        }
        let mut entries: ArenaVec<'_, (StringId, StringId)> = ArenaVec::with_capacity_in(element.patterns.len(), arena);
        for pattern in &element.patterns {
            match pattern {
                ActionPattern::Named { service, name } if service.is_ascii() && name.is_ascii() => {
                    entries.push((self.string(service)?, self.action_name(name)?));
                }
                // No action has such a name.
                ActionPattern::Named { .. } | ActionPattern::Nothing(_) | ActionPattern::Any => {}
            }
        }
        let strings = &self.strings;
        let texts = |&(service, name): &(StringId, StringId)| (strings.get(service), strings.get(name));
        entries.sort_unstable_by(|left, right| texts(left).cmp(&texts(right)));
        entries.dedup();
        for names in entries.chunk_by(|left, right| left.0 == right.0) {
            let service = names[0].0.0;
            let whole = names.iter().find(|(_, name)| self.strings.get(*name) == "*");
            let names = whole.map_or(names, std::slice::from_ref);
            let mut set = list(arena, service, names.len());
            set.extend(names.iter().map(|(_, name)| name.0));
            words.extend([service, self.action_sets.intern(&set)?]);
        }
        self.action_elements.intern(&words)
    }

    /// A pattern of action names in lower case and normal form.
    fn action_name(&mut self, name: &str) -> Result<StringId, CompileError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push_str(name);
        buffer.make_ascii_lowercase();
        let id = if has_wildcard(&buffer) { self.string(&normal_form(&buffer)) } else { self.string(&buffer) };
        self.buffer = buffer;
        id
    }

    /// An element without entries matches nothing; negated, it excludes nothing.
    fn resource_test(
        &mut self,
        arena: &Bump,
        kind: PolicyKind,
        element: &ResourceElement,
    ) -> Result<u32, CompileError> {
        let kind = pattern_kind(kind);
        let mut words = list(arena, if element.negated { NEGATED } else { 0 }, element.patterns.len());
        for template in &element.patterns {
            let [text, flags] = self.pattern(arena, template, element.negated)?;
            words.push(self.patterns.intern(&[text, flags, kind])?);
        }
        self.resource_tests.intern(&words)
    }

    /// As [`Lowered::template`]; where the entry names the account that owns the policy, the account is left out, so that
    /// copies in many accounts are one. Entries of `NotResource` stay as they are: they are few, and questions about
    /// everybody would have to know the owner of each policy.
    fn pattern(&mut self, arena: &Bump, template: &Template, negated: bool) -> Result<[u32; 2], CompileError> {
        let text = template.text();
        let account = account_of(text).filter(|account| {
            let is_own = self.home.is_some() && self.home == text[account.clone()].parse().ok();
            is_own && !negated && template.fault().is_none()
        });
        let Some(account) = account else { return self.template(template) };
        let mut short = bumpalo::collections::String::with_capacity_in(text.len(), arena);
        short.push_str(&text[..account.start]);
        short.push_str(&text[account.end..]);
        Ok([self.string(&short)?.0, variables_of(template) | OWN])
    }

    fn principal_test(&mut self, arena: &Bump, element: &PrincipalElement) -> Result<u32, CompileError> {
        let mut words = list(arena, if element.negated { NEGATED } else { 0 }, element.entries.len());
        for entry in &element.entries {
            // `encode` takes no error from whoever numbers its texts.
            let mut failed = None;
            let row = principals::encode(entry, |text| match self.string(text) {
                Ok(text) => text.0,
                Err(error) => {
                    failed = Some(error);
                    NONE
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            words.push(self.principal_entries.intern(&row)?);
        }
        self.principal_tests.intern(&words)
    }

    /// Without atoms there is no block.
    fn block(&mut self, arena: &Bump, condition: &Condition) -> Result<u32, CompileError> {
        let no_meaning = !condition.unknown_operators.is_empty();
        if condition.atoms.is_empty() && !no_meaning {
            return Ok(NONE);
        }
        let mut words = list(arena, if no_meaning { BLOCK_MEANINGLESS } else { 0 }, condition.atoms.len());
        for atom in &condition.atoms {
            let mut atom_words = list(arena, operator_code(&atom.operator), 1 + 2 * atom.values.len());
            atom_words.push(self.string(atom.key.as_str())?.0);
            for value in &atom.values {
                atom_words.extend(self.template(value)?);
            }
            words.push(self.atoms.intern(&atom_words)?);
        }
        self.blocks.intern(&words)
    }

    /// A template as its text and whether `${` opens variables in it: [`Lowered::read_template`] makes it again.
    fn template(&mut self, template: &Template) -> Result<[u32; 2], CompileError> {
        Ok([self.string(template.text())?.0, variables_of(template)])
    }

    /// The template behind two words.
    pub(crate) fn read_template(&self, text: u32, flags: u32) -> Template {
        let text = self.strings.get(StringId(text));
        if flags & VARIABLES == 0 { Template::literal(text) } else { Template::with_variables(text) }
    }
}

/// A list that begins with this word and is about to get so many more.
fn list(arena: &Bump, first: u32, n_more: usize) -> ArenaVec<'_, u32> {
    let mut words = ArenaVec::with_capacity_in(1 + n_more, arena);
    words.push(first);
    words
}

/// [`VARIABLES`], or nothing.
fn variables_of(template: &Template) -> u32 {
    // A text without variables is one literal piece, or none if it is empty, whatever may stand in its place.
    let literal = template.fault().is_none() && template.pieces().all(|piece| matches!(piece, Piece::Literal(_)));
    if literal { 0 } else { VARIABLES }
}

/// The last two words of a document.
fn home_words(home: Option<AccountId>) -> [u32; 2] {
    // Account numbers are below 2^40, so the high half is never NONE.
    home.map_or([NONE; 2], |home| [home.number() as u32, (home.number() >> 32) as u32])
}

/// The number of the account that owns a document, from its last two words.
pub(crate) fn home_of(low: u32, high: u32) -> Option<u64> {
    (high != NONE).then(|| u64::from(high) << 32 | u64::from(low))
}

/// The index in [`PATTERN_KINDS`] of the kind that reads patterns as this one does.
fn pattern_kind(kind: PolicyKind) -> u32 {
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => 0,
        PolicyKind::Resource => 1,
        PolicyKind::Trust | PolicyKind::Key | PolicyKind::Endpoint => 2,
        PolicyKind::Scp => 3,
        PolicyKind::Rcp => 4,
    }
}

/// The kind behind the third word of a pattern.
pub(crate) fn pattern_kind_of(index: u32) -> PolicyKind {
    PATTERN_KINDS[index as usize]
}

#[cfg(test)]
mod tests;
