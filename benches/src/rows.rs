//! The rows that are timed: the requests of a corpus in the order of its stream, so that hardly two neighbours have a
//! principal in common.

use iamc_bench_corpus::requests::Row;
use iamc_bench_corpus::{Corpus, requests};
use iamc_inventory::request::read_line;
use iamc_policy::document::Strictness;
use iamc_policy::request::RequestResource;
use iamc_policy::{AccountId, Mode, Principal, Request, SmolStr};
use iamc_runtime::{ActionId, CompiledPolicySet, PreparedContext, PrincipalId, ResourceId};
use std::collections::HashMap;

/// The stream of requests that every figure is about.
pub const SEED: u64 = 7;

/// A row as numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRow {
    /// The user or role.
    pub principal: PrincipalId,
    /// The action.
    pub action: ActionId,
    /// The resource; `None`: `*`.
    pub resource: Option<ResourceId>,
}

/// Texts of rows, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Names {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Names {
    fn push(&mut self, texts: [&str; 3]) {
        for text in texts {
            self.bytes.extend_from_slice(text.as_bytes());
            // Requests are asked by the hundred thousand, of some hundred bytes each.
            self.ends.push(self.bytes.len() as u32);
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.ends.len() / 3
    }

    /// True iff there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Principal, action and resource of a row.
    pub fn row(&self, row: usize) -> [&[u8]; 3] {
        let end = |at: usize| if at == 0 { 0 } else { self.ends[at - 1] as usize };
        [0, 1, 2].map(|part| &self.bytes[end(3 * row + part)..end(3 * row + part + 1)])
    }
}

/// The same rows in every form that is timed. All have one context, that of the first row, so that what differs is
/// who asks for what alone; sessions of roles are named `session`, as rows of numbers have it.
#[derive(Debug)]
pub struct Rows {
    /// As numbers.
    pub ids: Vec<IdRow>,
    /// As requests.
    pub requests: Vec<Request>,
    /// As texts.
    pub names: Names,
    /// What the rows of numbers have in common.
    pub context: PreparedContext,
    /// Rows of the stream that were read to find these: the others ask about resources that are not listed.
    pub n_read: usize,
}

impl Rows {
    /// The first `n` rows of the stream that can be asked by number too, or fewer if fewer than one in a hundred can.
    ///
    /// Cost: O(`n`), and the names of all principals.
    pub fn scattered(corpus: &Corpus, set: &CompiledPolicySet, n: usize) -> Rows {
        let by_role = roles(set);
        let mut rows = Rows {
            ids: Vec::with_capacity(n),
            requests: Vec::with_capacity(n),
            names: Names::default(),
            context: PreparedContext::new(Default::default(), Mode::Closed),
            n_read: 0,
        };
        let mut context = None;
        for row in requests(corpus, SEED).take(n.saturating_mul(100)) {
            if rows.ids.len() == n {
                break;
            }
            rows.n_read += 1;
            let Some(mut request) = request(&row) else { continue };
            let Some(ids) = ids(&request, set, &by_role) else { continue };
            if context.is_none() {
                rows.context = PreparedContext::new(request.context.clone(), Mode::Closed);
            }
            request.context = context.get_or_insert_with(|| request.context.clone()).clone();
            if let Principal::RoleSession { session, .. } = &mut request.principal {
                *session = "session".into();
            }
            rows.ids.push(ids);
            rows.names.push([&row.principal, &row.action, &row.resource]);
            rows.requests.push(request);
        }
        rows
    }
}

impl Rows {
    /// The rows at some positions, in that order; what was read for them is not counted again.
    ///
    /// Panics: on a position out of range.
    pub fn only(&self, positions: &[usize]) -> Rows {
        let mut names = Names::default();
        for position in positions {
            // They were texts before.
            names.push(self.names.row(*position).map(|bytes| std::str::from_utf8(bytes).unwrap_or_default()));
        }
        Rows {
            ids: positions.iter().map(|position| self.ids[*position]).collect(),
            requests: positions.iter().map(|position| self.requests[*position].clone()).collect(),
            names,
            context: self.context.clone(),
            n_read: self.n_read,
        }
    }
}

/// The request that a row stands for; `None`: it is no request line, which no row of a corpus is.
pub fn request(row: &Row) -> Option<Request> {
    read_line(&row.to_json(), Mode::Closed, Strictness::Lenient).ok().map(|line| line.request)
}

type ByRole = HashMap<(AccountId, SmolStr), PrincipalId>;

/// Roles by account and name, as session ARNs name them.
fn roles(set: &CompiledPolicySet) -> ByRole {
    let mut by_role = HashMap::new();
    for id in (0..set.n_principals()).map(PrincipalId::new) {
        let named = set.principal_arn(id).and_then(|arn| Principal::from_arn(arn).ok());
        if let Some(Principal::RoleSession { account, role, .. }) = named {
            by_role.entry((account, role)).or_insert(id);
        }
    }
    by_role
}

fn ids(request: &Request, set: &CompiledPolicySet, by_role: &ByRole) -> Option<IdRow> {
    let principal = match &request.principal {
        Principal::RoleSession { account, role, .. } => *by_role.get(&(*account, role.clone()))?,
        principal => set.principal_id(&principal.to_string())?,
    };
    let action = set.action_id(&request.action.to_string())?;
    let resource = match &request.resources.first()?.resource {
        RequestResource::Star => None,
        RequestResource::Arn(arn) => Some(set.resource_id(arn.as_str())?),
    };
    Some(IdRow { principal, action, resource })
}
