//! Policies of resources that are written anew (P-13.1, P-3.20), where the question is about an action on one.
//!
//! Only the resource that is asked about counts (P-13.2), so its policy is opened or not: one fact, and one more form in
//! which the goal is asked.

use super::ask;
use super::fact::{Fact, Form, Identity};
use super::steps::{Caller, Engine, Step, Target};
use crate::{Effect, On, Table, Which};
use iamc_compiler::CompileError;
use iamc_policy::Principal;
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::request::{Request, RequestResource, ResourceInRequest};
use iamc_policy::world::{NamedPolicy, PolicyText, Resource, ResourcePolicy, World};
use serde_json::json;
use std::sync::Arc;

type Outcome<T> = Result<T, CompileError>;

impl Engine {
    /// The resource of the inventory whose policy decides what is asked about, and the row that writes it anew.
    pub(super) fn rewriting(&self) -> Option<(u16, u32)> {
        let at = self.asked_holder()?;
        let resource = &self.base.world.resources[at as usize];
        // P-3.8.
        if resource.aws_managed_key {
            return None;
        }
        let owner = resource.account.or_else(|| resource.arn.account().parse().ok())?;
        let account = *self.base.account_by_id.get(&owner)?;
        let rows = (0u16..).zip(Table::embedded().primitives());
        let mut rows = rows.filter(|(_, row)| row.effect == Effect::ResourceRewritten);
        let row = rows.find(|(_, row)| {
            let request = &row.requests[0];
            matches!(&request.on[..], [On::Resource { which: Which::Target, resource_type }]
                if self.is_of_type(&resource.arn, account, request.action.service(), resource_type))
        });
        row.map(|(row, _)| (row, at))
    }

    /// The step of an identity in a form that writes the policy anew; `None`: it may not, or there is none to be written.
    pub(super) fn rewriting_step(&mut self, id: Identity, form: Form) -> Result<Option<Step>, CompileError> {
        let Some((row, at)) = self.rewriting() else { return Ok(None) };
        let target = Target::Resource(at);
        // P-15.10: where the resource has no policy, nothing but the caller's allows it.
        let has_policy = !matches!(self.base.world.resources[at as usize].policy, ResourcePolicy::None);
        if self.is_banned(row, target) || !has_policy && !self.may(id, form, &self.row(row).requests[0].action) {
            return Ok(None);
        }
        let step = self.step(row, 1, Caller::Identity(id), form, target, Fact::Rewritten);
        self.settle(step)
    }

    /// Who of an account in a form may write it at least perhaps, ascending; kept.
    pub(super) fn rewriters_of(&mut self, account: u32, form: Form) -> Outcome<Arc<[Identity]>> {
        let Some(request) = self.rewriting_request() else { return Ok([].into()) };
        let known = self.asked_use.as_ref().and_then(|asked| asked.rewriters.get(&(account, form)));
        if let Some(known) = known {
            return Ok(Arc::clone(known));
        }
        let found: Arc<[Identity]> = self.sweep_request(account, form, &request)?.into();
        if let Some(asked) = &mut self.asked_use {
            asked.rewriters.insert((account, form), Arc::clone(&found));
        }
        Ok(found)
    }

    /// Everybody who may write it at least perhaps, as the world is, by account.
    pub(super) fn rewriters(&mut self) -> Outcome<Vec<(u32, Arc<[Identity]>)>> {
        let Some(request) = self.rewriting_request() else { return Ok(Vec::new()) };
        let accounts = self.accounts_that_may(&request)?;
        accounts.into_iter().map(|account| Ok((account, self.rewriters_of(account, Form::default())?))).collect()
    }

    /// The request that writes it anew, of nobody in particular.
    fn rewriting_request(&self) -> Option<Request> {
        let (row, at) = self.rewriting()?;
        let resource = &self.base.world.resources[at as usize];
        let region = Some(resource.arn.region()).filter(|region| !region.is_empty()).unwrap_or(ask::GLOBAL_REGION);
        let mut request = ask::blank(Principal::Anonymous, self.row(row).requests[0].action.clone(), region);
        let mut unit = ResourceInRequest::new(RequestResource::Arn(resource.arn.clone()));
        unit.account = resource.account;
        request.resources.push(unit);
        request.context.extend(self.stated.keys.clone());
        Some(request)
    }
}

/// P-3.20 of every resource, for whoever is controlled, which is whom a search asks about. Such a policy is not public, since
/// the one that is written names them: nowhere are public policies restricted here.
pub(super) fn open_all(world: &mut World) {
    for resource in &mut world.resources {
        resource.s3_restrict_public_buckets = Some(false);
        open(resource, None);
    }
    world.accounts.iter_mut().for_each(|account| account.s3_restrict_public_buckets = Some(false));
}

/// P-3.20: the opening statement alone, for a caller by ARN; `None`: for everybody.
pub(super) fn open(resource: &mut Resource, caller: Option<&str>) {
    let arn = resource.arn.as_str();
    let service = resource.arn.service();
    let mut statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": format!("{service}:*"), "Resource": [arn, format!("{arn}/*")],
    });
    if let Some(caller) = caller {
        statement["Condition"] = json!({"StringEquals": {"aws:PrincipalArn": [caller]}});
    }
    let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
    let kind = if service == "kms" { PolicyKind::Key } else { PolicyKind::Resource };
    let Some(policy) = Policy::parse(kind, Strictness::Lenient, &text).policy else { return };
    let name = match &resource.policy {
        ResourcePolicy::Policy(policy) => policy.name.clone(),
        _ => arn.into(),
    };
    let mut opened = NamedPolicy::new(name, policy.clone());
    opened.text = PolicyText::Known(Arc::new(policy));
    resource.policy = ResourcePolicy::Policy(opened);
}
