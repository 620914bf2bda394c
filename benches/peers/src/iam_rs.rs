//! The crate `iam-rs` as a black box: its own types read the documents as they are, one evaluator a layer.

use crate::Peer;
use crate::workload::Workload;
use iam_rs::{Arn, Context, ContextValue, Decision, IAMPolicy, IAMRequest, PolicyEvaluator, Principal, PrincipalId};
use iamc_benches::measure::Failure;

pub struct IamRs {
    layers: Vec<Option<PolicyEvaluator>>,
    requests: Vec<IAMRequest>,
}

impl IamRs {
    pub fn new(workload: &Workload) -> Result<IamRs, Failure> {
        let used = workload.used();
        let mut layers = Vec::new();
        for (layer, used) in workload.layers.iter().zip(used) {
            if !used {
                layers.push(None);
                continue;
            }
            let policies: Result<Vec<IAMPolicy>, Failure> = layer.documents.iter().map(|text| policy(text)).collect();
            layers.push(Some(PolicyEvaluator::with_policies(policies?)));
        }
        let mut requests = Vec::new();
        for row in &workload.rows {
            let mut context = Context::new();
            for (key, value) in &row.context {
                let value = match value.as_str() {
                    "true" | "false" => ContextValue::Boolean(value == "true"),
                    text => ContextValue::String(text.to_owned()),
                };
                context.insert(key.clone(), value);
            }
            let principal = Principal::Aws(PrincipalId::String(row.principal.clone()));
            let arn = Arn::parse(&row.resource).map_err(|error| format!("{error:?}: {}", row.resource))?;
            requests.push(IAMRequest::new_with_context(principal, row.action.clone(), arn, context));
        }
        Ok(IamRs { layers, requests })
    }
}

/// The crate wants the element that AWS lets out: then it is the older version.
fn policy(text: &str) -> Result<IAMPolicy, Failure> {
    let mut document: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
    document.entry("Version").or_insert_with(|| "2008-10-17".into());
    Ok(serde_json::from_value(document.into())?)
}

impl Peer for IamRs {
    fn name(&self) -> &'static str {
        "iam-rs 0.8"
    }

    fn allows(&mut self, workload: &Workload, row: usize) -> bool {
        workload.rows[row].layers.iter().all(|layer| {
            let Some(evaluator) = &self.layers[*layer] else { return false };
            evaluator.evaluate(&self.requests[row]).is_ok_and(|result| result.decision == Decision::Allow)
        })
    }
}
