//! One authorization unit (section 0, `evaluate`): explicit denies, guardrails, grants, and the formula over them.

use crate::caller::Kind;
use crate::condition;
use crate::context::UnitContext;
use crate::formula::{self, and, not, or, truth};
use crate::gates;
use crate::kms;
use crate::pattern::{self, EntryResult, Subject};
use crate::principal::{self, Levels, Matcher, Origin};
use crate::resolve::{self, Level, Located, Pool, Rcps, ResourceSide};
use crate::s3;
use crate::variables::Keys;
use iamc_catalogue::lists;
use iamc_policy::decision::{
    AtomKind, Contribution, GrantLevel, Missing, PolicyRef, ResidualAtom, StatementRef, UnitId,
};
use iamc_policy::document::ResourceElement;
use iamc_policy::request::{EndpointType, RequestError, Values};
use iamc_policy::settings::{NullNotResource, StarGrant};
use iamc_policy::{
    Arn, ConditionAtom, ConditionKey, Effect, Formula, KeyState, PolicyKind, PrincipalEntry, ReasonCode, Statement,
    Truth,
};

/// What section 0 says of one unit.
pub(crate) struct Verdict {
    /// D: explicitly denied.
    pub(crate) denied: Formula,
    /// A: allowed, unless denied.
    pub(crate) allowed: Formula,
    pub(crate) deny: Vec<Contribution>,
    pub(crate) allow: Vec<Contribution>,
    pub(crate) missing: Vec<Missing>,
    pub(crate) witness: Vec<StatementRef>,
    pub(crate) warnings: Vec<String>,
}

/// How a statement applies: its formula without the principal test, and the levels of that test.
struct Applied<'a> {
    located: &'a Located<'a>,
    /// Action, resource and condition.
    body: Formula,
    levels: Levels,
    /// The whole.
    applies: Formula,
}

impl Applied<'_> {
    fn effect(&self) -> Effect {
        self.located.statement.effect
    }
}

/// The statements of one pool, applied to the unit.
struct AppliedPool<'a> {
    applied: Vec<Applied<'a>>,
    /// One formula for each policy whose text is not known: it may allow, and it may deny.
    unknown: Formula,
}

impl AppliedPool<'_> {
    /// some applicable Allow.
    fn allows(&self) -> Formula {
        or(self.of(Effect::Allow).map(|applied| applied.applies.clone()).chain([self.unknown.clone()]))
    }

    /// some applicable Deny.
    fn denies(&self) -> Formula {
        or(self.of(Effect::Deny).map(|applied| applied.applies.clone()).chain([self.unknown.clone()]))
    }

    fn of(&self, effect: Effect) -> impl Iterator<Item = &Applied<'_>> {
        self.applied.iter().filter(move |applied| applied.effect() == effect)
    }
}

/// Section 0, `evaluate(action, resource)`.
pub(crate) fn evaluate(context: &UnitContext<'_>) -> Result<Verdict, RequestError> {
    let UnitContext { world, request, caller, unit, .. } = *context;

    // Which policies apply (6.2 to 6.5).
    let identity = resolve::identity(world, caller);
    let boundary = resolve::boundary(world, caller);
    let session = resolve::session(request, caller);
    let scps = resolve::scps(world, caller, unit)?;
    let rcps = resolve::rcps(world, context.catalogue, request, caller, unit);
    let endpoint = resolve::endpoint(world, request)?;
    let resource = resolve::resource(world, unit);
    let side = resolve::resource_side(unit);
    let retires_grant = side == ResourceSide::Key && unit.action_text() == "kms:retiregrant";

    // Each statement is T, F or U (R-6.4, section 8).
    let endpoint_type = endpoint.as_ref().map(|(_, endpoint_type)| *endpoint_type);
    let apply = |pool: &Pool<'_>| -> Formula { or(pool.unknown.iter().map(|policy| unknown_policy(policy, &unit.id))) };
    let applied = |pool| apply_pool(context, pool, None, apply(pool));
    let identity = applied(&identity);
    let boundary = boundary.as_ref().map(applied);
    let session = session.as_ref().map(applied);
    let scp_levels: Option<Vec<(String, AppliedPool<'_>)>> =
        scps.as_ref().map(|levels| levels.iter().map(|level| (level.entity.clone(), applied(&level.pool))).collect());
    let (rcp_levels, foreign_rcp) = match &rcps {
        Rcps::None => (None, None),
        Rcps::Levels(levels) => (Some(apply_levels(levels, &applied)), None),
        Rcps::Foreign { counts } => (None, Some(*counts)),
    };
    let endpoint = endpoint.as_ref().map(|(pool, _)| apply_pool(context, pool, endpoint_type, apply(pool)));
    // for RetireGrant the key policy has no effect, whatever it says.
    let empty = Pool::default();
    let resource_pool = if retires_grant { &empty } else { &resource };
    let resource_applied = applied(resource_pool);

    // 1. explicit deny
    let mut denials: Vec<&AppliedPool<'_>> = vec![&identity];
    denials.extend(&boundary);
    denials.extend(&session);
    denials.extend(scp_levels.iter().flatten().map(|(_, pool)| pool));
    denials.extend(rcp_levels.iter().flatten().map(|(_, pool)| pool));
    denials.extend(&endpoint);
    let escapes = root_escapes(context);
    if !escapes {
        denials.push(&resource_applied);
    }
    let foreign = match foreign_rcp {
        Some(true) => unknown_policy(&resolve::unknown_ref(PolicyKind::Rcp), &unit.id),
        _ => Formula::False,
    };
    let denied = or(denials.iter().map(|pool| pool.denies()).chain([foreign]));

    // 2. guardrails
    let mut missing = Vec::new();
    let mut guardrails = Vec::new();
    for (entity, pool) in scp_levels.iter().flatten() {
        let allows = pool.allows();
        note(&mut missing, ReasonCode::NoScpAllow, Some(entity.clone()), &allows);
        guardrails.push(allows);
    }
    if let Some(pool) = &endpoint {
        let allows = pool.allows();
        note(&mut missing, ReasonCode::NoEndpointAllow, None, &allows);
        guardrails.push(allows);
    }

    // 3. grants
    let grants = Grants::new(context, side, &identity, boundary.as_ref(), session.as_ref(), &resource_applied);
    let core = grants.core(context);
    grants.explain(context, side, &core, &mut missing);
    let mut gates = gates::closed(context);
    gates.push((ReasonCode::GateS3Bpa, s3::blocked(context, &resource)));
    for (code, closed) in &gates {
        note(&mut missing, *code, None, &not(closed.clone()));
    }
    let open = gates.into_iter().map(|(_, closed)| not(closed));
    let allowed = and([core].into_iter().chain(guardrails).chain(open));

    // Explanation.
    let mut pools: Vec<&AppliedPool<'_>> = vec![&identity];
    pools.extend(&boundary);
    pools.extend(&session);
    pools.extend(scp_levels.iter().flatten().map(|(_, pool)| pool));
    pools.extend(rcp_levels.iter().flatten().map(|(_, pool)| pool));
    pools.extend(&endpoint);
    pools.push(&resource_applied);
    let deny = contributions(pools.iter().copied(), Effect::Deny, escapes);
    let allow = contributions(pools.iter().copied(), Effect::Allow, false);
    let witness = if allowed == Formula::True && denied == Formula::False {
        let levels = scp_levels.iter().flatten().map(|(_, pool)| pool).chain(&endpoint);
        witness(&grants, &identity, boundary.as_ref(), session.as_ref(), levels)
    } else {
        Vec::new()
    };
    missing.sort();
    Ok(Verdict {
        denied,
        allowed,
        deny,
        allow,
        missing,
        witness,
        warnings: warnings(context, foreign_rcp.is_some(), &[&resource]),
    })
}

fn apply_levels<'a>(
    levels: &'a [Level<'a>],
    applied: &impl Fn(&'a Pool<'a>) -> AppliedPool<'a>,
) -> Vec<(String, AppliedPool<'a>)> {
    levels.iter().map(|level| (level.entity.clone(), applied(&level.pool))).collect()
}

fn note(missing: &mut Vec<Missing>, code: ReasonCode, argument: Option<String>, requirement: &Formula) {
    let value = truth(requirement);
    if value != Truth::True {
        missing.push(Missing { code, argument, value });
    }
}

/// the residual atom `policy(TYPE/NAME)`.
fn unknown_policy(policy: &PolicyRef, unit: &UnitId) -> Formula {
    Formula::Atom(Box::new(ResidualAtom {
        unit: unit.clone(),
        policy: Some(policy.clone()),
        statement: None,
        kind: AtomKind::Policy,
        keys: Vec::new(),
    }))
}

/// the deny of a bucket or queue policy does not stop the owner's root user.
fn root_escapes(context: &UnitContext<'_>) -> bool {
    context.caller.kind == Kind::Root
        && context.caller.account == context.unit.owner
        && lists::ROOT_ESCAPES_RESOURCE_DENY.contains(&context.unit.action_text().as_str())
}

// ---------------------------------------------------------------------------------------------------------------
// Statements.

fn apply_pool<'a>(
    context: &UnitContext<'_>,
    pool: &'a Pool<'a>,
    endpoint_type: Option<EndpointType>,
    unknown: Formula,
) -> AppliedPool<'a> {
    let applied = pool.statements.iter().map(|located| apply_statement(context, located, endpoint_type)).collect();
    AppliedPool { applied, unknown }
}

fn apply_statement<'a>(
    context: &UnitContext<'_>,
    located: &'a Located<'a>,
    endpoint_type: Option<EndpointType>,
) -> Applied<'a> {
    let statement = located.statement;
    let origin = Origin {
        unit: &context.unit.id,
        policy: &located.policy,
        statement: (located.index, located.statement.sid.as_deref()),
        effect: statement.effect,
    };
    let kind = located.policy.kind;
    // F ∧ x = F: what follows a False is not looked at.
    let mut body = formula::constant(pattern::action_test(&statement.action, context.unit.action));
    if body != Formula::False {
        body = resource_test(context, kind, statement.resource.as_ref(), &origin);
    }
    if body != Formula::False {
        body = and([body, condition_test(context, statement, &origin)]);
    }
    let levels = match &statement.principal {
        Some(element) if kind.has_principal() => {
            let matcher =
                Matcher { world: context.world, request: context.request, caller: context.caller, endpoint_type };
            principal::levels(&matcher, element, &origin)
        }
        // A kind without `Principal` speaks of whoever it is attached to.
        _ => Levels(vec![(GrantLevel::SelfLevel, Formula::True)]),
    };
    let applies = and([body.clone(), levels.any()]);
    Applied { located, body, levels, applies }
}

/// the resource test.
fn resource_test(
    context: &UnitContext<'_>,
    kind: PolicyKind,
    element: Option<&ResourceElement>,
    origin: &Origin<'_>,
) -> Formula {
    let element = match element {
        Some(element) if kind != PolicyKind::Trust => element,
        // the resource that the policy is attached to.
        _ => return Formula::True,
    };
    let entries: Vec<(Formula, EntryResult)> = element
        .patterns
        .iter()
        .map(|entry| {
            let result = entry_result(context, kind, entry);
            let atom = || ResidualAtom {
                unit: origin.unit.clone(),
                policy: Some(origin.policy.clone()),
                statement: Some(origin.statement()),
                kind: AtomKind::Resource { pattern: result.resolved.clone() },
                keys: names(&result.unknown_keys),
            };
            (formula::of(result.truth, atom), result)
        })
        .collect();
    let some = or(entries.iter().map(|(formula, _)| formula.clone()));
    if !element.negated {
        return some;
    }
    // by its switch: a null variable makes the statement inapplicable.
    if context.world.settings.null_notresource == NullNotResource::Skip {
        if entries.iter().any(|(_, result)| result.null) {
            return Formula::False;
        }
        let perhaps_null = entries.iter().filter(|(_, result)| !result.unknown_keys.is_empty()).map(|(_, result)| {
            Formula::Atom(Box::new(ResidualAtom {
                unit: origin.unit.clone(),
                policy: Some(origin.policy.clone()),
                statement: Some(origin.statement()),
                kind: AtomKind::Resource { pattern: null_pattern(result) },
                keys: names(&result.unknown_keys),
            }))
        });
        return and([not(some), not(or(perhaps_null))]);
    }
    not(some)
}

/// How a residual names the question whether an entry is null, which is not the question whether it matches.
pub(crate) fn null_pattern(result: &EntryResult) -> String {
    format!("null({})", result.resolved)
}

/// what an entry is compared with.
pub(crate) fn entry_result(context: &UnitContext<'_>, kind: PolicyKind, entry: &iamc_policy::Template) -> EntryResult {
    let settings = &context.world.settings;
    let compare = |subject: Subject<'_>| pattern::resource_entry(entry, kind, &subject, context, settings);
    if let Some(arn) = context.unit.arn() {
        return compare(Subject::Arn(arn.as_str()));
    }
    let action = context.unit.action_text();
    let partition = context.caller.principal.partition().unwrap_or("aws");
    if lists::PSEUDO_ARN_S3.contains(&action.as_str()) {
        return compare(Subject::PseudoArn(&format!("arn:{partition}:s3:::*")));
    }
    if !lists::PSEUDO_ARN_DYNAMODB.contains(&action.as_str()) {
        return compare(Subject::Star);
    }
    let account = context.unit.owner.map(|account| account.to_string()).unwrap_or_default();
    let arn = |region: &str| format!("arn:{partition}:dynamodb:{region}:{account}:*");
    let key = ConditionKey::new("aws:RequestedRegion");
    match context.state(&key) {
        KeyState::Values(Values::One(region)) => compare(Subject::PseudoArn(&arn(&region))),
        KeyState::Values(values) => compare(Subject::PseudoArn(&arn(values.as_slice().first().map_or("", |r| r)))),
        KeyState::Absent => compare(Subject::PseudoArn(&arn(""))),
        KeyState::Present | KeyState::Unknown => {
            // Two Regions of one and two characters that no pattern spells out: a pattern that matches both does so
            // by a star, hence matches every Region. Anything else depends on the Region.
            let (one, two) = (arn("\u{1}"), arn("\u{1}\u{1}"));
            let (one, two) = (compare(Subject::PseudoArn(&one)), compare(Subject::PseudoArn(&two)));
            if one.truth == two.truth && one.truth != Truth::False {
                return one;
            }
            let service = entry.text().split(':').nth(2);
            if service.is_some_and(|service| !service.contains(['*', '?', '$']) && service != "dynamodb") {
                return EntryResult { truth: Truth::False, ..one };
            }
            EntryResult { truth: Truth::Unknown, unknown_keys: vec![key], ..one }
        }
    }
}

/// every atom; an operator without meaning is false.
fn condition_test(context: &UnitContext<'_>, statement: &Statement, origin: &Origin<'_>) -> Formula {
    if !statement.condition.unknown_operators.is_empty() {
        return Formula::False;
    }
    and(statement.condition.atoms.iter().map(|atom| condition_formula(atom, context, Some(origin), origin.unit)))
}

/// One condition atom as a formula.
pub(crate) fn condition_formula(
    atom: &ConditionAtom,
    context: &UnitContext<'_>,
    origin: Option<&Origin<'_>>,
    unit: &UnitId,
) -> Formula {
    let result = condition::atom(atom, context, &context.world.settings);
    formula::of(result.truth, || ResidualAtom {
        unit: unit.clone(),
        policy: origin.map(|origin| origin.policy.clone()),
        statement: origin.map(Origin::statement),
        kind: AtomKind::Condition {
            operator: atom.operator.to_string(),
            key: atom.key.as_str().to_owned(),
            values: result.resolved,
        },
        keys: names(&result.unknown_keys),
    })
}

fn names(keys: &[ConditionKey]) -> Vec<String> {
    let mut names: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

// ---------------------------------------------------------------------------------------------------------------
// Grants: section 0, step 3.

struct Grants<'a> {
    id: Formula,
    pb: Formula,
    sp: Formula,
    unlim: Formula,
    lim: Formula,
    acct: Formula,
    /// a KMS grant that names the caller, its role or its base user.
    grant: Formula,
    mode: CoreMode,
    /// by its switch: a plain star is limited as a role ARN is.
    limited_star: bool,
    resource: &'a AppliedPool<'a>,
}

/// Which line of `core` holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CoreMode {
    /// Anonymous, Service, FedIdp.
    NoAccount,
    SameStandard,
    SameMandatory,
    Cross,
}

impl<'a> Grants<'a> {
    fn new(
        context: &UnitContext<'_>,
        side: ResourceSide,
        identity: &AppliedPool<'_>,
        boundary: Option<&AppliedPool<'_>>,
        session: Option<&AppliedPool<'_>>,
        resource: &'a AppliedPool<'a>,
    ) -> Grants<'a> {
        let caller = context.caller;
        let mode = core_mode(context, side);
        let limited_star = context.world.settings.star_grant == StarGrant::PrincipalArn
            && matches!(mode, CoreMode::SameStandard | CoreMode::SameMandatory);
        let (mut unlim, mut lim, mut acct) = resource_levels(limited_star, resource);
        let grants = kms::grants(context);
        let grant_at =
            |level: GrantLevel| or(grants.iter().filter(|(own, _)| *own == level).map(|(_, holds)| holds.clone()));
        unlim = or([unlim, grant_at(GrantLevel::SelfLevel), grant_at(GrantLevel::Star)]);
        lim = or([lim, grant_at(GrantLevel::Base)]);
        acct = or([acct, grant_at(GrantLevel::Account)]);
        let (acl_unlim, acl_acct) = acl(context);
        Grants {
            id: if caller.kind == Kind::Root || caller.base_is_root { Formula::True } else { identity.allows() },
            pb: boundary.map_or(Formula::True, AppliedPool::allows),
            sp: session.map_or(formula::constant(caller.kind != Kind::FedUser), AppliedPool::allows),
            unlim: or([unlim, acl_unlim]),
            lim,
            acct: or([acct, acl_acct]),
            grant: or([grant_at(GrantLevel::SelfLevel), grant_at(GrantLevel::Base)]),
            mode,
            limited_star,
            resource,
        }
    }

    /// The resource side of a cross-account request.
    fn any_level(&self) -> Formula {
        or([self.unlim.clone(), self.lim.clone(), self.acct.clone()])
    }

    /// by its switch a grant needs the identity side as well.
    fn grant_alone(&self, context: &UnitContext<'_>) -> Formula {
        if context.world.settings.kms_grant_identity { Formula::False } else { self.grant.clone() }
    }

    fn limits(&self) -> Formula {
        and([self.pb.clone(), self.sp.clone()])
    }

    /// Section 0, `core`.
    fn core(&self, context: &UnitContext<'_>) -> Formula {
        let root = context.caller.kind == Kind::Root;
        match self.mode {
            CoreMode::NoAccount => self.unlim.clone(),
            CoreMode::SameStandard if root => Formula::True,
            CoreMode::SameMandatory if root => self.unlim.clone(),
            CoreMode::Cross if root => self.unlim.clone(),
            CoreMode::SameStandard => {
                or([self.unlim.clone(), and([or([self.id.clone(), self.lim.clone()]), self.limits()])])
            }
            CoreMode::SameMandatory => or([
                self.unlim.clone(),
                and([self.lim.clone(), self.limits()]),
                and([self.acct.clone(), self.id.clone(), self.limits()]),
            ]),
            CoreMode::Cross => {
                and([or([and([self.any_level(), self.id.clone()]), self.grant_alone(context)]), self.limits()])
            }
        }
    }

    /// the codes of each factor of `core` that is not T.
    fn explain(&self, context: &UnitContext<'_>, side: ResourceSide, core: &Formula, missing: &mut Vec<Missing>) {
        if *core == Formula::True {
            return;
        }
        let root = context.caller.kind == Kind::Root;
        let mut say = |code: ReasonCode, value: &Formula| note(missing, code, None, value);
        let resource_code = match side {
            ResourceSide::Trust => ReasonCode::NoTrustAllow,
            ResourceSide::Key => ReasonCode::NoKeyPolicyAllow,
            ResourceSide::Standard => ReasonCode::NoResourceAllow,
        };
        let is_false = |formula: &Formula| truth(formula) == Truth::False;
        match self.mode {
            CoreMode::NoAccount => return say(resource_code, &self.unlim),
            CoreMode::SameMandatory | CoreMode::Cross if root => return say(resource_code, &self.unlim),
            CoreMode::SameStandard => {
                let factor = or([self.id.clone(), self.lim.clone()]);
                let code = if is_false(&self.acct) {
                    ReasonCode::NoIdentityAllow
                } else {
                    ReasonCode::ResourceAllowAccountOnly
                };
                say(code, &factor);
            }
            CoreMode::SameMandatory => {
                let factor = or([self.lim.clone(), and([self.acct.clone(), self.id.clone()])]);
                if factor != Formula::True {
                    let code = match side {
                        ResourceSide::Key if !is_false(&self.id) => ReasonCode::KeyPolicyNoDelegation,
                        _ => resource_code,
                    };
                    say(code, &self.acct);
                    if !is_false(&self.acct) {
                        say(ReasonCode::NoIdentityAllow, &self.id);
                    }
                }
            }
            CoreMode::Cross => {
                let factor = or([and([self.any_level(), self.id.clone()]), self.grant_alone(context)]);
                if factor != Formula::True {
                    say(ReasonCode::NoIdentityAllow, &self.id);
                    say(resource_code, &self.any_level());
                }
            }
        }
        say(ReasonCode::NoBoundaryAllow, &self.pb);
        say(ReasonCode::NoSessionAllow, &self.sp);
    }
}

/// Section 0: `same`, and Standard or Mandatory.
fn core_mode(context: &UnitContext<'_>, side: ResourceSide) -> CoreMode {
    let UnitContext { world, request, caller, unit, .. } = *context;
    if caller.account.is_none() {
        return CoreMode::NoAccount;
    }
    if gates::identity_alone_suffices(world, request, caller, unit) {
        return CoreMode::SameStandard;
    }
    match (gates::is_cross_account(caller, unit) || unit.owner.is_none(), side) {
        (true, _) => CoreMode::Cross,
        (false, ResourceSide::Standard) => CoreMode::SameStandard,
        (false, ResourceSide::Trust | ResourceSide::Key) => CoreMode::SameMandatory,
    }
}

/// the three grant classes of the resource policy.
fn resource_levels(limited_star: bool, resource: &AppliedPool<'_>) -> (Formula, Formula, Formula) {
    let escapes_limits = |statement: &Statement| escapes_limits(limited_star, statement);
    let at = |level: GrantLevel, keep: &dyn Fn(&Statement) -> bool| {
        or(resource
            .of(Effect::Allow)
            .filter(|applied| keep(applied.located.statement))
            .map(|applied| and([applied.body.clone(), applied.levels.at(level)])))
    };
    let all = |_: &Statement| true;
    // a resource policy whose text is not known may allow at every level.
    let unknown = || resource.unknown.clone();
    let unlim = or([at(GrantLevel::Star, &escapes_limits), at(GrantLevel::SelfLevel, &all), unknown()]);
    let lim =
        or([at(GrantLevel::Base, &all), at(GrantLevel::Star, &|statement| !escapes_limits(statement)), unknown()]);
    let acct = or([at(GrantLevel::Account, &all), unknown()]);
    (unlim, lim, acct)
}

/// does a star in the statement escape boundary and session policy?
fn escapes_limits(limited_star: bool, statement: &Statement) -> bool {
    !limited_star || statement.condition.atoms.iter().any(|atom| atom.key.as_str() == "aws:principalarn")
}

/// an S3 ACL that allows, as an Allow at level STAR (anonymous) or ACCT (cross-account).
fn acl(context: &UnitContext<'_>) -> (Formula, Formula) {
    let nothing = (Formula::False, Formula::False);
    let Some(allows) = context.request.facts.acl_allows else { return nothing };
    if context.unit.action.service() != "s3" {
        return nothing;
    }
    let holds = formula::of(allows, || ResidualAtom {
        unit: context.unit.id.clone(),
        policy: None,
        statement: None,
        kind: AtomKind::Fact { name: "acl_allows".into() },
        keys: Vec::new(),
    });
    match context.caller.kind {
        Kind::Anonymous => (holds, Formula::False),
        _ if gates::is_cross_account(context.caller, context.unit) => {
            // For a root user the account is the caller itself.
            if context.caller.kind == Kind::Root { (holds, Formula::False) } else { (Formula::False, holds) }
        }
        _ => nothing,
    }
}

// ---------------------------------------------------------------------------------------------------------------
// Explanation, warnings.

/// every statement of that effect that is T or U, sorted.
fn contributions<'p>(
    pools: impl Iterator<Item = &'p AppliedPool<'p>>,
    effect: Effect,
    without_resource: bool,
) -> Vec<Contribution> {
    let mut found = Vec::new();
    for pool in pools {
        for applied in pool.of(effect) {
            let value = truth(&applied.applies);
            let kind = applied.located.policy.kind;
            let of_resource = matches!(kind, PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Key);
            if value == Truth::False || applied.located.hidden || (without_resource && of_resource) {
                continue;
            }
            let mut levels = Vec::new();
            if of_resource && effect == Effect::Allow {
                levels.extend(
                    applied.levels.0.iter().filter(|(_, holds)| *holds != Formula::False).map(|(level, _)| *level),
                );
                levels.sort();
                levels.dedup();
            }
            found.push(Contribution { statement: applied.located.origin(), effect, value, levels });
        }
    }
    found.sort();
    found
}

/// one Allow a requirement, which together make A true.
fn witness<'p>(
    grants: &Grants<'_>,
    identity: &AppliedPool<'_>,
    boundary: Option<&AppliedPool<'_>>,
    session: Option<&AppliedPool<'_>>,
    guardrails: impl Iterator<Item = &'p AppliedPool<'p>>,
) -> Vec<StatementRef> {
    let mut chosen: Vec<StatementRef> = guardrails.filter_map(first).collect();
    let at = |levels: &[GrantLevel]| {
        grants
            .resource
            .of(Effect::Allow)
            .find(|applied| {
                applied.body == Formula::True && levels.iter().any(|level| applied.levels.at(*level) == Formula::True)
            })
            .map(|applied| applied.located.origin())
    };
    use GrantLevel::{Account, Base, SelfLevel, Star};
    let unlimited = || {
        let mut allows = grants.resource.of(Effect::Allow).filter(|applied| applied.body == Formula::True);
        let found = allows.find(|applied| {
            let star = applied.levels.at(Star) == Formula::True;
            star && escapes_limits(grants.limited_star, applied.located.statement)
                || applied.levels.at(SelfLevel) == Formula::True
        });
        found.map(|applied| applied.located.origin())
    };
    match grants.mode {
        CoreMode::NoAccount => chosen.extend(at(&[Star, SelfLevel])),
        CoreMode::Cross => {
            chosen.extend(at(&[Star, SelfLevel, Base, Account]));
            chosen.extend([Some(identity), boundary, session].into_iter().flatten().filter_map(first));
        }
        CoreMode::SameStandard | CoreMode::SameMandatory => {
            let limits = [boundary, session].into_iter().flatten().filter_map(first);
            let standard = grants.mode == CoreMode::SameStandard;
            if grants.unlim == Formula::True {
                chosen.extend(unlimited());
            } else if standard && identity.allows() == Formula::True {
                chosen.extend(first(identity));
                chosen.extend(limits);
            } else if grants.lim == Formula::True {
                chosen.extend(at(&[Base, Star]));
                chosen.extend(limits);
            } else {
                chosen.extend(at(&[Account]));
                chosen.extend(first(identity));
                chosen.extend(limits);
            }
        }
    }
    chosen.sort();
    chosen.dedup();
    chosen
}

/// The first visible Allow of a pool that is T.
fn first(pool: &AppliedPool<'_>) -> Option<StatementRef> {
    pool.of(Effect::Allow)
        .find(|applied| applied.applies == Formula::True && !applied.located.hidden)
        .map(|applied| applied.located.origin())
}

///
fn warnings(context: &UnitContext<'_>, foreign_rcp: bool, resource: &[&Pool<'_>]) -> Vec<String> {
    let UnitContext { world, request, caller, unit, catalogue } = *context;
    let mut warnings = Vec::new();
    match catalogue.action(unit.action.service(), unit.action.name()) {
        None => warnings.push(format!("W-UNKNOWN-ACTION: the tables do not know `{}`", unit.action)),
        Some(facts) => {
            if let Some(arn) = unit.arn()
                && !facts
                    .resource_types()
                    .any(|(resource_type, _)| resource_type.arn_templates().any(|t| fits_template(t, arn)))
            {
                warnings.push(format!("W-RESTYPE: the tables list no resource like `{arn}` for `{}`", unit.action));
            }
        }
    }
    if foreign_rcp {
        warnings
            .push("W-FOREIGN-RCP: the owner of the resource is outside the inventory, its RCPs are not known".into());
    }
    let across = caller.kind == Kind::Anonymous || gates::is_cross_account(caller, unit);
    if unit.action.service() == "s3" && unit.arn().is_some() && across && request.facts.acl_allows.is_none() {
        warnings.push("W-S3-ACL: access control lists are not modelled and taken to allow nothing".into());
    }
    if caller.not_found && !world.assume_complete {
        warnings.push(format!("W-UNKNOWN-PRINCIPAL: the inventory does not list `{}`", caller.principal));
    }
    for pool in resource {
        for located in &pool.statements {
            for entry in located.statement.principal.iter().flat_map(|element| &element.entries) {
                if let PrincipalEntry::CanonicalUser(id) = entry
                    && principal::canonical_account(world, request, id).is_none()
                {
                    warnings.push(format!("W-CANONICAL: no account is known for the canonical user `{id}`"));
                }
            }
        }
    }
    warnings
}

/// replace each `${…}` of the template by `*` and match as says.
fn fits_template(template: &str, arn: &Arn) -> bool {
    let mut pattern = String::new();
    let mut rest = template;
    while let Some(start) = rest.find("${") {
        pattern.push_str(&rest[..start]);
        pattern.push('*');
        rest = rest[start..].find('}').map_or("", |end| &rest[start + end + 1..]);
    }
    pattern.push_str(rest);
    let nothing = NoKeys;
    let settings = iamc_policy::Settings::default();
    let entry = iamc_policy::Template::literal(pattern);
    let result =
        pattern::resource_entry(&entry, PolicyKind::Identity, &Subject::Arn(arn.as_str()), &nothing, &settings);
    result.truth == Truth::True
}

struct NoKeys;

impl Keys for NoKeys {
    fn state(&self, _: &ConditionKey) -> KeyState {
        KeyState::Absent
    }

    fn is_multi(&self, _: &ConditionKey) -> bool {
        false
    }
}
