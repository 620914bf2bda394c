//! The Datalog program: which policies apply, as far as that is settled before any request (sections 6.2 to 6.4).
//!
//! Facts go in as interned numbers ([`Facts`]), sorted tuples come out ([`Derived`]); what the numbers stand for is
//! said where the relations are declared. Requests, patterns and conditions have no part in this.
//!
//! Each rule begins with its name, an atom of the relation `Rule`. The name cites the semantics, and it is a switch:
//! without that fact the rule derives nothing. [`RULES`] holds all names; a test takes out one at a time and shows a
//! world whose answer changes. Only the projections that a negation needs, and lists of what is lacking, have no name.
//!
//! Habits that keep the program right and quick: the recursive atom stands first behind the name, a `for` clause would
//! stand last (a variable bound by one is not known to the atoms behind it), an unused variable is an error since it is
//! the only sign of such a mistake, and no closure here is larger than its input times the depth of a hierarchy.
#![deny(unused_variables)]
// What the macro writes.
#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::iter_over_hash_type)]

use crate::facts::{Derived, Facts};
use crepe::crepe;
use rustc_hash::FxBuildHasher;

/// The names of all rules.
pub(crate) const RULES: &[&str] = &[
    "R-6.8 inline policies",
    "R-6.10 managed policies",
    "R-6.8 groups",
    "R-6.8 a principal's own policies",
    "R-6.8 policies of its groups",
    "R-8.17 an attached policy without text",
    "R-8.17 an attached policy of a group without text",
    "R-8.17 a group that was not exported",
    "R-6.11 the boundary",
    "R-8.17 a boundary without text",
    "R-6.11 a boundary that does not exist",
    "R-8.17 identities without a gap",
    "R-6.21 the root",
    "R-6.21 units below",
    "R-6.21 the unit of an account",
    "R-6.21 the units above",
    "R-6.21 levels of units",
    "R-6.21 the level of the account",
    "R-6.21 levels found by search",
    "R-6.20 member accounts",
    "R-5.10 a path with a hole",
    "R-5.10 an account whose place was not exported",
    "R-5.10 an organization whose accounts were not exported",
    "R-6.20 enabled as exported",
    "R-6.20 enabled as attachments prove",
    "R-8.17 perhaps enabled",
    "R-6.20 member accounts are governed",
    "R-6.21 attached guardrails",
    "R-8.17 guardrails that were not exported",
    "R-8.17 guardrails of which it is not known whether they are enabled",
    "R-6.2 everyone",
    "R-6.2 the caller itself",
    "R-6.2 the base of the caller",
    "R-6.2 the account of the caller",
    "5.2 what an atom depends on",
    "5.2 an atom that depends on several things",
    "5.2 an atom that depends on one thing",
    "R-4.1 keys that a statement reads",
];

crepe! {
    // ---- names of rules, and what is said of the whole world -------------------------------------------------------
    @input
    struct Rule(&'static str);
    // `"may lack"`: what the input lacks may exist; `"complete"`: it does not.
    @input
    struct World(&'static str);

    // ---- identities: holders are users, groups and roles by number, places are positions in their lists -------------
    // A user or a role.
    @input
    struct Principal(u32);
    // Holder, place, document.
    @input
    struct Inline(u32, u32, u32);
    // Holder, place, ARN of the managed policy.
    @input
    struct Attaches(u32, u32, u32);
    // ARN, document.
    @input
    struct Managed(u32, u32);
    // User, place of the group (from 1), account, name of the group.
    @input
    struct InGroup(u32, u32, u32, u32);
    // Account, name, holder.
    @input
    struct Group(u32, u32, u32);
    // Principal, ARN of the managed policy.
    @input
    struct Bounded(u32, u32);

    // ARN of a managed policy that the export holds.
    struct Exported(u32);
    // Holder, place, document.
    struct Carries(u32, u32, u32);
    // Holder, place, ARN: attached, but not exported.
    struct Lacks(u32, u32, u32);
    // Account, name of a group that the export holds.
    struct KnownGroup(u32, u32);
    // User, place, holder.
    struct Member(u32, u32, u32);

    // Principal, place of the group or 0, place, document.
    @output
    struct Attached(u32, u32, u32, u32);
    // Principal, place of the group or 0, place, ARN.
    @output
    struct AttachedUnknown(u32, u32, u32, u32);
    // User, place of the group, name.
    @output
    struct UnknownGroup(u32, u32, u32);
    // Principal, document.
    @output
    struct Boundary(u32, u32);
    // Principal, ARN.
    @output
    struct BoundaryUnknown(u32, u32);
    // Principal, ARN: a boundary that allows nothing.
    @output
    struct BoundaryMissing(u32, u32);

    Exported(arn) <- Managed(arn, _);
    KnownGroup(account, name) <- Group(account, name, _);

    Carries(holder, place, document) <- Rule("R-6.8 inline policies"), Inline(holder, place, document);
    Carries(holder, place, document) <-
        Rule("R-6.10 managed policies"), Attaches(holder, place, arn), Managed(arn, document);
    Lacks(holder, place, arn) <- World("may lack"), Attaches(holder, place, arn), !Exported(arn);
    Member(user, at, group) <- Rule("R-6.8 groups"), InGroup(user, at, account, name), Group(account, name, group);

    Attached(principal, 0, place, document) <-
        Rule("R-6.8 a principal's own policies"), Principal(principal), Carries(principal, place, document);
    Attached(user, at, place, document) <-
        Rule("R-6.8 policies of its groups"), Member(user, at, group), Carries(group, place, document);
    AttachedUnknown(principal, 0, place, arn) <-
        Rule("R-8.17 an attached policy without text"), Principal(principal), Lacks(principal, place, arn);
    AttachedUnknown(user, at, place, arn) <-
        Rule("R-8.17 an attached policy of a group without text"), Member(user, at, group), Lacks(group, place, arn);
    UnknownGroup(user, at, name) <-
        Rule("R-8.17 a group that was not exported"),
        World("may lack"), InGroup(user, at, account, name), !KnownGroup(account, name);

    Boundary(principal, document) <- Rule("R-6.11 the boundary"), Bounded(principal, arn), Managed(arn, document);
    BoundaryUnknown(principal, arn) <-
        Rule("R-8.17 a boundary without text"), World("may lack"), Bounded(principal, arn), !Exported(arn);
    BoundaryMissing(principal, arn) <-
        Rule("R-6.11 a boundary that does not exist"), World("complete"), Bounded(principal, arn), !Exported(arn);

    // ---- gaps: accounts, units and organizations by the number of their id --------------------------------------------
    // An account that anything speaks of.
    @input
    struct Account(u32);
    // An account of the inventory.
    @input
    struct Listed(u32);
    // Kind, subject; only where gaps count.
    @input
    struct Gap(&'static str, u32);
    // Account of the inventory: all of its users, groups, roles and policies are listed.
    @output
    struct IdentitiesKnown(u32);

    IdentitiesKnown(account) <-
        Rule("R-8.17 identities without a gap"), Listed(account), !Gap("identities", account);

    // ---- hierarchy ------------------------------------------------------------------------------------------------------
    @input
    struct Organization(u32);
    // A unit without a unit above, its organization.
    @input
    struct Root(u32, u32);
    // Unit, the unit above.
    @input
    struct Below(u32, u32);
    // Account, its unit.
    @input
    struct LiesIn(u32, u32);
    // Account, level, entity: found by the search that replaces the recursion in large worlds.
    @input
    struct Found(u32, u32, u32);

    // Unit, organization, level: the whole path up to the root is known.
    struct Sound(u32, u32, u32);
    // Unit.
    struct Known(u32);
    // Account: it lies in some unit.
    struct Placed(u32);
    // Account, unit on its path.
    struct Under(u32, u32);
    // Account, organization.
    @output
    struct MemberOf(u32, u32);
    // Account: the export does not say where it lies.
    @output
    struct PlaceUnknown(u32);
    // Account, level (0: the root), entity: unit or the account itself.
    @output
    struct Level(u32, u32, u32);

    Sound(unit, organization, 0) <-
        Rule("R-6.21 the root"), Root(unit, organization), Organization(organization), !Gap("hierarchy", unit);
    Sound(unit, organization, level + 1) <-
        Rule("R-6.21 units below"),
        Sound(above, organization, level), Below(unit, above), !Gap("hierarchy", unit);
    Known(unit) <- Sound(unit, _, _);
    Placed(account) <- LiesIn(account, _);

    Under(account, unit) <- Rule("R-6.21 the unit of an account"), LiesIn(account, unit), Known(unit);
    Under(account, above) <- Rule("R-6.21 the units above"), Under(account, unit), Below(unit, above);
    Level(account, level, unit) <-
        Rule("R-6.21 levels of units"), Under(account, unit), Sound(unit, _, level);
    Level(account, level + 1, account) <-
        Rule("R-6.21 the level of the account"), LiesIn(account, unit), Sound(unit, _, level);
    Level(account, level, entity) <- Rule("R-6.21 levels found by search"), Found(account, level, entity);

    MemberOf(account, organization) <-
        Rule("R-6.20 member accounts"), LiesIn(account, unit), Sound(unit, organization, _);
    PlaceUnknown(account) <- Rule("R-5.10 a path with a hole"), LiesIn(account, unit), !Known(unit);
    PlaceUnknown(account) <-
        Rule("R-5.10 an account whose place was not exported"),
        Account(account), !Placed(account), Gap("hierarchy", account);
    PlaceUnknown(account) <-
        Rule("R-5.10 an organization whose accounts were not exported"),
        Organization(organization), Gap("hierarchy", organization), Account(account), !Placed(account);

    // ---- guardrails: kinds are "scp" and "rcp" ----------------------------------------------------------------------------
    // Kind: some guardrail of it exists.
    @input
    struct Exists(&'static str);
    // Kind, organization: the export says that the kind is enabled.
    @input
    struct Stated(&'static str, u32);
    // Kind, organization: the export does not say.
    @input
    struct Unstated(&'static str, u32);
    // Organization, account.
    @input
    struct Manages(u32, u32);
    // Kind, entity, place, document, 1 if implied.
    @input
    struct Target(&'static str, u32, u32, u32, u32);

    // Kind, organization.
    struct InForce(&'static str, u32);
    // Kind, account, organization: guardrails of that kind hold in that account.
    @output
    struct Governed(&'static str, u32, u32);
    // Kind, account, level, place, document, 1 if implied.
    @output
    struct Holds(&'static str, u32, u32, u32, u32, u32);
    // Kind, account: more guardrails may be attached at each of its levels.
    @output
    struct MoreMayHold(&'static str, u32);

    InForce(kind, organization) <- Rule("R-6.20 enabled as exported"), Stated(kind, organization);
    InForce(kind, organization) <-
        Rule("R-6.20 enabled as attachments prove"), Unstated(kind, organization), Exists(kind);
    InForce(kind, organization) <- Rule("R-8.17 perhaps enabled"), World("may lack"), Unstated(kind, organization);

    // Everything in the management account is exempt.
    Governed(kind, account, organization) <-
        Rule("R-6.20 member accounts are governed"),
        InForce(kind, organization), MemberOf(account, organization), !Manages(organization, account);
    Holds(kind, account, level, place, document, implied) <-
        Rule("R-6.21 attached guardrails"),
        Governed(kind, account, _), Level(account, level, entity), Target(kind, entity, place, document, implied);
    MoreMayHold(kind, account) <-
        Rule("R-8.17 guardrails that were not exported"), Governed(kind, account, organization), Gap(kind, organization);
    MoreMayHold(kind, account) <-
        Rule("R-8.17 guardrails of which it is not known whether they are enabled"),
        World("may lack"), Governed(kind, account, organization), Unstated(kind, organization);

    // ---- principal elements: classes of entries are those of R-1.23 -------------------------------------------------------
    // Principal test, entry.
    @input
    struct Names(u32, u32);
    // Entry, its class.
    @input
    struct Class(u32, &'static str);
    // Principal test, a level of that it may reach.
    @output
    struct Reaches(u32, &'static str);

    Reaches(test, "STAR") <- Rule("R-6.2 everyone"), Names(test, entry), Class(entry, "everyone");
    Reaches(test, "SELF") <- Rule("R-6.2 the caller itself"), Names(test, entry), Class(entry, "itself");
    Reaches(test, "BASE") <- Rule("R-6.2 the base of the caller"), Names(test, entry), Class(entry, "base");
    Reaches(test, "ACCT") <- Rule("R-6.2 the account of the caller"), Names(test, entry), Class(entry, "account");

    // ---- conditions: what keys speak of is "context", "principal" or "resource" ---------------------------------------------
    // Statement, atom.
    @input
    struct Needs(u32, u32);
    // Atom, key: as its own key or as a variable in a value.
    @input
    struct Reads(u32, u32);
    // Key, what it speaks of.
    @input
    struct Speaks(u32, &'static str);
    // Atom, what its value depends on.
    struct DependsOn(u32, &'static str);
    struct Mixed(u32);
    // Atom, the one thing it depends on, or "mixed".
    @output
    struct Dependence(u32, &'static str);
    // Statement, key.
    @output
    struct StatementReads(u32, u32);

    DependsOn(atom, thing) <- Rule("5.2 what an atom depends on"), Reads(atom, key), Speaks(key, thing);
    Mixed(atom) <- DependsOn(atom, one), DependsOn(atom, other), (one != other);
    Dependence(atom, "mixed") <- Rule("5.2 an atom that depends on several things"), Mixed(atom);
    Dependence(atom, thing) <-
        Rule("5.2 an atom that depends on one thing"), DependsOn(atom, thing), !Mixed(atom);
    StatementReads(statement, key) <-
        Rule("R-4.1 keys that a statement reads"), Needs(statement, atom), Reads(atom, key);
}

/// The three rules that walk up from each account, which `found` replaces.
const WALK: [&str; 3] = ["R-6.21 the units above", "R-6.21 levels of units", "R-6.21 the level of the account"];

/// What follows from the facts, by all rules but the one that is left out: tests show with that what each rule is for.
///
/// Every list of the result is sorted and holds each tuple once. Cost: O(facts + results), but for hierarchies, where
/// each account meets each unit above it: callers give large ones as [`Facts::found`].
pub(crate) fn derive_without(facts: &Facts, rule: Option<&str>) -> Derived {
    let mut program = Crepe::new();
    let searched = facts.found.is_some();
    let active = RULES.iter().filter(|name| Some(**name) != rule && !(searched && WALK.contains(name)));
    program.extend(active.map(|name| Rule(name)));
    program.extend([World(if facts.may_lack { "may lack" } else { "complete" })]);

    program.extend(facts.principals.iter().map(|&p| Principal(p)));
    program.extend(facts.inline.iter().map(|&(holder, place, document)| Inline(holder, place, document)));
    program.extend(facts.attaches.iter().map(|&(holder, place, arn)| Attaches(holder, place, arn)));
    program.extend(facts.managed.iter().map(|&(arn, document)| Managed(arn, document)));
    program.extend(facts.in_group.iter().map(|&(user, at, account, name)| InGroup(user, at, account, name)));
    program.extend(facts.groups.iter().map(|&(account, name, holder)| Group(account, name, holder)));
    program.extend(facts.bounded.iter().map(|&(principal, arn)| Bounded(principal, arn)));

    program.extend(facts.accounts.iter().map(|&account| Account(account)));
    program.extend(facts.listed.iter().map(|&account| Listed(account)));
    program.extend(facts.gaps.iter().map(|&(kind, subject)| Gap(kind, subject)));
    program.extend(facts.organizations.iter().map(|&organization| Organization(organization)));
    program.extend(facts.roots.iter().map(|&(unit, organization)| Root(unit, organization)));
    program.extend(facts.below.iter().map(|&(unit, above)| Below(unit, above)));
    program.extend(facts.placed.iter().map(|&(account, unit)| LiesIn(account, unit)));
    program.extend(facts.found.iter().flatten().map(|&(account, level, entity)| Found(account, level, entity)));

    program.extend(facts.exists.iter().map(|&kind| Exists(kind)));
    program.extend(facts.enabled.iter().map(|&(kind, organization)| Stated(kind, organization)));
    program.extend(facts.unstated.iter().map(|&(kind, organization)| Unstated(kind, organization)));
    program.extend(facts.manages.iter().map(|&(organization, account)| Manages(organization, account)));
    program.extend(
        facts
            .targets
            .iter()
            .map(|&(kind, entity, place, document, implied)| Target(kind, entity, place, document, implied)),
    );

    program.extend(facts.names.iter().map(|&(test, entry)| Names(test, entry)));
    program.extend(facts.classes.iter().map(|&(entry, class)| Class(entry, class)));
    program.extend(facts.needs.iter().map(|&(statement, atom)| Needs(statement, atom)));
    program.extend(facts.reads.iter().map(|&(atom, key)| Reads(atom, key)));
    program.extend(facts.speaks.iter().map(|&(key, thing)| Speaks(key, thing)));

    let (
        attached,
        attached_unknown,
        unknown_groups,
        boundaries,
        boundaries_unknown,
        boundaries_missing,
        identities_known,
        member_of,
        place_unknown,
        levels,
        governed,
        holds,
        more_may_hold,
        reaches,
        dependence,
        statement_reads,
    ) = program.run_with_hasher::<FxBuildHasher>();
    Derived {
        attached: sorted(attached.into_iter().map(|Attached(p, at, place, document)| (p, at, place, document))),
        attached_unknown: sorted(
            attached_unknown.into_iter().map(|AttachedUnknown(p, at, place, arn)| (p, at, place, arn)),
        ),
        unknown_groups: sorted(unknown_groups.into_iter().map(|UnknownGroup(user, at, name)| (user, at, name))),
        boundaries: sorted(boundaries.into_iter().map(|Boundary(p, document)| (p, document))),
        boundaries_unknown: sorted(boundaries_unknown.into_iter().map(|BoundaryUnknown(p, arn)| (p, arn))),
        boundaries_missing: sorted(boundaries_missing.into_iter().map(|BoundaryMissing(p, arn)| (p, arn))),
        identities_known: sorted(identities_known.into_iter().map(|IdentitiesKnown(account)| account)),
        member_of: sorted(member_of.into_iter().map(|MemberOf(account, organization)| (account, organization))),
        place_unknown: sorted(place_unknown.into_iter().map(|PlaceUnknown(account)| account)),
        levels: sorted(levels.into_iter().map(|Level(account, level, entity)| (account, level, entity))),
        governed: sorted(governed.into_iter().map(|Governed(kind, account, _)| (kind, account))),
        holds: sorted(holds.into_iter().map(|Holds(kind, account, level, place, document, implied)| {
            (kind, account, level, place, document, implied)
        })),
        more_may_hold: sorted(more_may_hold.into_iter().map(|MoreMayHold(kind, account)| (kind, account))),
        reaches: sorted(reaches.into_iter().map(|Reaches(test, level)| (test, level))),
        dependence: sorted(dependence.into_iter().map(|Dependence(atom, thing)| (atom, thing))),
        statement_reads: sorted(statement_reads.into_iter().map(|StatementReads(statement, key)| (statement, key))),
    }
}

/// crepe returns hash sets, and nothing may depend on their order.
fn sorted<T: Ord>(tuples: impl Iterator<Item = T>) -> Vec<T> {
    let mut list: Vec<T> = tuples.collect();
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests;
