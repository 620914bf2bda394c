//! What an account holds, by name: enough to aim requests at it, and cheap, since no document is written.

use crate::compose::Trusted;
use crate::managed;
use crate::names;
use crate::organization::{Organization, RESOURCE_SERVICES, stream};
use crate::rng::Rng;
use std::collections::BTreeSet;

/// What a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoleKind {
    /// Index into [`managed::SERVICE_LINKED`].
    ServiceLinked(usize),
    /// Index into the organization's baseline.
    Baseline(usize),
    Workload(Trusted),
}

#[derive(Debug, Clone)]
pub(crate) struct RolePlan {
    pub kind: RoleKind,
    pub path: String,
    pub name: String,
    /// Indices of AWS's managed policies attached to it.
    pub managed: Vec<usize>,
    /// Index into the account's applications.
    pub app: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub name: String,
    pub team: &'static str,
    pub environment: &'static str,
}

/// Resources by what their names go into; the order of [`Kind::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Bucket,
    Key,
    Queue,
    Topic,
    Secret,
    Repository,
    Function,
    Table,
    LogGroup,
    Parameter,
    Database,
}

impl Kind {
    pub(crate) const ALL: [Kind; 11] = [
        Kind::Bucket,
        Kind::Key,
        Kind::Queue,
        Kind::Topic,
        Kind::Secret,
        Kind::Repository,
        Kind::Function,
        Kind::Table,
        Kind::LogGroup,
        Kind::Parameter,
        Kind::Database,
    ];

    /// The slot that stands for a name of this kind.
    pub(crate) fn slot(self) -> &'static str {
        match self {
            Kind::Bucket => "bucket",
            Kind::Key => "key",
            Kind::Queue => "queue",
            Kind::Topic => "topic",
            Kind::Secret => "secret",
            Kind::Repository => "repository",
            Kind::Function => "function",
            Kind::Table => "table",
            Kind::LogGroup => "loggroup",
            Kind::Parameter => "parameter",
            Kind::Database => "database",
        }
    }

    /// Service of its policy, where it can have one here.
    pub(crate) fn policy_service(self) -> Option<&'static str> {
        RESOURCE_SERVICES.get(self as usize).map(|(service, _)| *service)
    }

    /// The ARN of `name`.
    pub(crate) fn arn(self, region: &str, account: &str, name: &str) -> String {
        let (service, lead) = match self {
            Kind::Bucket => return format!("arn:aws:s3:::{name}"),
            Kind::Key => ("kms", "key/"),
            Kind::Queue => ("sqs", ""),
            Kind::Topic => ("sns", ""),
            Kind::Secret => ("secretsmanager", "secret:"),
            Kind::Repository => ("ecr", "repository/"),
            Kind::Function => ("lambda", "function:"),
            Kind::Table => ("dynamodb", "table/"),
            Kind::LogGroup => ("logs", "log-group:"),
            Kind::Parameter => ("ssm", "parameter/"),
            Kind::Database => ("rds", "db:"),
        };
        format!("arn:aws:{service}:{region}:{account}:{lead}{name}")
    }
}

/// An account, by name.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub id: String,
    pub region: &'static str,
    pub apps: Vec<App>,
    pub roles: Vec<RolePlan>,
    pub users: Vec<String>,
    pub groups: Vec<String>,
    /// Names of resources by [`Kind`], distinct within the kind.
    pub resources: [Vec<String>; Kind::ALL.len()],
    /// The module that stamps each resource, in the order of the names; `None`: it is its application's own.
    pub modules: [Vec<Option<usize>>; Kind::ALL.len()],
    /// How many of each kind, the first ones, have a policy.
    pub with_policy: [usize; Kind::ALL.len()],
    /// Name of a bucket that the whole organization may read, in the accounts that have one.
    pub shared_bucket: Option<String>,
    /// Host and path of the OIDC provider of the account's cluster.
    pub eks: String,
}

/// Plans the account at `index`. Cost: O(roles + resources).
pub(crate) fn account(organization: &Organization, index: usize) -> Plan {
    let p = &organization.parameters;
    let stub = &organization.part.accounts[index];
    let mut rng = Rng::new(organization.seed, &[stream::PLAN, index as u64]);
    let region = names::REGIONS[rng.weighted(names::REGION_WEIGHTS.into_iter())];
    let n_apps = 1 + rng.geometric(1.2, 6);
    let environment = *rng.pick(names::ENVIRONMENTS);
    let apps: Vec<App> =
        (0..n_apps).map(|_| App { name: names::app(&mut rng), team: rng.word(names::TEAMS), environment }).collect();
    let users: Vec<String> =
        (0..rng.geometric(p.users, 40)).map(|i| format!("{}-{i}", rng.pick(names::TEAMS))).collect();
    let groups: Vec<String> =
        (0..rng.around(p.groups)).map(|i| format!("group-{}-{i}", rng.pick(names::TEAMS))).collect();
    let roles = roles(organization, &apps, region, &mut rng);
    let Resources { names: resources, modules, with_policy, shared_bucket } =
        resources(organization, &stub.id, region, &apps, &mut rng);
    let eks = names::eks_provider(region, &mut rng);
    Plan {
        id: stub.id.clone(),
        region,
        apps,
        roles,
        users,
        groups,
        resources,
        modules,
        with_policy,
        shared_bucket,
        eks,
    }
}

fn roles(organization: &Organization, apps: &[App], region: &str, rng: &mut Rng) -> Vec<RolePlan> {
    let p = &organization.parameters;
    let (median, mean, cap) = p.roles;
    let fixed = p.service_linked + organization.baseline.len();
    // The fixed roles are in every account: the spread is that of the whole, the floor is theirs and a few more.
    let n = (rng.lognormal(median, mean) as usize).clamp(fixed + 3, cap.max(fixed + 3));
    let mut roles = Vec::with_capacity(n);
    for i in 0..p.service_linked {
        let (service, title) = managed::SERVICE_LINKED[i % managed::SERVICE_LINKED.len()];
        roles.push(RolePlan {
            kind: RoleKind::ServiceLinked(i),
            path: format!("/aws-service-role/{service}.amazonaws.com/"),
            name: format!("AWSServiceRoleFor{title}"),
            managed: vec![managed::service_linked(i)],
            app: 0,
        });
    }
    for (i, role) in organization.baseline.iter().enumerate() {
        roles.push(RolePlan {
            kind: RoleKind::Baseline(i),
            path: role.path.replace("@{region}", region),
            name: role.name.clone(),
            managed: role.managed.clone(),
            app: 0,
        });
    }
    let mut taken: BTreeSet<String> = roles.iter().map(|role| role.name.clone()).collect();
    let (attached_mean, attached_cap) = p.attached;
    while roles.len() < n {
        let app = rng.below(apps.len());
        let trusted = match rng.weighted([62.0, 18.0, 11.0, 5.0, 4.0].into_iter()) {
            0 => Trusted::Service,
            1 => Trusted::Organization,
            2 => Trusted::Federated,
            3 => Trusted::Outside,
            _ => Trusted::Everyone,
        };
        let part = match trusted {
            Trusted::Service => *rng.pick(&["lambda", "task", "instance", "build", "flow", "exec"]),
            Trusted::Organization => *rng.pick(&["deploy", "reader", "operator"]),
            Trusted::Federated => *rng.pick(&["ci", "pod", "people"]),
            Trusted::Outside => "vendor",
            Trusted::Everyone => "shared",
        };
        let mut name = format!("{}-{part}-{}", apps[app].name, apps[app].environment);
        if !taken.insert(name.clone()) {
            name = format!("{name}-{}", roles.len());
            taken.insert(name.clone());
        }
        let mut managed_indices = Vec::new();
        for _ in 0..1 + rng.geometric(attached_mean - 1.0, attached_cap - 1) {
            // The others are the account's own, drawn when the account is written.
            if rng.chance(0.6) {
                let index = managed::draw(&organization.managed, rng);
                if !managed_indices.contains(&index) {
                    managed_indices.push(index);
                }
            }
        }
        roles.push(RolePlan {
            kind: RoleKind::Workload(trusted),
            path: if rng.chance(0.15) { format!("/{}/", apps[app].team) } else { "/".to_owned() },
            name,
            managed: managed_indices,
            app,
        });
    }
    roles
}

struct Resources {
    names: [Vec<String>; Kind::ALL.len()],
    modules: [Vec<Option<usize>>; Kind::ALL.len()],
    with_policy: [usize; Kind::ALL.len()],
    shared_bucket: Option<String>,
}

fn resources(organization: &Organization, account: &str, region: &str, apps: &[App], rng: &mut Rng) -> Resources {
    let mean = organization.parameters.resources;
    let n = rng.lognormal(mean * 0.75, mean).min(mean * 20.0) as usize;
    let mut counts = [0; Kind::ALL.len()];
    for _ in 0..n.max(4) {
        counts[rng.weighted(RESOURCE_SERVICES.iter().map(|(_, share)| *share))] += 1;
    }
    let with_policy = counts;
    // Half as many again have no policy; the kinds without policies have only such.
    for (index, count) in counts.iter_mut().enumerate() {
        *count += if index < RESOURCE_SERVICES.len() { *count / 3 } else { rng.around(mean / 12.0) };
    }
    let mut all: [Vec<String>; Kind::ALL.len()] = Default::default();
    let mut modules: [Vec<Option<usize>>; Kind::ALL.len()] = Default::default();
    for kind in Kind::ALL {
        let mut taken = BTreeSet::new();
        let list = &mut all[kind as usize];
        for i in 0..counts[kind as usize] {
            let app = rng.pick(apps);
            let noun = *rng.pick(names::NOUNS);
            let pool = &organization.pool;
            let module = if rng.chance(organization.parameters.stamped) { pool.module(rng) } else { None };
            // What a module makes is called the same in every account, names that must be unique aside.
            let stem = match module.and_then(|module| pool.modules.get(module)) {
                Some(name) => name.clone(),
                None => format!("{}-{noun}", app.name),
            };
            let mut name = match kind {
                Kind::Bucket => format!("{stem}-{account}-{region}"),
                Kind::Key => names::uuid(rng),
                Kind::Secret => format!("{}/{stem}-{}", app.environment, rng.text(names::BASE36, 6)),
                Kind::Parameter => format!("{}/{}/{noun}", app.name, app.environment),
                Kind::Repository => format!("{}/{stem}", app.team),
                Kind::LogGroup => format!("/app/{}/{noun}", app.name),
                _ => stem,
            };
            if !taken.insert(name.clone()) {
                name = format!("{name}-{i}");
                taken.insert(name.clone());
            }
            list.push(name);
            modules[kind as usize].push(module);
        }
    }
    let shared_bucket = rng.chance(0.3).then(|| format!("shared-{account}-{region}"));
    Resources { names: all, modules, with_policy, shared_bucket }
}

impl Plan {
    pub(crate) fn names(&self, kind: Kind) -> &[String] {
        &self.resources[kind as usize]
    }
}
