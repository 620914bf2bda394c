//! A store of iam-collect -> [`Fact`]s.
//!
//! ```text
//! aws/PARTITION/accounts/ACCOUNT/SERVICE/[REGION/][TYPE/]ID/metadata.json, policy.json, tags.json …
//! aws/PARTITION/accounts/ACCOUNT/ram/REGION/ARN.json
//! aws/PARTITION/organizations/ID/metadata.json, accounts.json, structure.json, delegated-admins.json
//! aws/PARTITION/organizations/ID/{ous,scps,rcps}/ID/metadata.json, policy.json …
//! aws/PARTITION/indexes/…
//! ```
//!
//! Its paths are lower-cased, so names come from `metadata.json`: the files of one folder are read together, and the
//! folder says only which kind of thing it is. The layout is that of the documentation of iam-collect (Storage,
//! AgentInstructions), which shows the files and few of their fields; fields are therefore found in any case and by
//! each of the names that the services and the documentation use.
//!
//! A file that is not there says nothing: iam-collect leaves it out where there is no policy, and where it was not
//! allowed to read it.

mod organization;
mod resource;

use crate::aws::Reader;
use crate::error::InputError;
use crate::json::{Fields, Mistakes, Node, Source};
use iamc_policy::ids::AccountId;
use iamc_policy::source::Place;
use std::sync::Arc;

/// What a path of a store says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spot {
    /// A folder that holds the files of one thing of an account.
    Resource { account: AccountId },
    /// The folder of an organization.
    Organization,
    /// The folder of a unit, or of an SCP or RCP.
    Part(Part),
    /// A file of its own: what AWS RAM shares.
    Share { account: AccountId },
    /// A file about an account.
    Account { account: AccountId },
    /// What is derived from the rest.
    Index,
}

/// The parts of an organization that have folders of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Unit,
    Scp,
    Rcp,
    /// Policies of other kinds, which decide nothing.
    Other,
}

/// Where the file `name` lies, if it lies in a store.
pub(crate) fn spot(name: &str) -> Option<Spot> {
    let parts: Vec<&str> = name.split('/').collect();
    let (file, folders) = parts.split_last()?;
    if !file.ends_with(".json") {
        return None;
    }
    // The last one counts: a store may itself lie in a folder called `accounts`.
    let at = folders.iter().rposition(|folder| matches!(*folder, "accounts" | "organizations" | "indexes"))?;
    let is_partition = |folder: &str| folder == "aws" || folder.starts_with("aws-");
    let inside = folders.get(at + 1..).unwrap_or_default();
    if !at.checked_sub(1).and_then(|up| folders.get(up)).is_some_and(|folder| is_partition(folder)) {
        return None;
    }
    match (*folders.get(at)?, inside) {
        ("indexes", []) => Some(Spot::Index),
        ("accounts", [account, rest @ ..]) => {
            let account = account.parse().ok()?;
            match rest {
                ["ram", ..] => Some(Spot::Share { account }),
                [] | [_] if is_of_account(file) => Some(Spot::Account { account }),
                [] | [_] => None,
                _ => Some(Spot::Resource { account }),
            }
        }
        ("organizations", [id, rest @ ..]) if id.starts_with("o-") => match rest {
            [] => Some(Spot::Organization),
            ["ous", _] => Some(Spot::Part(Part::Unit)),
            ["scps", _] => Some(Spot::Part(Part::Scp)),
            ["rcps", _] => Some(Spot::Part(Part::Rcp)),
            _ => Some(Spot::Part(Part::Other)),
        },
        _ => None,
    }
}

/// Whether a file that lies beside the services of an account is one of iam-collect's.
fn is_of_account(file: &str) -> bool {
    let stem = file.strip_suffix(".json").unwrap_or(file);
    stem == "organization" || stem.ends_with("bpa") || stem.ends_with("public-access-block")
}

/// Whether the files beside `spot`'s are read with it.
pub(crate) fn is_folder(spot: &Spot) -> bool {
    matches!(spot, Spot::Resource { .. } | Spot::Organization | Spot::Part(_))
}

/// The file that names a thing: a folder without it is none of a store's.
pub(crate) const METADATA: &str = "metadata.json";

/// One file of a folder: its name without folders and ending, and its text.
pub(crate) struct Member<'t> {
    pub(crate) stem: &'t str,
    pub(crate) file: Arc<str>,
    pub(crate) text: &'t str,
}

/// The values of a folder.
pub(crate) struct Folder<'a> {
    members: Vec<(&'a str, Node<'a>, std::cell::Cell<bool>)>,
    place: Place,
}

impl<'a> Folder<'a> {
    /// The value of a file; from now on it counts as known.
    fn get(&self, stem: &str) -> Option<Node<'a>> {
        let (_, node, known) = self.members.iter().find(|(name, ..)| *name == stem)?;
        known.set(true);
        Some(*node).filter(|node| !node.is_null())
    }

    fn first(&self, stems: &[&str]) -> Option<Node<'a>> {
        stems.iter().find_map(|stem| self.get(stem))
    }

    /// Files that say nothing about access.
    fn pass_over(&self, stems: &[&str]) {
        for stem in stems {
            let _ = self.get(stem);
        }
    }

    fn fields(&self, stem: &str, mistakes: &mut Mistakes) -> Option<Fields<'a>> {
        self.get(stem)?.fields(mistakes)
    }
}

/// Reads the files of one folder, or one file on its own; gives back the name of what was read, if it was.
pub(crate) fn read(reader: &mut Reader<'_>, spot: &Spot, members: &[Member<'_>]) -> Option<&'static str> {
    let sources: Vec<Source<'_>> =
        members.iter().map(|member| Source::new(member.file.clone(), member.text, (1, 1))).collect();
    let mut values = Vec::with_capacity(members.len());
    for (member, source) in members.iter().zip(&sources) {
        match source.parse(member.text) {
            Ok(node) => values.push((member.stem, node.in_any_case(), std::cell::Cell::new(false))),
            Err(error) => reader.mistakes().push(error),
        }
    }
    let first = members.first()?;
    let folder = Folder { members: values, place: Place { file: first.file.clone(), line: 1 } };
    match spot {
        Spot::Index => return Some("iam-collect indexes"),
        Spot::Resource { account } => resource::read(reader, &folder, *account),
        Spot::Share { account } => folder.members.iter().for_each(|(_, node, known)| {
            known.set(true);
            resource::share(reader, *node, *account);
        }),
        Spot::Account { account } => resource::account(reader, &folder, *account),
        Spot::Organization => organization::read(reader, &folder),
        Spot::Part(part) => organization::part(reader, &folder, *part),
    }
    for (stem, node, known) in &folder.members {
        if !known.get() {
            reader.skip(*node, format!("`{stem}.json` of iam-collect is nothing we know"));
        }
    }
    Some("iam-collect folders")
}

/// The string of the first of several fields that is there.
fn text(f: &mut Fields<'_>, names: &[&'static str], mistakes: &mut Mistakes) -> Option<String> {
    let node = names.iter().find_map(|name| f.get(name))?;
    Some(node.string(mistakes)?.into_owned())
}

/// The strings of a list, or of the objects in it by the first of `names` that each has; of an object, its keys.
fn texts(node: Node<'_>, names: &[&'static str], mistakes: &mut Mistakes) -> Vec<String> {
    if node.is_string() {
        return node.string(mistakes).map(|text| text.into_owned()).into_iter().collect();
    }
    if node.is_object() {
        let fields = node.fields(mistakes);
        return fields.map(|f| f.all().iter().map(|field| field.name.to_string()).collect()).unwrap_or_default();
    }
    let mut found = Vec::new();
    for item in node.list(mistakes).unwrap_or_default() {
        if item.is_object() {
            found.extend(item.fields(mistakes).and_then(|mut f| text(&mut f, names, mistakes)));
        } else {
            found.extend(item.string(mistakes).map(|text| text.into_owned()));
        }
    }
    found
}

/// A value that should be there and is not.
fn lacking(folder: &Folder<'_>, what: &str) -> InputError {
    InputError {
        file: folder.place.file.clone(),
        line: 1,
        column: 1,
        message: format!("`metadata.json` of iam-collect without {what}"),
        help: Some("download it again".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_lies_there() {
        let account: AccountId = "111122223333".parse().unwrap();
        let of = |path: &str| spot(&format!("iam-data/aws/aws/{path}"));
        assert_eq!(of("accounts/111122223333/iam/role/deploy/metadata.json"), Some(Spot::Resource { account }));
        assert_eq!(of("accounts/111122223333/s3/site/policy.json"), Some(Spot::Resource { account }));
        assert_eq!(of("accounts/111122223333/ram/us-east-1/arn-aws-x.json"), Some(Spot::Share { account }));
        assert_eq!(of("accounts/111122223333/organization.json"), Some(Spot::Account { account }));
        assert_eq!(of("organizations/o-exampleorgid/accounts.json"), Some(Spot::Organization));
        assert_eq!(of("organizations/o-exampleorgid/scps/p-1/policy.json"), Some(Spot::Part(Part::Scp)));
        assert_eq!(of("indexes/accounts-to-orgs.json"), Some(Spot::Index));
        // Other ways to lay out exports.
        assert_eq!(spot("export/accounts/111122223333/details.json"), None);
        assert_eq!(spot("organizations/describe-organization.json"), None);
        assert_eq!(of("accounts/111122223333/iam/role/deploy/notes.txt"), None);
        assert_eq!(of("accounts/111122223333/iam/get-account-authorization-details.json"), None);
    }
}
