//! Which policies apply to a unit (6.2 to 6.5): rows of tables, nothing evaluated yet.

use crate::actions::ActionFlags;
use crate::caller::{Kind, identities_complete, lowers_to, role_path_name};
use crate::context::Place;
use crate::eval::Eval;
use crate::layout::*;
use crate::set::rows;
use iamc_catalogue::lists;
use iamc_policy::request::{EndpointType, RequestError, ThroughEndpoint};
use iamc_policy::settings::ForeignRcp;
use iamc_policy::{AccountId, PolicyKind};

/// At most one policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Single {
    None,
    /// one whose text is not known.
    Unknown,
    Instance(u32),
}

/// Policies that are one OR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pool {
    None,
    Unknown,
    /// Rows of `attachments`.
    Attached {
        first: u32,
        count: u32,
    },
    /// The session policies passed with the request.
    Passed,
}

/// Guardrails of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guardrails {
    None,
    /// One level of which nothing is known.
    Unknown,
    /// A row of `guardrail_sets`.
    Set(u32),
    /// the owner is outside the snapshot; true: its RCPs add an unknown deny.
    Foreign(bool),
}

/// What kind of resource policy decides over a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Trust,
    Key,
    Standard,
}

impl Side {
    pub(crate) fn kind(self) -> PolicyKind {
        match self {
            Side::Trust => PolicyKind::Trust,
            Side::Key => PolicyKind::Key,
            Side::Standard => PolicyKind::Resource,
        }
    }
}

/// All policies of a unit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) identity: Pool,
    pub(crate) boundary: Single,
    pub(crate) session: Pool,
    pub(crate) scps: Guardrails,
    pub(crate) rcps: Guardrails,
    pub(crate) endpoint: Single,
    pub(crate) endpoint_type: EndpointType,
    pub(crate) side: Side,
    pub(crate) resource: Single,
}

impl<'a> Eval<'a> {
    /// # Errors
    /// `E-SCP-EMPTY-LEVEL` and `E-ENDPOINT`.
    pub(crate) fn plan(&self) -> Result<Plan, RequestError> {
        let side = self.side();
        let scps = self.scps()?;
        let (endpoint, endpoint_type) = self.endpoint_policy()?;
        Ok(Plan {
            identity: self.identity(),
            boundary: self.boundary(),
            session: self.session_policies(),
            scps,
            rcps: self.rcps(),
            endpoint,
            endpoint_type,
            side,
            resource: self.resource_policy(side),
        })
    }

    ///
    pub(crate) fn identity(&self) -> Pool {
        match self.caller.record {
            _ if self.caller.policies_unknown => Pool::Unknown,
            Some(record) => {
                let [_, _, _, _, _, first, count, ..] = self.set.principal(record);
                Pool::Attached { first, count }
            }
            None => Pool::None,
        }
    }

    ///
    pub(crate) fn boundary(&self) -> Single {
        match self.caller.record.map_or(NONE, |record| self.set.principal(record)[4]) {
            _ if self.caller.policies_unknown => Single::Unknown,
            NONE => Single::None,
            instance => Single::Instance(instance),
        }
    }

    /// does a boundary limit the caller? `None`: not known.
    pub(crate) fn has_boundary(&self) -> Option<bool> {
        match self.boundary() {
            Single::None => Some(false),
            Single::Unknown => None,
            Single::Instance(_) => Some(true),
        }
    }

    ///
    pub(crate) fn session_policies(&self) -> Pool {
        if self.session.is_some() {
            return Pool::Passed;
        }
        match self.caller.record {
            Some(record) if self.caller.kind == Kind::RoleSession => {
                let [.., first, count, _, _, _] = self.set.principal(record);
                if count == 0 { Pool::None } else { Pool::Attached { first, count } }
            }
            _ => Pool::None,
        }
    }

    ///
    pub(crate) fn scps(&self) -> Result<Guardrails, RequestError> {
        let row = match self.caller.kind {
            Kind::Root | Kind::User | Kind::RoleSession | Kind::FedUser => self.caller.account_row,
            // Appendix B: by this switch the SCPs of the role's account touch federated callers.
            Kind::FedIdp if self.set.settings().scp_fedidp && self.unit.owner().is_some() => self.unit.owner_row,
            Kind::FedIdp | Kind::Service | Kind::Anonymous => return Ok(Guardrails::None),
        };
        if self.caller.service_linked {
            return Ok(Guardrails::None);
        }
        let guardrails = match self.place(row) {
            Place::Outside => Guardrails::None,
            Place::Unknown => Guardrails::Unknown,
            Place::Member { .. } => self.guardrail_set(row, 3),
        };
        if let Guardrails::Set(set) = guardrails
            && self.set.settings().strict
        {
            self.check_levels(set)?;
        }
        Ok(guardrails)
    }

    /// The guardrail set in a column of an account's row.
    fn guardrail_set(&self, row: Option<u32>, column: usize) -> Guardrails {
        match row.map_or(NONE, |row| self.set.account(row)[column]) {
            NONE => Guardrails::None,
            set => {
                let unknown = self.set.programs().of_guardrail_set(set).unknown;
                if unknown { Guardrails::Unknown } else { Guardrails::Set(set) }
            }
        }
    }

    /// The levels of a guardrail set: entity, flags, first attachment, number.
    pub(crate) fn guardrail_levels(&self, set: u32) -> &'a [[u32; 4]] {
        let [_, first, count, ..] = self.set.guardrail_set(set);
        &rows::<4>(&self.set.tables().guardrail_levels)[first as usize..(first + count) as usize]
    }

    /// The attachments of a level: instance, flags.
    pub(crate) fn level_attachments(&self, level: &[u32; 4]) -> &'a [[u32; 2]] {
        let [_, _, first, count] = *level;
        &rows::<2>(&self.set.tables().guardrail_attachments)[first as usize..(first + count) as usize]
    }

    /// strict mode refuses a level to which nothing is attached. The first level that says nothing counts.
    fn check_levels(&self, set: u32) -> Result<(), RequestError> {
        let says_nothing = |level: &&[u32; 4]| {
            level[1] & LEVEL_INCOMPLETE == 0
                && self.level_attachments(level).iter().all(|[instance, _]| {
                    let [body, ..] = self.set.instance(*instance);
                    body != NONE && self.set.body_statements(body).is_empty()
                })
        };
        match self.guardrail_levels(set).iter().find(says_nothing) {
            Some(level) if self.level_attachments(level).is_empty() => Err(RequestError {
                code: "E-SCP-EMPTY-LEVEL",
                message: format!(
                    "no SCP is attached to `{}`, which cannot be while SCPs are enabled",
                    self.set.text(level[0])
                ),
                field: "policies.scp",
                rule: "R-6.22",
            }),
            _ => Ok(()),
        }
    }

    ///
    fn rcps(&self) -> Guardrails {
        let row = self.unit.owner_row;
        if self.unit.owner().is_none() || !self.rcps_govern() {
            return Guardrails::None;
        }
        match self.place(row) {
            Place::Member { .. } => self.guardrail_set(row, 4),
            Place::Unknown => Guardrails::Unknown,
            Place::Outside => {
                let listed = row.is_some_and(|row| self.set.account(row)[0] & ACCOUNT_LISTED != 0);
                if self.set.assume_complete() || listed {
                    return Guardrails::None;
                }
                Guardrails::Foreign(self.open() || self.set.settings().foreign_rcp == ForeignRcp::Unknown)
            }
        }
    }

    /// action, principal and resource are such that RCPs govern the request.
    fn rcps_govern(&self) -> bool {
        let aws_managed_key =
            self.unit.record.is_some_and(|row| self.set.resource(row)[3] & RESOURCE_AWS_MANAGED_KEY != 0);
        self.unit.has(ActionFlags::RCP_GOVERNED)
            && !self.caller.service_linked
            && !aws_managed_key
            && !self.assumes_service_linked_role()
    }

    /// last exception: the assumption of a service-linked role by its service.
    fn assumes_service_linked_role(&self) -> bool {
        if self.caller.kind != Kind::Service || !self.unit.has(ActionFlags::ASSUME_ROLE_ANY) {
            return false;
        }
        let path = self.unit.arn.and_then(|arn| role_path_name(arn.as_bytes()));
        let service = path
            .and_then(|path| path.strip_prefix(b"aws-service-role/"))
            .and_then(|rest| rest.iter().position(|byte| *byte == b'/').map(|slash| &rest[..slash]))
            .and_then(|service| std::str::from_utf8(service).ok());
        service.is_some_and(|service| lowers_to(service, self.bytes(self.caller.own)))
    }

    ///
    fn endpoint_policy(&self) -> Result<(Single, EndpointType), RequestError> {
        let stated = self.ask.facts.vpc_endpoint_type;
        let ThroughEndpoint::Id(id) = self.ask.endpoint else {
            return Ok((Single::None, EndpointType::Interface));
        };
        let Some([_, _, _, flags, policy]) = self.endpoint() else {
            if self.set.assume_complete() {
                return Err(RequestError {
                    code: "E-ENDPOINT",
                    message: format!("there is no VPC endpoint `{id}` in the inventory"),
                    field: "vpc_endpoint",
                    rule: "R-6.33",
                });
            }
            return Ok((Single::Unknown, stated.unwrap_or(EndpointType::Interface)));
        };
        let recorded = if flags & ENDPOINT_GATEWAY != 0 { EndpointType::Gateway } else { EndpointType::Interface };
        let policy = match policy {
            NONE if flags & ENDPOINT_POLICY_UNKNOWN != 0 && !self.set.assume_complete() => Single::Unknown,
            NONE => Single::None,
            instance => Single::Instance(instance),
        };
        Ok((policy, stated.unwrap_or(recorded)))
    }

    ///
    fn side(&self) -> Side {
        let (service, resource) = (self.unit.component(2), self.unit.component(5));
        if service == "iam" && resource.starts_with("role/") && self.unit.has(ActionFlags::TRUST) {
            Side::Trust
        } else if service == "kms" && resource.starts_with("key/") && self.unit.has(ActionFlags::KMS) {
            Side::Key
        } else {
            Side::Standard
        }
    }

    ///
    fn resource_policy(&self, side: Side) -> Single {
        let Some(arn) = self.unit.arn else { return Single::None };
        if side == Side::Trust {
            let role = self.set.find_principal(arn.as_bytes()).map(|row| self.set.principal(row));
            return match role {
                Some([flags, .., trust, _, _]) if flags & PRINCIPAL_ROLE != 0 => Single::Instance(trust),
                _ if self.unit.owner().is_some() && !identities_complete(self.set, self.unit.owner_row) => {
                    Single::Unknown
                }
                _ => Single::None,
            };
        }
        // The nearest record that says anything about a policy.
        for row in &self.s.carriers {
            let [_, _, policy, flags, ..] = self.set.resource(*row);
            if policy != NONE {
                return Single::Instance(policy);
            }
            if flags & RESOURCE_POLICY_UNKNOWN != 0 {
                return if self.set.assume_complete() { Single::None } else { Single::Unknown };
            }
        }
        if self.may_have_policy() { Single::Unknown } else { Single::None }
    }

    /// may a resource that is not listed have a policy? Only where its type carries one.
    fn may_have_policy(&self) -> bool {
        let (service, resource) = (self.unit.component(2), self.unit.component(5));
        if self.set.assume_complete() || self.unit.owner().is_none() || !self.s.carriers.is_empty() {
            return false;
        }
        let complete = self.unit.owner_row.is_some_and(|row| {
            self.set.account(row)[0] & ACCOUNT_RESOURCES_COMPLETE != 0 || self.set.is_covered(row, service.as_bytes())
        });
        !complete
            && lists::RESOURCE_POLICY_TYPES.iter().any(|(known, beginnings)| {
                *known == service && beginnings.iter().any(|beginning| resource.starts_with(beginning))
            })
    }

    // ---- whose request this is ----

    /// The caller has an account, and it is not the owner's.
    pub(crate) fn is_cross_account(&self) -> bool {
        matches!((self.caller.account, self.unit.owner()), (Some(own), Some(owner)) if own != owner)
    }

    /// R-6.53 (a), (b): is the account a delegated administrator of that organization?
    pub(crate) fn is_delegated(&self, organization: u32, account: AccountId) -> bool {
        let recorded = rows::<2>(&self.set.tables().delegated)
            .iter()
            .any(|[known, row]| *known == organization && self.set.account_number(*row) == account.number());
        recorded || self.ask.facts.delegated_administrators.contains(&account)
    }
}
