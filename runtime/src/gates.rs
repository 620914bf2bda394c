//! What is no policy and still decides: policy-free actions, gates,
//! S3 Block Public Access, KMS grants and S3 ACLs.

use crate::actions::ActionFlags;
use crate::caller::{Kind, account_id, lowers_to};
use crate::context::Place;
use crate::eval::Eval;
use crate::factors::Levels;
use crate::keys::MFA_PRESENT;
use crate::layout::*;
use crate::logic::{K, Logic, Tri};
use crate::plan::{Plan, Side, Single};
use crate::record::{Open, PolicyName, Recorder};
use crate::scratch::State;
use crate::set::rows;
use crate::statements;
use iamc_policy::Truth;
use iamc_policy::decision::{GrantLevel, ReasonCode};
use iamc_policy::request::Credential;

/// The principal of a grant, wherever it is recorded.
#[derive(Clone, Copy)]
struct Grant<'g> {
    grantee: Option<&'g [u8]>,
    retiring: Option<&'g [u8]>,
    holds: Tri,
    covers: bool,
    /// Its operations include `RetireGrant`.
    may_retire: bool,
}

impl<'a> Eval<'a> {
    /// allowed for whoever is authenticated, even against explicit denies.
    pub(crate) fn is_policy_free(&self, action: ActionFlags) -> bool {
        let kind = self.caller.kind;
        action.has(ActionFlags::GET_CALLER_IDENTITY) && !matches!(kind, Kind::Anonymous | Kind::FedIdp)
            || action.has(ActionFlags::GET_SESSION_TOKEN)
                && matches!(kind, Kind::User | Kind::Root)
                && self.ask.facts.credential != Some(Credential::SessionToken)
    }

    /// asked of the first unit: the credential cannot call the action.
    pub(crate) fn credential_gate<R: Recorder>(&mut self, recorder: &mut R) -> R::Value {
        let has = |flag| self.unit.has(flag);
        let by_kind = match self.caller.kind {
            Kind::Root => has(ActionFlags::ASSUME_ROLE) || has(ActionFlags::ASSUME_ROOT),
            Kind::RoleSession => has(ActionFlags::GET_FEDERATION_TOKEN) || has(ActionFlags::GET_SESSION_TOKEN),
            Kind::FedUser => has(ActionFlags::IAM) || has(ActionFlags::STS) && !has(ActionFlags::GET_CALLER_IDENTITY),
            _ => false,
        };
        let by_session_token = self.ask.facts.credential == Some(Credential::SessionToken)
            && matches!(self.caller.kind, Kind::User | Kind::Root);
        if by_kind || !by_session_token {
            return R::Value::constant(by_kind);
        }
        if has(ActionFlags::IAM) {
            let mfa = self.has_mfa();
            return self.lift(recorder, mfa, Open::MultiFactor).not();
        }
        let allowed = has(ActionFlags::ASSUME_ROLE) || has(ActionFlags::GET_CALLER_IDENTITY);
        R::Value::constant(has(ActionFlags::STS) && !allowed)
    }

    /// `Bool {aws:MultiFactorAuthPresent: true}`, by: the key is single-valued.
    fn has_mfa(&mut self) -> Tri {
        match self.state(&self.special(MFA_PRESENT)) {
            State::Absent => K::FALSE,
            State::Values { first, count: 1, .. } => K::constant(self.value_bytes(first).eq_ignore_ascii_case(b"true")),
            State::Values { .. } => K::FALSE,
            State::Present | State::Unknown => K::UNKNOWN,
        }
    }

    /// The gates that make A false, except S3 Block Public Access, with whether each is closed.
    pub(crate) fn closed_gates(&self) -> [(ReasonCode, bool); 5] {
        let unit = &self.unit;
        let cross = self.is_cross_account();
        let partition = match (self.ask.who.partition(), unit.arn) {
            (Some(own), Some(_)) => own != unit.component(1),
            _ => false,
        };
        let anonymous = self.caller.kind == Kind::Anonymous && !unit.has(ActionFlags::ANONYMOUS);
        let kms = unit.has(ActionFlags::KMS) && cross && !unit.has(ActionFlags::KMS_CROSS_ACCOUNT);
        let accounts = if self.assumes_root() {
            !self.may_assume_root()
        } else {
            cross && unit.has(ActionFlags::NO_CROSS_ACCOUNT)
        };
        [
            (ReasonCode::GatePartition, partition),
            (ReasonCode::GateAnon, anonymous),
            (ReasonCode::GateKmsXacct, kms),
            (ReasonCode::GateXacct, accounts),
            (ReasonCode::GateReserved, self.is_reserved()),
        ]
    }

    /// R-6.53 (a): `sts:AssumeRoot` on the root user of an account.
    fn assumes_root(&self) -> bool {
        self.unit.has(ActionFlags::ASSUME_ROOT) && self.unit.component(2) == "iam" && self.unit.component(5) == "root"
    }

    /// R-6.53 (a): a user or role of the management account or of the delegated administrator, on a member account.
    fn may_assume_root(&self) -> bool {
        let (Some(account), Some(owner)) = (self.caller.account, self.unit.owner()) else { return false };
        let Place::Member { organization, .. } = self.place(self.unit.owner_row) else { return false };
        let management = self.management(organization);
        matches!(self.caller.kind, Kind::User | Kind::RoleSession)
            && owner.number() != management
            && owner != account
            && (account.number() == management || self.is_delegated(organization, account))
    }

    fn management(&self, organization: u32) -> u64 {
        let [_, management] = self.set.organizations()[organization as usize];
        self.set.account_number(management)
    }

    /// `core` is taken as same account, Standard, although the accounts differ.
    pub(crate) fn identity_alone_suffices(&self) -> bool {
        let Some(account) = self.caller.account else { return false };
        // (a); whoever may not is stopped by the gate.
        if self.assumes_root() {
            return true;
        }
        if self.unit.arn.is_none() {
            return false;
        }
        match self.unit.owner() {
            None => self.unit.component(4) == "aws",
            Some(owner) => {
                self.unit.component(2) == "organizations"
                    && (0..self.set.organizations().len() as u32).any(|organization| {
                        self.management(organization) == owner.number() && self.is_delegated(organization, account)
                    })
            }
        }
    }

    /// for `alias/aws/*`, always; by its switch.
    fn is_reserved(&self) -> bool {
        let (unit, resource) = (&self.unit, self.unit.component(5));
        if unit.has(ActionFlags::ALIAS_CHANGE) && unit.component(2) == "kms" && resource.starts_with("alias/aws/") {
            return true;
        }
        let policy =
            unit.component(4) == "aws" && resource.starts_with("policy/") && unit.has(ActionFlags::POLICY_CHANGE);
        let role = resource.starts_with("role/aws-reserved/") && unit.has(ActionFlags::ROLE_CHANGE);
        self.set.settings().reserved_gates && unit.component(2) == "iam" && (policy || role)
    }

    /// the deny of a bucket or queue policy does not stop the owner's root user.
    pub(crate) fn root_escapes(&self) -> bool {
        self.caller.kind == Kind::Root
            && self.caller.account == self.unit.owner()
            && self.unit.has(ActionFlags::ROOT_ESCAPES)
    }

    // ---- S3 Block Public Access ----

    /// is the request blocked?
    pub(crate) fn public_access_blocked<R: Recorder>(&mut self, recorder: &mut R, plan: &Plan) -> R::Value {
        let on_bucket = self.unit.has(ActionFlags::S3) && self.unit.component(2) == "s3";
        let exempt = self.caller.kind == Kind::Service
            || (self.caller.account.is_some() && self.caller.account == self.unit.owner());
        if !on_bucket || exempt {
            return R::Value::constant(false);
        }
        let effective = self.lift(recorder, self.block_is_effective(), Open::Fact("s3_block_public_access"));
        effective.and(self.is_public(recorder, plan))
    }

    /// set on the bucket or on the account; a fact of the request replaces both.
    fn block_is_effective(&self) -> Tri {
        if let Some(stated) = self.ask.facts.s3_block_public_access {
            return K::constant(stated);
        }
        let setting = |flags: u32, known: u32, on: u32| (flags & known != 0).then_some(flags & on != 0);
        let bucket = self
            .s
            .carriers
            .iter()
            .find_map(|row| setting(self.set.resource(*row)[3], RESOURCE_S3_KNOWN, RESOURCE_S3_ON));
        let account =
            self.unit.owner_row.and_then(|row| setting(self.set.account(row)[0], ACCOUNT_S3_KNOWN, ACCOUNT_S3_ON));
        match (bucket, account) {
            (Some(true), _) | (_, Some(true)) => K::TRUE,
            (Some(false), Some(false)) => K::FALSE,
            _ if self.set.assume_complete() => K::FALSE,
            _ => K::UNKNOWN,
        }
    }

    /// some Allow statement is not limited.
    fn is_public<R: Recorder>(&mut self, recorder: &mut R, plan: &Plan) -> R::Value {
        let kind = plan.side.kind();
        let unknown = |name| Open::Policy { kind, name };
        match plan.resource {
            Single::None => R::Value::constant(false),
            Single::Unknown => recorder.open(self, unknown(PolicyName::Any)),
            Single::Instance(instance) => {
                let [body, ..] = self.set.instance(instance);
                if body == NONE {
                    return recorder.open(self, unknown(PolicyName::of_base(instance)));
                }
                let by_text = self
                    .set
                    .body_statements(body)
                    .iter()
                    .any(|id| self.set.statement(*id)[0] & (statements::DENY | statements::LIMITED) == 0);
                R::Value::constant(by_text)
            }
        }
    }

    // ---- KMS grants ----

    /// the levels at which grants allow the unit.
    pub(crate) fn grants<R: Recorder>(&mut self, recorder: &mut R, side: Side) -> Levels<R::Value> {
        let mut levels = Levels::nothing();
        let retires = self.unit.has(ActionFlags::RETIRE_GRANT);
        if side != Side::Key || !(retires || self.unit.has(ActionFlags::KMS_GRANT_OPERATION)) {
            return levels;
        }
        self.write_own();
        // Grant `index` means whom `principal` names, if it holds.
        let mut add = |eval: &mut Self, index: usize, principal: Option<&'a [u8]>, holds: Tri| {
            let Some(principal) = principal else { return };
            if let Some((level, named)) = eval.grant_level(principal) {
                let named = eval.lift(recorder, named, Open::GrantSession { principal });
                let holds = eval.lift(recorder, holds, Open::GrantHolds { index });
                levels.add(level, named.and(holds));
            }
        };
        for at in 0..self.ask.facts.kms_grants.len() {
            let grant = self.stated_grant(at);
            if retires {
                // Only the grants that the request names are up for retirement.
                add(self, at, grant.retiring, K::TRUE);
                if grant.may_retire {
                    add(self, at, grant.grantee, grant.holds);
                }
            } else if grant.covers {
                add(self, at, grant.grantee, grant.holds);
            }
        }
        let n_stated = self.ask.facts.kms_grants.len();
        if retires {
            let in_account_of_key = self.caller.account.is_some() && self.caller.account == self.unit.owner();
            if in_account_of_key && n_stated > 0 {
                levels.add(self.account_level(), R::Value::constant(true));
            }
            return levels;
        }
        // A key that is not listed has an unknown key policy already, which says as much.
        let Some([.., first, count, _]) = self.unit.record.map(|row| self.set.resource(row)) else { return levels };
        if count != NONE {
            for (row, index) in (first..first + count).zip(n_stated..) {
                let grant = self.recorded_grant(row);
                if grant.covers {
                    add(self, index, grant.grantee, grant.holds);
                }
            }
        } else if !self.set.assume_complete() {
            // Grants that nobody exported may name anybody.
            for level in [GrantLevel::SelfLevel, GrantLevel::Base, GrantLevel::Account] {
                levels.add(level, recorder.open(self, Open::Fact("kms_grants")));
            }
        }
        levels
    }

    fn stated_grant(&self, at: usize) -> Grant<'a> {
        let grant = &self.ask.facts.kms_grants[at];
        let includes =
            |name: &[u8]| grant.operations.iter().any(|operation| operation.as_bytes().eq_ignore_ascii_case(name));
        Grant {
            grantee: grant.grantee.as_deref().map(str::as_bytes),
            retiring: grant.retiring.as_deref().map(str::as_bytes),
            holds: match grant.holds {
                Truth::True => K::TRUE,
                Truth::False => K::FALSE,
                Truth::Unknown => K::UNKNOWN,
            },
            covers: includes(self.unit.action.name.as_bytes()),
            may_retire: includes(b"retiregrant"),
        }
    }

    fn recorded_grant(&self, row: u32) -> Grant<'a> {
        let set = self.set;
        let [grantee, retiring, first, count, holds] = rows::<GRANT_ROW>(&set.tables().grants)[row as usize];
        let operations = &set.tables().grant_operations[first as usize..(first + count) as usize];
        let includes =
            |name: &[u8]| operations.iter().any(|operation| set.string(*operation).eq_ignore_ascii_case(name));
        Grant {
            grantee: (grantee != NONE).then(|| set.string(grantee)),
            retiring: (retiring != NONE).then(|| set.string(retiring)),
            holds: [K::FALSE, K::TRUE, K::UNKNOWN][holds.min(2) as usize],
            covers: includes(self.unit.action.name.as_bytes()),
            may_retire: includes(b"retiregrant"),
        }
    }

    /// the level at which the caller's account is named.
    pub(crate) fn account_level(&self) -> GrantLevel {
        if self.caller.kind == Kind::Root { GrantLevel::SelfLevel } else { GrantLevel::Account }
    }

    /// the level at which a grant's principal means the caller, and whether it does.
    fn grant_level(&self, principal: &[u8]) -> Option<(GrantLevel, Tri)> {
        let certain = |level: Option<GrantLevel>| level.map(|level| (level, K::TRUE));
        let text = std::str::from_utf8(principal).ok()?;
        let of_root = || {
            let mut parts = text.splitn(6, ':');
            let account = parts.nth(4)?;
            (parts.next()? == "root").then(|| account_id(account.as_bytes())).flatten()
        };
        if let Some(account) = account_id(principal).or_else(of_root) {
            return certain((self.caller.account == Some(account)).then(|| self.account_level()));
        }
        let own = self.bytes(self.caller.own);
        let is_base = || self.caller.base.is_some_and(|base| self.bytes(base) == principal);
        let is_own = || match self.caller.kind {
            Kind::Service => lowers_to(text, own),
            _ => principal == own,
        };
        match self.caller.kind {
            Kind::Anonymous | Kind::FedIdp => None,
            Kind::RoleSession if !self.caller.session_known => {
                // Only the role is recognised for certain; the session may be the one that the grant names.
                let perhaps = || {
                    let same = crate::who::same_role(principal, own);
                    same.then_some((GrantLevel::SelfLevel, K::UNKNOWN))
                };
                certain(is_base().then_some(GrantLevel::Base)).or_else(perhaps)
            }
            _ if is_own() => certain(Some(GrantLevel::SelfLevel)),
            _ => certain(is_base().then_some(GrantLevel::Base)),
        }
    }

    // ---- S3 ACLs ----

    /// an ACL that allows, as an Allow for everyone or for the caller's account.
    pub(crate) fn acl<R: Recorder>(&mut self, recorder: &mut R) -> Levels<R::Value> {
        let mut levels = Levels::nothing();
        let holds = match self.ask.facts.acl_allows {
            Some(Truth::True) => K::TRUE,
            Some(Truth::Unknown) => K::UNKNOWN,
            Some(Truth::False) | None => return levels,
        };
        if self.unit.has(ActionFlags::S3) {
            let level = match self.caller.kind {
                Kind::Anonymous => GrantLevel::Star,
                _ if self.is_cross_account() => self.account_level(),
                _ => return levels,
            };
            let value = self.lift(recorder, holds, Open::Fact("acl_allows"));
            levels.add(level, value);
        }
        levels
    }
}
