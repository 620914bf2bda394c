//! A row as the request that it stands for: to explain it, or to say in words why it is refused.

use super::contexts::{ContextRow, Contexts, EntryState};
use super::{BatchTables, NOTHING, Rows};
use crate::bulk::PrincipalId;
use crate::set::{CompiledPolicySet, CompiledSession};
use iamc_catalogue::ActionId as CatalogueId;
use iamc_policy::SmolStr;
use iamc_policy::condition::ConditionKey;
use iamc_policy::request::{Context, KeyState, Request, RequestResource, ResourceInRequest, Values};

impl BatchTables {
    /// The request that a row stands for, and the session policies that were passed with it; `None`: there is no such
    /// row, or a number in it that nobody gave out.
    ///
    /// [`crate::decide_with`] of both gives the decision of the row, and [`crate::explain()`] says why.
    /// Cost: O(bytes of the request).
    pub fn request<'a>(
        &'a self,
        set: &CompiledPolicySet,
        rows: &Rows<'_>,
        index: usize,
    ) -> Option<(Request, Option<&'a CompiledSession>)> {
        let (name, policies) =
            self.sessions.get(if index < rows.len() { rows.session_at(index) } else { return None })?;
        let principal = set.caller(PrincipalId::new(*rows.principal.get(index)?), name)?;
        let action = set.catalogue().action_by_id(CatalogueId::new(rows.action[index]))?.to_string().parse().ok()?;
        let (arn, account) = match rows.resource[index] {
            NOTHING => (None, None),
            id if id < set.n_resources() => (Some(set.text(set.resource(id)[0])), None),
            id => self.resources.get(id).map(|(arn, account)| (Some(arn), account))?,
        };
        let resource = match arn {
            Some(arn) => RequestResource::Arn(arn.parse().ok()?),
            None => RequestResource::Star,
        };
        let context = self.contexts.row(rows.context[index])?;
        let request = Request {
            resources: vec![ResourceInRequest { account, ..ResourceInRequest::new(resource.clone()) }],
            context: self.contexts.context(context),
            given_keys: context.given_keys,
            mode: context.mode,
            facts: self.contexts.facts(context).clone(),
            endpoint: self.contexts.endpoint(context).clone(),
            ..Request::new(principal, action, resource)
        };
        Some((request, policies))
    }
}

impl Contexts {
    fn context(&self, row: &ContextRow) -> Context {
        let text = |id: u32| SmolStr::new(String::from_utf8_lossy(self.texts().get(id)));
        let state = |state: EntryState| match state {
            EntryState::Absent => KeyState::Absent,
            EntryState::Present => KeyState::Present,
            EntryState::Unknown => KeyState::Unknown,
            EntryState::Values { first, count, many } => {
                let values = &self.values()[first as usize..(first + count) as usize];
                let mut values: Vec<SmolStr> = values.iter().map(|value| text(*value)).collect();
                match (many, values.pop()) {
                    (false, Some(value)) => KeyState::Values(Values::One(value)),
                    (_, last) => KeyState::Values(Values::Many(values.into_iter().chain(last).collect())),
                }
            }
        };
        self.entries(row).iter().map(|entry| (ConditionKey::new(&text(entry.name)), state(entry.state))).collect()
    }
}
