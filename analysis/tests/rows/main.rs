//! Every modelled row of the table in a world of its own (P-16.10): an account in which it works, and one for each single
//! thing that stops it. Accounts are made from the row, so a new row has its scenarios without code.
//!
//! Each scene is asked of the search, and what it rests on of the reference: where the row works, the reference allows all
//! of its requests, made here from the row alone; where an action is denied, it does not.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no")]

mod scene;

use iamc_analysis::{
    Bound, Caller, Effect, Family, Given, Goal, Need, NeedClass, On, PassedRole, Path, Primitive, Reach, Request,
    Table, Which,
};
use iamc_catalogue::Catalogue;
use iamc_inventory::{Options, read_lines};
use iamc_policy::condition::ConditionKey;
use iamc_policy::decision::Decision;
use iamc_policy::request::{KeyState, Mode, RequestResource, ResourceInRequest};
use iamc_policy::{Principal, World};
use scene::{Aim, Change, Scene};
use serde_json::json;
use std::collections::BTreeSet;

/// Rows of the table that no search takes (P-18.1).
const NOT_SEARCHED: &[(&str, &str)] = &[
    ("iam-remove-inline-deny-user", "it may take something away from the attacker, too"),
    ("iam-detach-deny-user", "it may take something away from the attacker, too"),
    ("iam-detach-deny-role", "it may take something away from the attacker, too"),
    ("iam-remove-user-from-deny-group", "it may take something away from the attacker, too"),
    ("sts-assume-root", "root tasks are not searched"),
    ("iam-enable-own-mfa", "a second factor is shown as open instead"),
    ("s3-put-deploy-artifact", "who runs the artifact is not known"),
    ("ecr-push-image", "who runs the artifact is not known"),
    ("respol-lambda-add-permission", "what it grants is not searched"),
    ("respol-kms-create-grant", "what it grants is not searched"),
    ("org-detach-scp", "it may take something away from the attacker, too"),
];

/// Rows with the row that asks for less and leads to the same: it is the one that a path shows, at least possibly, where
/// something that it does not ask for is denied.
const LESS: &[(&str, &str)] = &[
    // Room for a key is taken as met (P-1.9).
    ("iam-rotate-access-key", "iam-create-access-key"),
    // Whoever may open a trust opens it to itself.
    ("iam-rogue-oidc-provider", "iam-update-assume-role-policy"),
    ("passrole-lambda-create-url", "passrole-lambda-create-invoke"),
    // Possible, since others may call the function.
    ("lambda-update-code-invoke", "lambda-update-function-code"),
    ("lambda-update-code-addpermission", "lambda-update-function-code"),
    ("lambda-code-signing-bypass", "lambda-update-function-code"),
    ("bedrock-agent-tool-lambda", "lambda-update-function-code"),
    // The call that starts a build replaces its commands, too.
    ("codebuild-updateproject", "codebuild-startbuild"),
    ("passrole-agentcore-harness", "passrole-agentcore-runtime"),
];

/// Rows that are possible at best, by the rule.
const NEVER_DEFINITE: &[&str] = &[
    // P-3.11: what another version says is no part of an inventory.
    "iam-set-default-policy-version",
];

/// Account numbers of a row's world.
fn number(at: usize) -> String {
    format!("{}", 100_000_000_001 + at as u64)
}

/// The actions of a row, each once.
fn actions_of(row: &Primitive) -> Vec<String> {
    let mut actions: Vec<String> = Vec::new();
    for request in &row.requests {
        let action = request.action.to_string();
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    let passes = row.requests.iter().any(|request| !request.passes.is_empty());
    actions.extend(passes.then(|| "iam:PassRole".to_owned()));
    actions
}

/// What stops a row.
fn changes<'r>(row: &'r Primitive, actions: &'r [String]) -> Vec<Change<'r>> {
    let passes = row.requests.iter().any(|request| !request.passes.is_empty());
    let mut found = Vec::new();
    for action in actions {
        found.extend([Change::Denied(action), Change::Guarded(action)]);
        // A provider has no boundary.
        found.extend((row.caller == Caller::Identity).then_some(Change::Bounded(action)));
    }
    let n_trusts = if row.family == Family::Federation && row.effect == Effect::Session { 1 } else { row.trusts.len() };
    found.extend((0..n_trusts).map(Change::Untrusted));
    found.extend(passes.then_some(Change::PassedElsewhere));
    found.extend((row.family != Family::NewIdentity).then_some(Change::NoTarget));
    let is_listed = row.resource.as_ref().is_some_and(|kind| !kind.resource_type.ends_with("-provider"));
    found.extend(is_listed.then_some(Change::NoResource));
    found.extend(row.needs.contains(&Need::InstanceProfile).then_some(Change::NoProfile));
    found.extend(row.needs.contains(&Need::ProfileEmpty).then_some(Change::ProfileFull));
    if matches!(row.family, Family::PassRole | Family::TrustEdit) {
        found.extend(["aws-service-role/x.amazonaws.com/", "aws-reserved/sso.amazonaws.com/"].map(Change::Fixed));
    }
    if row.effect == Effect::PolicyOpened {
        found.push(Change::Fixed("an AWS managed policy"));
    }
    found
}

/// The scenes of a row, each in an account of its own.
struct Scenes {
    world: World,
    list: Vec<Scene>,
}

fn scenes(row: &Primitive, changes: &[Change<'_>]) -> Scenes {
    let list: Vec<Scene> =
        changes.iter().enumerate().map(|(at, change)| Scene::new(row, &number(at), *change)).collect();
    let mut lines = vec![
        json!({"kind": "organization", "id": "o-exampleorgid", "management_account": "999999999999",
            "scp_enabled": true, "rcp_enabled": true}),
        json!({"kind": "organizational_unit", "id": "r-ab12", "organization": "o-exampleorgid"}),
    ];
    let mut targets = vec!["r-ab12".to_owned()];
    for (at, scene) in list.iter().enumerate() {
        let id = number(at);
        lines.push(json!({"kind": "account", "id": id, "parent": "r-ab12"}));
        for (kind, statements) in [("scp", &scene.scp), ("rcp", &scene.rcp)] {
            if !statements.is_empty() {
                lines.push(json!({"kind": "guardrail", "id": format!("p-{kind}{at}"), "type": kind, "targets": [id],
                    "document": scene::document(statements)}));
            }
        }
        lines.extend(scene.lines.iter().cloned());
        targets.push(id);
    }
    lines.push(json!({"kind": "guardrail", "id": "p-full", "type": "scp", "targets": targets,
        "document": scene::document(&[scene::full()])}));
    let text: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let options = Options { assume_complete: true, ..Options::default() };
    let read = read_lines("row.jsonl", &text.join("\n"), &options).unwrap_or_else(|e| panic!("{}: {e}", row.id));
    Scenes { world: read.world, list }
}

impl Scenes {
    fn reach(&self, needs: impl Iterator<Item = Need>) -> Reach {
        let given = Given { needs: needs.collect(), ..Given::default() };
        Reach::new(self.world.clone(), Catalogue::embedded(), given).unwrap()
    }

    /// The cheapest way in an account. A target that is not there is reached by nobody.
    fn path(&self, reach: &mut Reach, at: usize) -> Option<Path> {
        let scene = &self.list[at];
        let goal = match &scene.aim {
            Aim::Identity(arn) => Goal::Identity(arn),
            Aim::Administrator => Goal::Administrator(number(at).parse().unwrap()),
            Aim::Use(action, resource) => Goal::Use { action, resource },
        };
        reach.between(&scene.start, goal, false).unwrap_or(None)
    }

    /// Whether the reference allows every unit of a request of the row, for the caller of an account.
    fn is_allowed(&self, row: &Primitive, request: &Request, at: usize) -> bool {
        let scene = &self.list[at];
        let account = number(at);
        let role = format!("arn:aws:iam::{account}:role/");
        let mut units: Vec<(String, String, Option<String>)> = Vec::new();
        for on in &request.on {
            let resource = match on {
                On::Wildcard => "*".to_owned(),
                On::Resource { which: Which::Target, resource_type } => {
                    let is_it = row.resource.as_ref().is_some_and(|kind| kind.resource_type == *resource_type);
                    scene.resource.clone().filter(|_| is_it).unwrap_or_else(|| scene.target.clone())
                }
                On::Resource { which: Which::Attached, .. } => format!("arn:aws:iam::{account}:policy/extra"),
                On::Resource { which: Which::New, resource_type } if scene.is_target_new && resource_type != "mfa" => {
                    scene.target.clone()
                }
                On::Resource { resource_type, .. } => {
                    scene::arn(request.action.service(), resource_type, &account, "iamc-new")
                }
            };
            units.push((request.action.to_string(), resource, None));
        }
        for pass in &request.passes {
            let passed = if pass.role == PassedRole::Target { scene.target.clone() } else { format!("{role}other") };
            units.push(("iam:PassRole".to_owned(), passed, Some(pass.to.clone())));
        }
        units.iter().all(|(action, resource, to)| {
            let principal = match row.caller {
                Caller::Identity => Principal::from_arn(&scene.start).unwrap(),
                Caller::Provider if scene.start.contains(":saml-provider/") => {
                    Principal::Saml(scene.start.clone().into())
                }
                Caller::Provider => Principal::Federated(scene.start.clone().into()),
            };
            let mut asked = iamc_policy::Request::new(principal, action.parse().unwrap(), RequestResource::Star);
            if resource != "*" {
                asked.resources = vec![ResourceInRequest::new(resource.parse().unwrap())];
                if resource.split(':').nth(4) == Some("") {
                    asked.resources[0].account = Some(account.parse().unwrap());
                }
            }
            asked.mode = Mode::Open;
            let mut bind = |key: &str, state| asked.context.insert(ConditionKey::new(key), state);
            for (key, bound) in &request.keys {
                let state = match bound {
                    Bound::TargetBoundary => scene.target_boundary.clone().map_or(KeyState::Absent, KeyState::one),
                    Bound::ChosenBoundary if scene.is_target_new => KeyState::Absent,
                    Bound::ChosenBoundary | Bound::ChosenPolicy => {
                        KeyState::one("arn:aws:iam::aws:policy/AdministratorAccess")
                    }
                    _ => KeyState::Present,
                };
                bind(key, state);
            }
            for key in ["aws:TagKeys", "sts:SourceIdentity", "aws:SourceIdentity", "aws:CalledVia"] {
                bind(key, KeyState::Absent);
            }
            if let Some(to) = to {
                bind("iam:PassedToService", KeyState::one(to.clone()));
            }
            let answer = iamc_reference::decide(&self.world, Catalogue::embedded(), &asked);
            answer.is_ok_and(|answer| answer.decision == Decision::Allow)
        })
    }
}

/// The actions of the attacker on a path, in alphabetical order.
fn actions(path: &Path) -> Vec<String> {
    let proved = path.hops.iter().flat_map(|hop| &hop.requests);
    let own = proved.filter(|proved| {
        let is_service = matches!(proved.request.principal, Principal::Service(_));
        // The provider of a truster is no provider of the attacker's.
        let is_built_in = matches!(&proved.request.principal, Principal::Federated(name) if !name.starts_with("arn:"));
        !is_service && !is_built_in
    });
    let mut actions: Vec<String> = own.map(|proved| proved.request.action.to_string()).collect();
    actions.sort();
    actions
}

fn less(row: &Primitive) -> Option<&'static str> {
    LESS.iter().find(|(id, _)| *id == row.id).map(|(_, less)| *less)
}

/// What is wrong with the scenes of a row.
fn wrong(row: &Primitive) -> Vec<String> {
    let asked = actions_of(row);
    let mut all = vec![Change::Works];
    all.extend(changes(row, &asked));
    let scenes = scenes(row, &all);
    let state = || row.needs.iter().copied().filter(|need| need.class() == NeedClass::State);
    let mut stated = scenes.reach(state());
    let mut wrong = Vec::new();
    for (at, change) in all.iter().enumerate() {
        let path = scenes.path(&mut stated, at);
        let hops: Vec<&str> = path.iter().flat_map(|path| &path.hops).map(|hop| hop.row).collect();
        let found = path.as_ref().map(actions).unwrap_or_default();
        let definite = path.as_ref().is_some_and(|path| path.definite);
        let is_less = less(row).is_some_and(|less| hops.contains(&less));
        let mut expected = scenes.list[at].actions.clone();
        expected.sort();
        let is_right = match change {
            Change::Works => definite != NEVER_DEFINITE.contains(&&*row.id) && (found == expected || is_less),
            Change::Denied(action) | Change::Bounded(action) | Change::Guarded(action) => {
                path.is_none() || is_less && !found.iter().any(|one| one == action)
            }
            _ => path.is_none(),
        };
        if !is_right {
            wrong.push(format!("{} {change:?}: {hops:?}, definite: {definite}, {found:?}", row.id));
        }
        // The same of the reference. What an earlier request changes is not in the world yet.
        let mut is_changed = false;
        for request in &row.requests {
            let action = request.action.to_string();
            let is_stopped = match change {
                Change::Works => false,
                Change::Denied(stopped) | Change::Bounded(stopped) | Change::Guarded(stopped) => {
                    *stopped == action || *stopped == "iam:PassRole" && !request.passes.is_empty()
                }
                Change::PassedElsewhere => !request.passes.is_empty(),
                _ => continue,
            };
            let is_later = is_changed && request.action.service() == "sts";
            if !is_later && scenes.is_allowed(row, request, at) == is_stopped {
                wrong.push(format!("{} {change:?}: the reference differs about {action}", row.id));
            }
            is_changed |= request.effect.is_some();
        }
    }
    if state().next().is_some() {
        let path = scenes.path(&mut scenes.reach(std::iter::empty()), 0);
        if path.is_none_or(|path| path.definite) {
            wrong.push(format!("{}: not only possible where its needs are open", row.id));
        }
    }
    wrong
}

#[test]
fn every_row_works_and_is_stopped() {
    let rows = Table::embedded().primitives();
    let named: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let told: Vec<(&str, &str)> = Reach::not_modelled().into_iter().filter(|(id, _)| named.contains(id)).collect();
    assert_eq!(told, NOT_SEARCHED);
    let is_searched = |row: &&Primitive| !NOT_SEARCHED.iter().any(|(id, _)| *id == row.id);
    let wrong: Vec<String> = rows.iter().filter(is_searched).flat_map(wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_that_are_not_searched_are_not_found() {
    for (id, _) in NOT_SEARCHED {
        let row = Table::embedded().primitive(id).unwrap();
        let scenes = scenes(row, &[Change::Works]);
        let mut reach = scenes.reach(row.needs.iter().copied());
        assert!(scenes.path(&mut reach, 0).is_none(), "{id}");
    }
}
