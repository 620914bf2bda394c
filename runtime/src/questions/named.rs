//! Whom the policies of a resource name: principals that have to be decided one by one, and accounts that differ from
//! all others.

use super::asking::Asking;
use super::rows::set as set_bit;
use crate::caller::{account_id, digits};
use crate::layout::*;
use crate::plan::{Plan, Side, Single};
use crate::principals::{self, EntryKind};
use crate::set::rows;
use iamc_policy::AccountId;

/// Account and role name of the ARN of a role session.
fn session_role(arn: &[u8]) -> Option<(AccountId, &[u8])> {
    let mut parts = arn.splitn(6, |byte| *byte == b':');
    let account = account_id(parts.nth(4)?)?;
    let role = parts.next()?.strip_prefix(b"assumed-role/")?;
    Some((account, role.split(|byte| *byte == b'/').next()?))
}

impl Asking<'_> {
    /// Notes everyone whom a policy of the unit's resource or endpoint, a guardrail of the resource or a grant names.
    ///
    /// Whoever is not noted is reached by such a policy as everyone is, or as everyone of his account is.
    pub(super) fn find_named(&mut self, plan: &Plan) {
        self.work.special.clear();
        if let Some(row) = self.main.unit.owner_row {
            self.note_account(row);
        }
        for single in [plan.resource, plan.endpoint] {
            if let Single::Instance(instance) = single {
                self.name_all(self.set.instance(instance)[0]);
            }
        }
        if self.lanes.rcps_name_somebody {
            for index in 0..self.lanes.rcps.bodies.len() {
                self.name_all(self.lanes.rcps.bodies[index]);
            }
        }
        if plan.side == Side::Key {
            self.name_grants();
        }
        let unit = &self.main.unit;
        let by_administrator =
            unit.has(crate::actions::ActionFlags::ASSUME_ROOT) || unit.component(2) == "organizations";
        if by_administrator {
            for account in &self.template.facts.delegated_administrators {
                if let Some(row) = self.set.find_account(*account) {
                    self.note_account(row);
                }
            }
            for at in 0..self.lanes.administrators.len() {
                self.note_account(self.lanes.administrators[at]);
            }
        }
        self.work.special.sort_unstable();
        self.work.special.dedup();
    }

    fn note_account(&mut self, row: u32) {
        let run = self.lanes.run_of[row as usize];
        if run != NONE {
            self.work.special.push(run);
        }
    }

    fn note_lane(&mut self, lane: u32) {
        set_bit(&mut self.work.odd, lane);
        self.work.named.push(lane);
    }

    /// Whom the statements of a body about the action name.
    fn name_all(&mut self, body: u32) {
        if body == NONE {
            return;
        }
        let set = self.set;
        for statement in set.body_statements(body) {
            let [_, element, _, _, test] = set.statement(*statement);
            if test == NONE || !self.is_about(element) {
                continue;
            }
            for entry in set.principal_test(test).1 {
                self.name_entry(entry);
            }
        }
    }

    fn name_entry(&mut self, entry: &[u32; PRINCIPAL_ENTRY_ROW]) {
        let set = self.set;
        match EntryKind::read(entry[0]) {
            Some(EntryKind::Account) => self.name_account(principals::account(entry)),
            Some(EntryKind::CanonicalUser) => {
                if let Some(number) = self.main.canonical_account(set.string(entry[1])) {
                    self.name_account(number);
                }
            }
            Some(EntryKind::User | EntryKind::Role) => self.name_arn(set.string(entry[1])),
            Some(EntryKind::RoleSession) => self.name_session(set.string(entry[1])),
            Some(EntryKind::UniqueId) => {
                let lanes = self.lanes;
                lanes.with_unique_id(set, set.string(entry[1])).for_each(|lane| self.note_lane(lane));
            }
            Some(
                EntryKind::Everyone
                | EntryKind::EveryoneUnderAws
                | EntryKind::FederatedUser
                | EntryKind::Service
                | EntryKind::Federated
                | EntryKind::Nobody,
            )
            | None => {}
        }
    }

    fn name_account(&mut self, number: u64) {
        if let Some(account) = account_id(&digits(number))
            && let Some(row) = self.set.find_account(account)
        {
            self.note_account(row);
        }
    }

    /// The user or role with that ARN. Others with the same one are odd from the beginning.
    fn name_arn(&mut self, arn: &[u8]) {
        if let Some(lane) = self.set.find_principal(arn) {
            self.note_lane(lane);
        }
    }

    /// The roles whose sessions such an ARN may name, whatever the name of the session.
    fn name_session(&mut self, arn: &[u8]) {
        let Some((account, role)) = session_role(arn) else { return };
        let Some(row) = self.set.find_account(account) else { return };
        let run = self.lanes.run_of[row as usize];
        if run == NONE {
            return;
        }
        let run = self.lanes.runs[run as usize];
        for lane in run.first..run.end {
            let path_name = self.set.path_name(lane).as_bytes();
            if path_name.rsplit(|byte| *byte == b'/').next() == Some(role) {
                self.note_lane(lane);
            }
        }
    }

    /// grants of the request and of the key.
    fn name_grants(&mut self) {
        let set = self.set;
        let facts = self.template.facts;
        for grant in &facts.kms_grants {
            for text in [&grant.grantee, &grant.retiring].into_iter().flatten() {
                self.name_text(text.as_bytes());
            }
        }
        let Some([.., first, count, _]) = self.main.unit.record.map(|row| set.resource(row)) else { return };
        if count == NONE {
            return;
        }
        for [grantee, retiring, ..] in
            &rows::<GRANT_ROW>(&set.tables().grants)[first as usize..(first + count) as usize]
        {
            for text in [grantee, retiring] {
                if *text != NONE {
                    self.name_text(set.string(*text));
                }
            }
        }
    }

    /// An account, its root user, a user, a role or a session.
    fn name_text(&mut self, text: &[u8]) {
        let account = account_id(text).or_else(|| account_id(text.split(|byte| *byte == b':').nth(4)?));
        if let Some(account) = account {
            self.name_account(account.number());
        }
        self.name_arn(text);
        self.name_session(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_tell_their_role() {
        let role = |arn: &str| session_role(arn.as_bytes()).map(|(_, role)| String::from_utf8(role.to_vec()).unwrap());
        assert_eq!(role("arn:aws:sts::111111111111:assumed-role/app/s"), Some("app".into()));
        assert_eq!(role("arn:aws:sts::111111111111:assumed-role/app"), Some("app".into()));
        assert_eq!(role("arn:aws:iam::111111111111:role/app"), None);
        assert_eq!(role("arn:aws:sts::1:assumed-role/app/s"), None);
    }
}
