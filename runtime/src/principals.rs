//! Entries of `Principal` elements as rows of `principal_entries`.

use crate::caller::role_path_name;
use crate::layout::{NONE, PRINCIPAL_ENTRY_ROW};
use iamc_policy::PrincipalEntry;

/// The first word of a row: the classes of R-1.23 to R-1.28.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum EntryKind {
    /// `"*"`.
    Everyone = 0,
    /// `{"AWS": "*"}`.
    EveryoneUnderAws = 1,
    /// An account: number in the next two words, partition in the last.
    Account = 2,
    /// ARN of a user.
    User = 3,
    /// ARN of a role.
    Role = 4,
    /// ARN of a role session.
    RoleSession = 5,
    /// ARN of a federated user.
    FederatedUser = 6,
    /// `AIDA…` or `AROA…`.
    UniqueId = 7,
    /// A service principal.
    Service = 8,
    /// An identity provider.
    Federated = 9,
    /// A canonical user id.
    CanonicalUser = 10,
    /// Matches nobody.
    Nobody = 11,
}

impl EntryKind {
    const ALL: [EntryKind; 12] = [
        EntryKind::Everyone,
        EntryKind::EveryoneUnderAws,
        EntryKind::Account,
        EntryKind::User,
        EntryKind::Role,
        EntryKind::RoleSession,
        EntryKind::FederatedUser,
        EntryKind::UniqueId,
        EntryKind::Service,
        EntryKind::Federated,
        EntryKind::CanonicalUser,
        EntryKind::Nobody,
    ];

    pub(crate) fn read(word: u32) -> Option<EntryKind> {
        EntryKind::ALL.get(word as usize).copied()
    }

    /// True iff the second word is a StringId.
    pub(crate) fn has_text(self) -> bool {
        !matches!(self, EntryKind::Everyone | EntryKind::EveryoneUnderAws | EntryKind::Account)
    }
}

/// The row of an entry. `intern` gives StringIds.
pub fn encode(entry: &PrincipalEntry, mut intern: impl FnMut(&str) -> u32) -> [u32; PRINCIPAL_ENTRY_ROW] {
    let mut text = |kind: EntryKind, text: &str| [kind as u32, intern(text), NONE, NONE];
    match entry {
        PrincipalEntry::Everyone { under_aws: false } => [EntryKind::Everyone as u32, NONE, NONE, NONE],
        PrincipalEntry::Everyone { under_aws: true } => [EntryKind::EveryoneUnderAws as u32, NONE, NONE, NONE],
        PrincipalEntry::Account { partition, account } => {
            let number = account.number();
            let partition = partition.as_deref().map_or(NONE, intern);
            // The low and the high half of a number below 2^40.
            [EntryKind::Account as u32, number as u32, (number >> 32) as u32, partition]
        }
        PrincipalEntry::User(arn) => text(EntryKind::User, arn),
        PrincipalEntry::Role(arn) => text(EntryKind::Role, arn),
        PrincipalEntry::RoleSession(arn) => text(EntryKind::RoleSession, arn),
        PrincipalEntry::FederatedUser(arn) => text(EntryKind::FederatedUser, arn),
        PrincipalEntry::UniqueId(id) => text(EntryKind::UniqueId, id),
        PrincipalEntry::Service(name) => text(EntryKind::Service, name),
        PrincipalEntry::Federated(provider) => text(EntryKind::Federated, provider),
        PrincipalEntry::CanonicalUser(id) => text(EntryKind::CanonicalUser, id),
        PrincipalEntry::Nobody(name) => text(EntryKind::Nobody, name),
    }
}

/// R-6.77: is it the ARN of a service-linked role?
pub fn is_service_linked(arn: &str) -> bool {
    role_path_name(arn.as_bytes()).is_some_and(|path| path.starts_with(b"aws-service-role/"))
}

/// The account of an account entry.
pub(crate) fn account(row: &[u32; PRINCIPAL_ENTRY_ROW]) -> u64 {
    u64::from(row[1]) | u64::from(row[2]) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let account = PrincipalEntry::Account { partition: None, account: "999999999999".parse().unwrap() };
        let row = encode(&account, |_| 5);
        assert_eq!(self::account(&row), 999_999_999_999);
        assert_eq!(row[3], NONE);
        assert_eq!(encode(&PrincipalEntry::Role("r".into()), |_| 5), [4, 5, NONE, NONE]);
        for (word, kind) in EntryKind::ALL.iter().enumerate() {
            assert_eq!(EntryKind::read(word as u32), Some(*kind));
            assert_eq!(*kind as usize, word);
        }
        assert_eq!(EntryKind::read(12), None);
    }
}
