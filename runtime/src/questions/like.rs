//! Actions, principals and resources by patterns of their names.

use crate::bulk::{ActionId, PrincipalId, ResourceId};
use crate::code::glob_ascii;
use crate::layout::*;
use crate::set::{CompiledPolicySet, rows};
use iamc_catalogue::ActionId as CatalogueId;

impl CompiledPolicySet {
    /// The actions of the catalogue that a pattern such as `s3:Get*` or `*:List*` covers, by; ascending.
    ///
    /// A pattern without colon covers every action if it is `*`, and otherwise none.
    pub fn actions_like(&self, pattern: &str) -> Vec<ActionId> {
        let lower = pattern.to_ascii_lowercase();
        let (service_like, name_like) = match lower.split_once(':') {
            Some(parts) => parts,
            None if lower.bytes().all(|byte| byte == b'*') && !lower.is_empty() => ("*", "*"),
            None => return Vec::new(),
        };
        let mut actions = Vec::new();
        for [service, first, n] in rows::<SERVICE_ROW>(&self.tables().services) {
            if !glob_ascii(service_like.as_bytes(), self.string(*service)) {
                continue;
            }
            for id in *first..*first + *n {
                let name = self.catalogue().action_by_id(CatalogueId::new(id)).map_or("", |facts| facts.name());
                if glob_ascii(name_like.as_bytes(), name.to_ascii_lowercase().as_bytes()) {
                    actions.push(ActionId::new(id));
                }
            }
        }
        actions.sort();
        actions
    }

    /// The name of an action of the catalogue, `service:Name`; `None`: no such id.
    pub fn action_name(&self, id: ActionId) -> Option<String> {
        let facts = self.catalogue().action_by_id(CatalogueId::new(id.get()))?;
        let service = (id.get() < self.tables().action_flags.len() as u32).then(|| self.service_of_action(id.get()))?;
        (service != NONE).then(|| format!("{}:{}", self.service_name(service), facts.name()))
    }

    /// The users and roles whose ARN a pattern matches, ascending: `*` stands for any text and `?` for one byte, in every
    /// part of the ARN. Cost: O(principals × the pattern).
    pub fn principals_like(&self, pattern: &str) -> Vec<PrincipalId> {
        let ids = (0..self.n_principals()).map(PrincipalId::new);
        ids.filter(|id| self.principal_arn(*id).is_some_and(|arn| glob_ascii(pattern.as_bytes(), arn.as_bytes())))
            .collect()
    }

    /// The resources of the inventory whose ARN a pattern matches, as [`CompiledPolicySet::principals_like`].
    pub fn resources_like(&self, pattern: &str) -> Vec<ResourceId> {
        let ids = (0..self.n_resources()).map(ResourceId::new);
        ids.filter(|id| self.resource_arn(*id).is_some_and(|arn| glob_ascii(pattern.as_bytes(), arn.as_bytes())))
            .collect()
    }
}
