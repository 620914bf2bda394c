//! Requests: who asks for what, as often as real principals do, and mostly for what they may have.
//!
//! Principals by Zipf's law over the roles of the whole organization (exponent 0.8), actions by the frequencies of
//! `data/events.txt`, resources uniformly among the account's of the kind that the action names; 70 % within the
//! account, 25 % in another account of the organization, 5 % outside it. A request is *aimed*: most rows ask for an
//! action that a managed policy of the role grants, so that few are denied, as in real traffic.

mod hostile;
#[cfg(feature = "parquet")]
pub mod parquet;

use crate::corpus::{Corpus, Source};
use crate::draft::json_text;
use crate::flat;
use crate::hash;
use crate::names;
use crate::organization::{Organization, stream};
use crate::plan::{self, Kind, RoleKind};
use crate::rng::{Rng, Zipf};
use std::io::{self, Write};
use std::sync::OnceLock;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its position in the stream, from 0.
    pub id: u64,
    /// ARN of an assumed-role session or of a user.
    pub principal: String,
    /// `service:Name`.
    pub action: String,
    /// An ARN, or `*` for actions without resources.
    pub resource: String,
    /// Owner of the resource, where the ARN does not say it.
    pub resource_account: Option<String>,
    /// Condition keys, each single-valued; all others are absent (closed).
    pub context: Vec<(&'static str, String)>,
}

/// Share of rows that ask for something that a managed policy of the role grants.
const AIMED: f64 = 0.985;

/// A line of `data/events.txt`.
#[derive(Debug, Clone, Copy)]
struct Event {
    weight: f64,
    action: &'static str,
    kind: &'static str,
}

/// A set of events, by index.
type EventSet = u128;

fn events() -> &'static [Event] {
    static EVENTS: OnceLock<Vec<Event>> = OnceLock::new();
    EVENTS.get_or_init(|| {
        let lines = include_str!("../data/events.txt").lines().filter(|line| !line.starts_with('#'));
        let read = |line: &'static str| {
            let mut words = line.split(' ');
            Some(Event { weight: words.next()?.parse().ok()?, action: words.next()?, kind: words.next()? })
        };
        let events: Vec<Event> = lines.filter_map(read).collect();
        assert!(events.len() <= EventSet::BITS as usize, "an event set holds {} events", EventSet::BITS);
        events
    })
}

/// Whether a pattern of a grant, `*`, `svc:*`, `svc:Verb*` or exact, covers an action. Only to aim requests.
fn covers(pattern: &str, action: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(lead) => action.starts_with(lead) && !lead.contains('*'),
        None => pattern == action,
    }
}

/// What requests are aimed with: every role and resource by name. Cost: some 120 bytes for each.
#[derive(Debug)]
struct Directory {
    accounts: Vec<AccountEntry>,
    /// Account and role of each rank.
    ranks: Vec<(u32, u32)>,
    law: Zipf,
    /// Accounts with a bucket that the organization may read.
    shared: Vec<u32>,
}

#[derive(Debug)]
struct AccountEntry {
    id: String,
    region: &'static str,
    roles: Vec<RoleEntry>,
    users: Vec<String>,
    resources: [Vec<String>; Kind::ALL.len()],
    shared_bucket: Option<String>,
}

#[derive(Debug)]
struct RoleEntry {
    path: String,
    name: String,
    covered: EventSet,
}

/// An endless stream of requests; see the module.
#[derive(Debug)]
pub struct Requests<'a> {
    corpus: &'a Corpus,
    directory: Option<Directory>,
    rng: Rng,
    next: u64,
}

/// The requests of a corpus: an endless iterator, the same for the same corpus and seed.
///
/// `seed` is the stream's own, so that one corpus can be asked in several ways. Cost: names of all roles and resources
/// are held (80 MB for L, 700 MB for XL); O(log roles) for each row.
pub fn requests(corpus: &Corpus, seed: u64) -> Requests<'_> {
    let directory = match &corpus.source {
        Source::Realistic(organization) => Some(Directory::of_plans(organization)),
        Source::Flat(..) => None,
        Source::Adversarial(_) => Some(Directory::of_parts(corpus)),
    };
    let rng = Rng::new(seed, &[stream::REQUESTS, corpus.seed(), hash::text(&corpus.shape().to_string())]);
    Requests { corpus, directory, rng, next: 0 }
}

impl Directory {
    fn of_plans(organization: &Organization) -> Directory {
        let granted: Vec<EventSet> = organization
            .managed
            .iter()
            .map(|managed| {
                let covered = |event: &Event| managed.grants.iter().any(|pattern| covers(pattern, event.action));
                set_of(events().iter().map(covered))
            })
            .collect();
        let accounts = (0..organization.part.accounts.len()).map(|index| {
            let plan = plan::account(organization, index);
            let roles = plan.roles.iter().filter(|role| !matches!(role.kind, RoleKind::ServiceLinked(_)));
            let role = |role: &plan::RolePlan| RoleEntry {
                path: role.path.clone(),
                name: role.name.clone(),
                covered: role.managed.iter().filter_map(|i| granted.get(*i)).fold(0, |all, set| all | set),
            };
            AccountEntry {
                roles: roles.map(role).collect(),
                id: plan.id,
                region: plan.region,
                users: plan.users,
                resources: plan.resources,
                shared_bucket: plan.shared_bucket,
            }
        });
        Directory::new(accounts.collect())
    }

    fn of_parts(corpus: &Corpus) -> Directory {
        let accounts = corpus.accounts().map(|part| AccountEntry {
            roles: part
                .roles
                .iter()
                .map(|role| {
                    let (path, name) = role.identity.path_and_name();
                    RoleEntry { path: path.to_owned(), name: name.to_owned(), covered: EventSet::MAX }
                })
                .collect(),
            users: part
                .users
                .iter()
                .map(|user| user.identity.arn.split_once("user/").map_or("", |(_, name)| name).to_owned())
                .collect(),
            id: part.stub.id,
            region: names::REGIONS[0],
            resources: Default::default(),
            shared_bucket: None,
        });
        Directory::new(accounts.collect())
    }

    fn new(accounts: Vec<AccountEntry>) -> Directory {
        let mut ranks: Vec<(u32, u32)> = accounts
            .iter()
            .enumerate()
            .flat_map(|(a, account)| (0..account.roles.len()).map(move |r| (a as u32, r as u32)))
            .collect();
        // The busiest roles are spread over the organization: shuffled (Fisher and Yates), by a seed of its own.
        let mut rng = Rng::new(ranks.len() as u64, &[stream::REQUESTS]);
        for last in (1..ranks.len()).rev() {
            ranks.swap(last, rng.below(last + 1));
        }
        let shared = accounts.iter().enumerate().filter(|(_, account)| account.shared_bucket.is_some());
        let shared = shared.map(|(index, _)| index as u32).collect();
        let law = Zipf::new(ranks.len(), 0.8);
        Directory { accounts, ranks, law, shared }
    }
}

fn set_of(covered: impl Iterator<Item = bool>) -> EventSet {
    covered.enumerate().fold(0, |set, (index, covered)| if covered { set | 1 << index } else { set })
}

impl Iterator for Requests<'_> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let id = self.next;
        self.next += 1;
        match (&self.directory, &self.corpus.source) {
            (Some(directory), Source::Adversarial(_)) => hostile::row(&directory.accounts, &mut self.rng, id),
            (Some(directory), _) => aimed(directory, &mut self.rng, id),
            (None, Source::Flat(shape, part)) => {
                let number = self.rng.below(shape.principals);
                let (account, name) = flat::principal(part, number);
                let (action, resource) = flat::target(*shape, self.corpus.seed(), number, &mut self.rng);
                let principal = format!("arn:aws:sts::{account}:assumed-role/{name}/session");
                // The ARNs of the shape name no account; their owner is the principal's.
                let resource_account = Some(account.to_owned());
                Some(Row {
                    id,
                    principal,
                    action,
                    resource,
                    resource_account,
                    context: context(names::REGIONS[0], "", &mut self.rng),
                })
            }
            _ => None,
        }
    }
}

fn aimed(directory: &Directory, rng: &mut Rng, id: u64) -> Option<Row> {
    if directory.ranks.is_empty() {
        return None;
    }
    let place = rng.unit();
    let read = set_of(
        events().iter().map(|event| matches!(event.action, "s3:GetObject" | "s3:ListBucket" | "s3:GetBucketLocation")),
    );
    let across = (0.70..0.95).contains(&place) && !directory.shared.is_empty();
    // Another account's resources are for those who may read at all: a few draws find one of them.
    let mut drawn = None;
    for _ in 0..20 {
        let (account, role) = directory.ranks[directory.law.draw(rng)];
        let role = &directory.accounts[account as usize].roles[role as usize];
        drawn = Some((account as usize, role));
        if role.covered & if across { read } else { EventSet::MAX } != 0 {
            break;
        }
    }
    let (account_index, role) = drawn?;
    let account = &directory.accounts[account_index];
    let principal = if !account.users.is_empty() && rng.chance(0.02) {
        format!("arn:aws:iam::{}:user/{}", account.id, rng.word(&account.users))
    } else if rng.chance(0.1) {
        // A role's own ARN stands for a session of it.
        format!("arn:aws:iam::{}:role{}{}", account.id, role.path, role.name)
    } else {
        format!("arn:aws:sts::{}:assumed-role/{}/i-{}", account.id, role.name, rng.text(names::HEX, 8))
    };
    let allowed = if rng.chance(AIMED) && role.covered != 0 { role.covered } else { EventSet::MAX };
    let allowed = if across { allowed & read } else { allowed };
    let allowed = if allowed == 0 { role.covered | read } else { allowed };
    let weights = events().iter().enumerate().map(|(i, event)| if allowed >> i & 1 == 1 { event.weight } else { 0.0 });
    let event = events()[rng.weighted(weights)];
    let outside;
    let (owner, shared) = if across {
        let index = *rng.pick(&directory.shared) as usize;
        (&directory.accounts[index], directory.accounts[index].shared_bucket.as_deref())
    } else if place >= 0.95 && event.kind != "*" {
        outside = AccountEntry {
            id: names::account_number(0x0075, 2_000 + rng.below(300) as u64),
            region: account.region,
            roles: Vec::new(),
            users: Vec::new(),
            resources: Default::default(),
            shared_bucket: None,
        };
        (&outside, None)
    } else {
        (account, None)
    };
    let resource = resource(event.kind, owner, shared, rng);
    let resource_account = resource.starts_with("arn:aws:s3:::").then(|| owner.id.clone());
    let context = context(owner.region, event.action, rng);
    Some(Row { id, principal, action: event.action.to_owned(), resource, resource_account, context })
}

/// A resource of a kind in `owner`: one that is there if there is any, else a name that could be.
fn resource(kind: &str, owner: &AccountEntry, shared: Option<&str>, rng: &mut Rng) -> String {
    let AccountEntry { id, region, .. } = owner;
    let object_key = |rng: &mut Rng| format!("{}/{:06}.json", rng.word(names::NOUNS), rng.below(1_000_000));
    let mut named = |of: Kind| {
        let known = &owner.resources[of as usize];
        let name = match (shared, known.is_empty()) {
            (Some(bucket), _) => bucket.to_owned(),
            (None, false) => rng.word(known).to_owned(),
            (None, true) if of == Kind::Key => names::uuid(rng),
            (None, true) => format!("{}-{}", names::app(rng), id),
        };
        of.arn(region, id, &name)
    };
    match kind {
        "key" => named(Kind::Key),
        "parameter" => named(Kind::Parameter),
        "secret" => named(Kind::Secret),
        "database" => named(Kind::Database),
        "bucket" => named(Kind::Bucket),
        "object" => {
            let bucket = named(Kind::Bucket);
            format!("{bucket}/{}", object_key(rng))
        }
        "function" => named(Kind::Function),
        "queue" => named(Kind::Queue),
        "topic" => named(Kind::Topic),
        "table" => named(Kind::Table),
        "repository" => named(Kind::Repository),
        "loggroup" => format!("{}:*", named(Kind::LogGroup)),
        "role" => match owner.roles.is_empty() {
            false => {
                let role = rng.pick(&owner.roles);
                format!("arn:aws:iam::{id}:role{}{}", role.path, role.name)
            }
            true => format!("arn:aws:iam::{id}:role/{}", names::app(rng)),
        },
        "user" if !owner.users.is_empty() => format!("arn:aws:iam::{id}:user/{}", rng.word(&owner.users)),
        "user" => format!("arn:aws:iam::{id}:user/{}", rng.word(names::TEAMS)),
        "policy" => format!("arn:aws:iam::{id}:policy/{}", names::app(rng)),
        "instance" => format!("arn:aws:ec2:{region}:{id}:instance/i-{}", rng.text(names::HEX, 17)),
        "alarm" => format!("arn:aws:cloudwatch:{region}:{id}:alarm:{}-{}", names::app(rng), rng.pick(names::NOUNS)),
        "vpc" => format!("arn:aws:ec2:{region}:{id}:vpc/vpc-{}", rng.text(names::HEX, 17)),
        "stack" => format!("arn:aws:cloudformation:{region}:{id}:stack/{}/{}", names::app(rng), names::uuid(rng)),
        _ => "*".to_owned(),
    }
}

fn context(region: &str, action: &str, rng: &mut Rng) -> Vec<(&'static str, String)> {
    // The first office; now and then somebody calls from elsewhere.
    let address = if rng.chance(0.98) { "198.51.100" } else { "192.0.2" };
    let mut context = vec![
        ("aws:RequestedRegion", region.to_owned()),
        ("aws:SecureTransport", "true".to_owned()),
        ("aws:SourceIp", format!("{address}.{}", 1 + rng.below(250))),
        ("aws:UserAgent", format!("aws-sdk-rust/1.{}", rng.below(20))),
    ];
    if action.starts_with("s3:") {
        context.push(("s3:TlsVersion", "1.3".to_owned()));
    }
    context
}

impl Row {
    /// The row as a request line of the command line (JSON, no line break).
    pub fn to_json(&self) -> String {
        let mut out = format!("{{\"id\":\"{}\"", self.id);
        let mut member = |name: &str, value: &str| {
            out.push_str(",\"");
            out.push_str(name);
            out.push_str("\":");
            json_text(value, &mut out);
        };
        member("principal", &self.principal);
        member("action", &self.action);
        member("resource", &self.resource);
        if let Some(account) = &self.resource_account {
            member("resource_account", account);
        }
        member("mode", "closed");
        out.push_str(",\"context\":");
        out.push_str(&self.context_json());
        out.push('}');
        out
    }

    /// The context as a JSON object, as the column `context` of CSV and Parquet holds it.
    pub fn context_json(&self) -> String {
        let mut out = String::from("{");
        for (index, (key, value)) in self.context.iter().enumerate() {
            if index > 0 {
                out.push(',');
            }
            json_text(key, &mut out);
            out.push(':');
            json_text(value, &mut out);
        }
        out.push('}');
        out
    }
}

/// Writes rows as JSON Lines.
///
/// # Errors
/// As `out` gives them.
pub fn write_json_lines(rows: impl Iterator<Item = Row>, out: &mut impl Write) -> io::Result<()> {
    for row in rows {
        out.write_all(row.to_json().as_bytes())?;
        out.write_all(b"\n")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_names_a_resource_of_a_known_kind() {
        let owner = AccountEntry {
            id: "111122223333".to_owned(),
            region: "eu-west-1",
            roles: Vec::new(),
            users: Vec::new(),
            resources: Default::default(),
            shared_bucket: None,
        };
        let mut rng = Rng::new(1, &[]);
        for event in events() {
            let resource = resource(event.kind, &owner, None, &mut rng);
            assert_eq!(resource == "*", event.kind == "*", "{event:?}");
            assert!(event.action.parse::<iamc_policy::Action>().is_ok(), "{event:?}");
        }
        assert!(events().len() > 100);
    }

    #[test]
    fn a_grant_covers_what_it_says() {
        assert!(covers("*", "s3:GetObject"));
        assert!(covers("s3:*", "s3:GetObject") && !covers("s3:*", "sqs:SendMessage"));
        assert!(covers("s3:Get*", "s3:GetObject") && !covers("s3:Get*", "s3:PutObject"));
        assert!(covers("s3:GetObject", "s3:GetObject") && !covers("s3:GetObject", "s3:GetObjectAcl"));
    }
}
