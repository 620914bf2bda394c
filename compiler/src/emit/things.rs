//! Resources, KMS grants, VPC endpoints, coverage and gaps.

use crate::collect::{Collected, PolicyRow};
use crate::emit::Emitter;
use crate::emit::people::Accounts;
use crate::emit::policies::table_of;
use crate::error::{CompileError, id};
use crate::intern::NONE;
use iamc_catalogue::lists;
use iamc_policy::{PolicyKind, Truth};
use iamc_runtime::layout::{
    ENDPOINT_GATEWAY, ENDPOINT_POLICY_UNKNOWN, GRANT_ROW, RESOURCE_AWS_MANAGED_KEY, RESOURCE_POLICY_UNKNOWN,
    RESOURCE_S3_KNOWN, RESOURCE_S3_ON,
};

use rustc_hash::FxHashMap;

impl Emitter<'_> {
    /// Resources by account (those without one last), inside by ARN.
    pub(super) fn resources(&mut self, world: &Collected, accounts: &Accounts) -> Result<(), CompileError> {
        let mut order: Vec<(u32, &str, usize)> = Vec::with_capacity(world.resources.len());
        // The texts are needed while new ones are emitted.
        let arns: Vec<String> =
            world.resources.iter().map(|resource| self.lowered.strings.get(resource.arn).to_owned()).collect();
        for (row, (resource, arn)) in world.resources.iter().zip(&arns).enumerate() {
            order.push((accounts.index(resource.account), arn, row));
        }
        order.sort_unstable();
        let mut rows = FxHashMap::default();
        for (row, &(_, arn, _)) in order.iter().enumerate() {
            rows.insert(arn, id("resources", row)?);
        }
        for &(account, _, row) in &order {
            let resource = &world.resources[row];
            let arn = self.string(resource.arn.0)?;
            let mut flags = match resource.restrict_public_buckets {
                None => 0,
                Some(false) => RESOURCE_S3_KNOWN,
                Some(true) => RESOURCE_S3_KNOWN | RESOURCE_S3_ON,
            };
            if resource.aws_managed_key {
                flags |= RESOURCE_AWS_MANAGED_KEY;
            }
            let policy = match resource.policy {
                PolicyRow::None => NONE,
                PolicyRow::Document(document) => self.instance(resource.kind, document)?,
                PolicyRow::NotExported => {
                    flags |= RESOURCE_POLICY_UNKNOWN;
                    NONE
                }
            };
            let tags = match resource.tags {
                None => (0, NONE),
                Some(tags) => self.tags(world, tags)?,
            };
            let grants = match resource.grants {
                None => (0, NONE),
                Some((first, count)) => self.grants(world, first, count)?,
            };
            let above = containers(arns[row].as_str()).find_map(|arn| rows.get(arn).copied()).unwrap_or(NONE);
            self.tables.resources.extend([arn, account, policy, flags, tags.0, tags.1, grants.0, grants.1, above]);
        }
        self.tables.resource_hash = table_of(order.iter().map(|&(_, arn, _)| arn));
        Ok(())
    }

    fn grants(&mut self, world: &Collected, first: u32, count: u32) -> Result<(u32, u32), CompileError> {
        let at = id("KMS grants", self.tables.grants.len())? / GRANT_ROW as u32;
        for grant in &world.grants[first as usize..(first + count) as usize] {
            let grantee = self.maybe(grant.grantee)?;
            let retiring = self.maybe(grant.retiring)?;
            let operations = world.list(grant.operations);
            let start = id("operations of grants", self.tables.grant_operations.len())?;
            for &operation in operations {
                let operation = self.string(operation)?;
                self.tables.grant_operations.push(operation);
            }
            let holds = match grant.holds {
                Truth::False => 0,
                Truth::True => 1,
                Truth::Unknown => 2,
            };
            // Bounded by the list that it comes from.
            self.tables.grants.extend([grantee, retiring, start, operations.len() as u32, holds]);
        }
        Ok((at, count))
    }

    /// Endpoints by id, and the services of accounts whose resources are all listed.
    pub(super) fn endpoints(&mut self, world: &Collected, accounts: &Accounts) -> Result<(), CompileError> {
        let mut order: Vec<(String, usize)> = world
            .endpoints
            .iter()
            .enumerate()
            .map(|(row, endpoint)| (self.lowered.strings.get(endpoint.id).to_owned(), row))
            .collect();
        order.sort_unstable();
        for (_, row) in order {
            let endpoint = &world.endpoints[row];
            let mut flags = if endpoint.gateway { ENDPOINT_GATEWAY } else { 0 };
            let policy = match endpoint.policy {
                PolicyRow::None => NONE,
                PolicyRow::Document(document) => self.instance(PolicyKind::Endpoint, document)?,
                PolicyRow::NotExported => {
                    flags |= ENDPOINT_POLICY_UNKNOWN;
                    NONE
                }
            };
            let endpoint_id = self.string(endpoint.id.0)?;
            let vpc = self.maybe(endpoint.vpc)?;
            self.tables.endpoints.extend([endpoint_id, accounts.index(Some(endpoint.account)), vpc, flags, policy]);
        }
        let mut coverage: Vec<(u32, String, u32)> = Vec::with_capacity(world.coverage.len());
        for &(account, service) in &world.coverage {
            let text = self.lowered.strings.get(service).to_owned();
            coverage.push((accounts.index(Some(account)), text, self.string(service.0)?));
        }
        coverage.sort_unstable();
        coverage.dedup();
        self.tables.coverage = coverage.into_iter().flat_map(|(account, _, service)| [account, service]).collect();
        Ok(())
    }

    /// Gaps in the order in which they were found: reports show them, decisions ask for what follows from them.
    pub(super) fn gaps(&mut self, world: &Collected) -> Result<(), CompileError> {
        for gap in &world.gaps {
            let subject = self.string(gap.subject.0)?;
            let message = self.string(gap.message.0)?;
            let file = self.maybe(gap.file)?;
            // Kinds are numbered in the order of their declaration.
            self.tables.gaps.extend([gap.kind as u32, subject, message, file, gap.line]);
        }
        Ok(())
    }
}

/// the ARNs that contain this one, the nearest first: what stands in front of a `/` or `:` of its resource part.
fn containers(arn: &str) -> impl Iterator<Item = &str> {
    let mut colons = arn.bytes().enumerate().filter(|(_, byte)| *byte == b':').map(|(at, _)| at);
    let (second, third, fifth) = (colons.nth(1), colons.next(), colons.nth(1));
    let service = second.zip(third).map_or("", |(second, third)| &arn[second + 1..third]);
    let by_slash = lists::SLASH_CONTAINS.contains(&service);
    // IAM resources contain nothing.
    let first = fifth.filter(|_| service != "iam").map_or(arn.len(), |fifth| fifth + 2);
    let ends = (first..arn.len()).rev();
    ends.filter(move |end| matches!(arn.as_bytes()[*end], b':') || by_slash && arn.as_bytes()[*end] == b'/')
        .map(|end| &arn[..end])
}
