//! What every engine is given: for each row the layers of policies that all have to allow (identity policies, boundary, each
//! level of SCPs, RCPs), and the keys of the request.
//!
//! An engine that knows permits and denials alone is asked once a layer. That is section 0 of docs/semantics.md for requests
//! within one account about resources without policies; others are left out, and so are rows to which a statement may apply
//! that Cedar or Rego cannot say (variables, `?`, set operators, numbers, dates).

use crate::statement::{Statement, statements};
use iamc_bench_corpus::Corpus;
use iamc_bench_corpus::part::{Document, IdentityPart};
use iamc_benches::rows::Rows;
use iamc_catalogue::lists;
use iamc_policy::request::{RequestResource, Values};
use iamc_policy::{KeyState, PolicyKind, Principal};
use iamc_runtime::CompiledPolicySet;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Policies that are decided together.
#[derive(Debug)]
pub struct Layer {
    /// Their texts.
    pub documents: Vec<Arc<str>>,
    /// Their statements.
    pub statements: Vec<Statement>,
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// ARN of the user or role.
    pub principal: String,
    /// `service:Name`.
    pub action: String,
    /// An ARN.
    pub resource: String,
    /// Positions in [`Workload::layers`].
    pub layers: Vec<usize>,
    /// Condition keys as AWS writes them, with their values.
    pub context: Vec<(String, String)>,
}

/// Rows with their layers.
#[derive(Debug, Default)]
pub struct Workload {
    /// Each set of policies once.
    pub layers: Vec<Layer>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Rows that were looked at.
    pub n_read: usize,
    known: HashMap<Vec<Arc<str>>, usize>,
    left_out: BTreeMap<&'static str, usize>,
}

/// A principal.
struct Caller {
    account: usize,
    layers: Vec<usize>,
    tags: Vec<(String, String)>,
    unique_id: String,
    is_role: bool,
}

impl Workload {
    /// The first `n` of the rows that every engine can be asked, and their positions.
    pub fn new(corpus: &Corpus, set: &CompiledPolicySet, rows: &Rows, n: usize) -> (Workload, Vec<usize>) {
        let mut workload = Workload::default();
        let organization = corpus.organization();
        let mut callers: HashMap<String, Caller> = HashMap::new();
        let mut resources: HashMap<String, (bool, Vec<(String, String)>)> = HashMap::new();
        let mut rcps_of = Vec::new();
        let guardrails = |kind: PolicyKind, target: &str| -> Vec<Arc<str>> {
            let own = organization.guardrails.iter();
            let own = own.filter(|own| own.document.kind == kind && own.targets.iter().any(|own| own == target));
            own.map(|own| own.document.text.clone()).collect()
        };
        for (index, account) in corpus.accounts().enumerate() {
            let mut levels = vec![account.stub.id.clone()];
            let mut unit = Some(account.stub.parent.clone());
            while let Some(id) = unit {
                unit = organization.units.iter().find(|unit| unit.id == id).and_then(|unit| unit.parent.clone());
                levels.push(id);
            }
            let mut scps = Vec::new();
            // SCPs do not bind the management account.
            if account.stub.id != organization.management {
                for level in &levels {
                    scps.push(workload.layer(guardrails(PolicyKind::Scp, level)));
                }
            }
            let rcps = match account.stub.id == organization.management {
                true => Vec::new(),
                false => levels.iter().flat_map(|level| guardrails(PolicyKind::Rcp, level)).collect(),
            };
            rcps_of.push((!rcps.is_empty()).then(|| workload.layer(rcps)));
            let managed: HashMap<&str, &Document> = organization
                .managed
                .iter()
                .chain(&account.policies)
                .map(|policy| (policy.arn.as_str(), &policy.document))
                .collect();
            let mut caller = |identity: &IdentityPart, all: &[&IdentityPart], is_role: bool| {
                let attached = |arn: &String| managed.get(arn.as_str()).map(|document| document.text.clone());
                let inline = all.iter().flat_map(|own| own.documents()).map(|document| document.text.clone());
                let texts = inline.chain(all.iter().flat_map(|own| &own.attached).filter_map(attached)).collect();
                let mut layers = vec![workload.layer(texts)];
                if let Some(boundary) = identity.boundary.as_ref().and_then(attached) {
                    layers.push(workload.layer(vec![boundary]));
                }
                layers.extend(&scps);
                let (tags, unique_id) = (identity.tags.clone(), identity.unique_id.clone());
                callers.insert(identity.arn.clone(), Caller { account: index, layers, tags, unique_id, is_role });
            };
            for user in &account.users {
                let groups = account.groups.iter();
                let groups = groups.filter(|group| user.groups.iter().any(|name| name == group.path_and_name().1));
                let all: Vec<&IdentityPart> = std::iter::once(&user.identity).chain(groups).collect();
                caller(&user.identity, &all, false);
            }
            for role in &account.roles {
                caller(&role.identity, &[&role.identity], true);
            }
            for resource in &account.resources {
                resources.insert(resource.arn.clone(), (resource.policy.is_some(), resource.tags.clone()));
            }
        }

        let mut kept = Vec::new();
        for (position, (ids, request)) in rows.ids.iter().zip(&rows.requests).enumerate() {
            if workload.rows.len() == n {
                break;
            }
            workload.n_read += 1;
            let mut leave_out = |why| *workload.left_out.entry(why).or_insert(0) += 1;
            let arn = set.principal_arn(ids.principal).unwrap_or_default();
            let Some(caller) = callers.get(arn) else {
                leave_out("principal not listed");
                continue;
            };
            let account = &organization.accounts[caller.account];
            let RequestResource::Arn(resource) = &request.resources[0].resource else {
                leave_out("no resource");
                continue;
            };
            let text = resource.as_str();
            let owner = request.resources[0].account.map(|owner| owner.to_string());
            let owner = owner.unwrap_or_else(|| resource.account().to_owned());
            // A policy of the resource, or of the bucket that holds it.
            let ends = text.match_indices([':', '/']).map(|(at, _)| at).chain([text.len()]);
            let has_policy = ends.into_iter().any(|end| resources.get(&text[..end]).is_some_and(|(policy, _)| *policy));
            let action = request.action.to_string();
            let service = action.split(':').next().unwrap_or_default();
            if owner != account.id {
                leave_out("another account's resource");
                continue;
            }
            let has_own_rules = service == "sts" || (service == "kms" && resource.resource().starts_with("key/"));
            if has_policy || has_own_rules {
                leave_out("a resource with a policy");
                continue;
            }
            let mut layers = caller.layers.clone();
            if arn.contains(":role/aws-service-role/") {
                leave_out("a service-linked role");
                continue;
            }
            if let Some(rcps) = rcps_of[caller.account]
                && lists::RCP_SERVICES.iter().any(|listed| listed.prefix == service)
            {
                layers.push(rcps);
            }
            let lower = action.to_ascii_lowercase();
            let mut about = layers.iter().flat_map(|layer| &workload.layers[*layer].statements);
            if about.any(|statement| !statement.translates() && statement.is_about(&lower)) {
                leave_out("a statement that cannot be translated");
                continue;
            }
            let mut context: Vec<(String, String)> = request
                .context
                .iter()
                .filter_map(|(key, state)| match state {
                    KeyState::Values(Values::One(value)) => Some((name_of(key.as_str()), value.to_string())),
                    _ => None,
                })
                .collect();
            let mut give = |key: &str, value: &str| context.push((key.to_owned(), value.to_owned()));
            give("aws:PrincipalArn", arn);
            give("aws:PrincipalAccount", &account.id);
            give("aws:PrincipalOrgID", &organization.id);
            give("aws:PrincipalType", if caller.is_role { "AssumedRole" } else { "User" });
            give("aws:PrincipalIsAWSService", "false");
            give("aws:ResourceAccount", &account.id);
            give("aws:ResourceOrgID", &organization.id);
            match &request.principal {
                Principal::RoleSession { session, .. } => {
                    give("aws:userid", &format!("{}:{session}", caller.unique_id))
                }
                _ => {
                    give("aws:userid", &caller.unique_id);
                    give("aws:username", arn.rsplit('/').next().unwrap_or_default());
                }
            }
            for (key, value) in &caller.tags {
                give(&format!("aws:PrincipalTag/{key}"), value);
            }
            for (key, value) in resources.get(text).map_or(&[][..], |(_, tags)| tags) {
                give(&format!("aws:ResourceTag/{key}"), value);
            }
            let (principal, resource) = (arn.to_owned(), text.to_owned());
            workload.rows.push(Row { principal, action, resource, layers, context });
            kept.push(position);
        }
        (workload, kept)
    }

    fn layer(&mut self, documents: Vec<Arc<str>>) -> usize {
        if let Some(known) = self.known.get(&documents) {
            return *known;
        }
        let statements = documents.iter().flat_map(|text| statements(text)).collect();
        self.layers.push(Layer { documents: documents.clone(), statements });
        self.known.insert(documents, self.layers.len() - 1);
        self.layers.len() - 1
    }

    /// True for the layers that some row has.
    pub fn used(&self) -> Vec<bool> {
        let mut used = vec![false; self.layers.len()];
        self.rows.iter().flat_map(|row| &row.layers).for_each(|layer| used[*layer] = true);
        used
    }

    /// How many different principals ask.
    pub fn n_principals(&self) -> usize {
        self.rows.iter().map(|row| row.principal.as_str()).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Layers and statements of a row, for the table.
    pub fn n_layers_a_row(&self) -> String {
        let n = self.rows.len().max(1) as f64;
        let layers = self.rows.iter().flat_map(|row| &row.layers);
        let statements: usize = layers.clone().map(|layer| self.layers[*layer].statements.len()).sum();
        format!("{:.1} layers with {:.0} statements a row", layers.count() as f64 / n, statements as f64 / n)
    }

    /// Why rows were left out.
    pub fn left_out(&self) -> String {
        let each = self.left_out.iter().map(|(why, n)| format!("{n} {why}"));
        let text = each.collect::<Vec<_>>().join(", ");
        if text.is_empty() { "none".to_owned() } else { text }
    }

    /// A row for people.
    pub fn show(&self, row: usize) -> String {
        format!("{:?}", self.rows[row])
    }
}

/// A key as AWS writes it: requests hold keys in lower case, and one engine compares them as written.
fn name_of(key: &str) -> String {
    const NAMES: [&str; 5] =
        ["aws:RequestedRegion", "aws:SecureTransport", "aws:SourceIp", "aws:UserAgent", "s3:TlsVersion"];
    NAMES.iter().find(|name| name.eq_ignore_ascii_case(key)).map_or_else(|| key.to_owned(), |name| (*name).to_owned())
}
