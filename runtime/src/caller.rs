//! Who calls: the request's principal, and what the set and the request's facts say of it.

use crate::ask::{Ask, Who};
use crate::eval::Eval;
use crate::hash;
use crate::layout::{ACCOUNT_IDENTITIES_COMPLETE, NONE, PRINCIPAL_ROLE, PRINCIPAL_SERVICE_LINKED};
use crate::principals::is_service_linked;
use crate::scratch::Text;
use crate::set::CompiledPolicySet;
use iamc_policy::{AccountId, Principal};

/// The kinds of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    User,
    RoleSession,
    FedUser,
    Service,
    FedIdp,
    Anonymous,
}

/// The caller of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) kind: Kind,
    pub(crate) account: Option<AccountId>,
    /// Its row, if the set has one.
    pub(crate) account_row: Option<u32>,
    /// The caller's own ARN, service name or provider; empty for anonymous callers.
    pub(crate) own: Text,
    /// False: `own` is still to be written, see [`Eval::write_own`].
    pub(crate) own_is_written: bool,
    /// ARN of the role behind a session, or of the user or root behind a federated user.
    pub(crate) base: Option<Text>,
    pub(crate) unique_id: Option<Text>,
    /// False.
    pub(crate) session_known: bool,
    /// The row of the user, of the role behind a session, or of the user behind a federated user.
    pub(crate) record: Option<u32>,
    /// Row of `principal_classes` that speaks of the caller, or NONE.
    pub(crate) class: u32,
    pub(crate) base_is_root: bool,
    ///
    pub(crate) service_linked: bool,
    /// its policies may exist and are not known.
    pub(crate) policies_unknown: bool,
    pub(crate) not_found: bool,
}

impl Caller {
    /// A caller of whom nothing is known yet.
    pub(crate) fn nobody(ask: &Ask<'_>) -> Caller {
        Caller {
            kind: Kind::Anonymous,
            account: ask.who.account(),
            account_row: None,
            own: Text::EMPTY,
            own_is_written: true,
            base: None,
            unique_id: None,
            session_known: !ask.facts.session_unknown,
            record: None,
            class: NONE,
            base_is_root: false,
            service_linked: false,
            policies_unknown: false,
            not_found: false,
        }
    }
}

/// The twelve digits of an account number.
pub(crate) fn digits(number: u64) -> [u8; 12] {
    let mut digits = [b'0'; 12];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

/// The account with these twelve digits; `None`: they are something else. (The error of `parse` owns the text, and a
/// decision allocates nothing.)
pub(crate) fn account_id(text: &[u8]) -> Option<AccountId> {
    let digit = |number: u64, byte: &u8| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0'));
    (text.len() == 12).then(|| text.iter().try_fold(0, digit)).flatten().and_then(AccountId::from_number)
}

/// True iff the lower case of `text` is `lower`, which is in lower case: names of services.
pub(crate) fn lowers_to(text: &str, lower: &[u8]) -> bool {
    if text.is_ascii() {
        return text.as_bytes().eq_ignore_ascii_case(lower);
    }
    text.to_lowercase().as_bytes() == lower
}

/// What stands behind `role/` in the sixth component of an ARN.
pub(crate) fn role_path_name(arn: &[u8]) -> Option<&[u8]> {
    arn.splitn(6, |byte| *byte == b':').nth(5)?.strip_prefix(b"role/")
}

/// does the set claim to list every identity of the account?
pub(crate) fn identities_complete(set: &CompiledPolicySet, account_row: Option<u32>) -> bool {
    set.assume_complete() || account_row.is_some_and(|row| set.account(row)[0] & ACCOUNT_IDENTITIES_COMPLETE != 0)
}

impl<'a> Eval<'a> {
    /// Finds out who calls.
    pub(crate) fn find_caller(&mut self) {
        let set = self.set;
        let (who, facts) = (self.ask.who.named(), self.ask.facts);
        self.caller.account_row = self.caller.account.and_then(|account| set.find_account(account));
        match who {
            Who::Root { .. } => {
                self.caller.kind = Kind::Root;
                self.caller.own = self.write(who);
            }
            Who::User { .. } => {
                self.caller.kind = Kind::User;
                self.caller.own = self.write(who);
                self.take_record(self.find(self.caller.own, false));
            }
            Who::RoleSession { partition, account, role, path_name, .. } => {
                self.caller.kind = Kind::RoleSession;
                // Few policies name sessions, so its own ARN is written when one asks for it.
                self.caller.own_is_written = false;
                let named = match (path_name, &facts.role) {
                    (Some(path_name), _) => Some(self.push_role_arn(partition, account, path_name)),
                    (None, Some(arn)) => Some(self.s.arena.push(arn.as_str().as_bytes())),
                    (None, None) => None,
                };
                let record = match named {
                    Some(arn) => self.find(arn, true),
                    None => self.find_role(partition, account, role),
                };
                self.take_record(record);
                self.caller.base = Some(match (record, named) {
                    (Some(row), _) => Text::String(set.principal(row)[2]),
                    (None, Some(arn)) => arn,
                    // Role names are unique, and most roles have no path.
                    (None, None) => self.push_role_arn(partition, account, role),
                });
            }
            Who::FederatedUser { .. } => {
                self.caller.kind = Kind::FedUser;
                self.caller.own = self.write(who);
                match &facts.federated_user_base {
                    None => self.note_missing(true),
                    Some(base) => {
                        let text = self.write(Who::of(base));
                        self.caller.base = Some(text);
                        if matches!(base, Principal::Root { .. }) {
                            self.caller.base_is_root = true;
                        } else {
                            self.take_record(self.find(text, false));
                        }
                    }
                }
            }
            Who::Service(name) => {
                self.caller.kind = Kind::Service;
                let name = self.s.arena.push(name.as_bytes());
                // Lower case as a whole: this is no condition key.
                self.caller.own = self.lower_word(name);
            }
            Who::Federated(provider) | Who::Saml(provider) => {
                self.caller.kind = Kind::FedIdp;
                self.caller.own = self.s.arena.push(provider.as_bytes());
            }
            Who::Anonymous => {}
        }
        self.take_facts();
    }

    /// What the request's facts and the caller's own names say, once they are known.
    pub(crate) fn take_facts(&mut self) {
        let set = self.set;
        if let Some(unique_id) = &self.ask.facts.unique_id {
            self.caller.unique_id = Some(self.s.arena.push(unique_id.as_bytes()));
        }
        // A federated user is not the user of that row, and stated tags win.
        self.caller.class = match (self.caller.kind, self.caller.record) {
            (Kind::User | Kind::RoleSession, Some(row)) if self.ask.facts.principal_tags.is_none() => {
                set.principal_class(row)
            }
            _ => NONE,
        };
        self.caller.service_linked = self.caller.kind == Kind::RoleSession
            && match self.caller.record {
                Some(row) => set.principal(row)[0] & PRINCIPAL_SERVICE_LINKED != 0,
                None => self
                    .caller
                    .base
                    .is_some_and(|base| std::str::from_utf8(self.s.text(set, base)).is_ok_and(is_service_linked)),
            };
    }

    /// `str::to_lowercase`, which minds the end of words, for names that are not ASCII.
    fn lower_word(&mut self, text: Text) -> Text {
        let bytes = self.s.text(self.set, text);
        if bytes.is_ascii() {
            return self.s.arena.lower(self.set, text);
        }
        let lower = String::from_utf8_lossy(bytes).to_lowercase();
        self.s.arena.push(lower.as_bytes())
    }

    /// Writes the caller's own ARN, where that was put off.
    pub(crate) fn write_own(&mut self) {
        if !self.caller.own_is_written {
            self.s.batch.note_session();
            self.caller.own = self.write(self.ask.who.named());
            self.caller.own_is_written = true;
        }
    }

    /// Writes a principal as it is named, mostly its ARN.
    pub(crate) fn write(&mut self, who: Who<'_>) -> Text {
        let arena = &mut self.s.arena;
        let account = digits(who.account().map_or(0, AccountId::number));
        match who {
            Who::Root { partition, .. } => {
                arena.concat(&[b"arn:", partition.as_bytes(), b":iam::", &account, b":root"])
            }
            Who::User { partition, path_name, .. } => {
                arena.concat(&[b"arn:", partition.as_bytes(), b":iam::", &account, b":user/", path_name.as_bytes()])
            }
            Who::RoleSession { partition, role, session, .. } => arena.concat(&[
                b"arn:",
                partition.as_bytes(),
                b":sts::",
                &account,
                b":assumed-role/",
                role.as_bytes(),
                b"/",
                session.as_bytes(),
            ]),
            Who::FederatedUser { partition, name, .. } => arena.concat(&[
                b"arn:",
                partition.as_bytes(),
                b":sts::",
                &account,
                b":federated-user/",
                name.as_bytes(),
            ]),
            // No base of a federated user is one of these; as text they are what they print.
            Who::Service(name) => arena.concat(&[b"service:", name.as_bytes()]),
            Who::Federated(provider) => arena.concat(&[b"federated:", provider.as_bytes()]),
            Who::Saml(provider) => arena.concat(&[b"saml:", provider.as_bytes()]),
            Who::Anonymous => arena.push(b"anonymous"),
        }
    }

    fn push_role_arn(&mut self, partition: &str, account: AccountId, path_name: &str) -> Text {
        let account = digits(account.number());
        let parts: [&[u8]; 6] = [b"arn:", partition.as_bytes(), b":iam::", &account, b":role/", path_name.as_bytes()];
        self.s.arena.concat(&parts)
    }

    /// The row of the user, or of the role, with that ARN.
    fn find(&self, arn: Text, role: bool) -> Option<u32> {
        let row = self.set.find_principal(self.s.text(self.set, arn))?;
        ((self.set.principal(row)[0] & PRINCIPAL_ROLE != 0) == role).then_some(row)
    }

    pub(crate) fn take_record(&mut self, record: Option<u32>) {
        self.caller.record = record;
        let unique_id = record.map_or(NONE, |row| self.set.principal(row)[3]);
        self.caller.unique_id = (unique_id != NONE).then_some(Text::String(unique_id));
        self.note_missing(record.is_none());
    }

    fn note_missing(&mut self, missing: bool) {
        self.caller.not_found = missing;
        self.caller.policies_unknown = missing && !identities_complete(self.set, self.caller.account_row);
    }

    /// The role of that name in an account: names are unique there.
    fn find_role(&mut self, partition: &str, account: AccountId, name: &str) -> Option<u32> {
        let start = self.s.arena.bytes.len();
        role_key(&mut self.s.arena.bytes, partition, account, name);
        let hash = hash::hash(&self.s.arena.bytes[start..]);
        role_of_key(self.set, hash, partition, account, name)
    }
}

/// Adds the key of `role_name_hash` under which a role is found.
pub(crate) fn role_key(bytes: &mut Vec<u8>, partition: &str, account: AccountId, name: &str) {
    let number = digits(account.number());
    for part in [partition.as_bytes(), b"/", &number, b"/", name.as_bytes()] {
        bytes.extend_from_slice(part);
    }
}

/// The role of that name in an account, by the hash of its key.
pub(crate) fn role_of_key(
    set: &CompiledPolicySet,
    hash: u64,
    partition: &str,
    account: AccountId,
    name: &str,
) -> Option<u32> {
    hash::find(&set.tables().role_name_hash, hash, |row| {
        let [flags, own, arn, ..] = set.principal(row);
        let is_named = |path: &str| {
            let rest = path.strip_suffix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/')) && !name.contains('/')
        };
        let of_partition = |arn: &[u8]| {
            arn.strip_prefix(b"arn:")
                .and_then(|rest| rest.strip_prefix(partition.as_bytes()))
                .is_some_and(|rest| rest.first() == Some(&b':'))
        };
        flags & PRINCIPAL_ROLE != 0
            && own != NONE
            && set.account_number(own) == account.number()
            && is_named(set.path_name(row))
            && of_partition(set.string(arn))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_names() {
        assert_eq!(&digits(42), b"000000000042");
        assert_eq!(role_path_name(b"arn:aws:iam::1:role/a/b"), Some(&b"a/b"[..]));
        assert_eq!(role_path_name(b"arn:aws:iam::1:user/a"), None);
        assert_eq!(role_path_name(b"arn:aws"), None);
    }
}
