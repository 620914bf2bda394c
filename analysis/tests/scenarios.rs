//! For each family of steps that is searched one scenario in which it works, and one for each single thing that stops it
//! (P-16.10).

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no")]

use iamc_analysis::{Given, Goal, Need, Path, Reach, Start, Wanted};
use iamc_catalogue::Catalogue;
use iamc_inventory::{Options, read_lines};
use std::collections::BTreeSet;

const ME: &str = "arn:aws:iam::111111111111:user/me";
const TARGET: &str = "arn:aws:iam::111111111111:role/target";
const FULL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;

/// A world of one account with a caller and a target role.
#[derive(Clone)]
struct Scene {
    /// Statements of the caller, one string.
    own: String,
    boundary: Option<String>,
    scp: String,
    trust: String,
    /// Statements of the target role.
    target_own: String,
    target: String,
    more: String,
}

fn scene(own: &str, trust: &str) -> Scene {
    Scene {
        own: own.to_owned(),
        boundary: None,
        scp: FULL.to_owned(),
        trust: trust.to_owned(),
        target_own: FULL.to_owned(),
        target: TARGET.to_owned(),
        more: String::new(),
    }
}

fn document(statements: &str) -> String {
    format!(r#"{{"document":{{"Version":"2012-10-17","Statement":[{statements}]}}}}"#)
}

fn allow(actions: &[&str], resource: &str) -> String {
    let actions: Vec<String> = actions.iter().map(|action| format!("\"{action}\"")).collect();
    format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"{resource}"}}"#, actions.join(","))
}

fn deny(action: &str) -> String {
    format!(r#"{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#)
}

fn trusts(principal: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
}

impl Scene {
    fn reach(&self, needs: &[Need]) -> Reach {
        let field =
            |statements: &str| document(statements).trim_start_matches('{').trim_end_matches('}').to_owned() + "}";
        let boundary = match &self.boundary {
            Some(_) => ",\"permissions_boundary\":\"arn:aws:iam::111111111111:policy/limit\"",
            None => "",
        };
        let mut lines = vec![
            r#"{"kind":"organization","id":"o-exampleorgid","management_account":"999999999999","scp_enabled":true,"rcp_enabled":false}"#.to_owned(),
            r#"{"kind":"organizational_unit","id":"r-ab12","organization":"o-exampleorgid"}"#.to_owned(),
            r#"{"kind":"account","id":"111111111111","parent":"r-ab12"}"#.to_owned(),
            format!(r#"{{"kind":"guardrail","id":"p-full","type":"scp","targets":["r-ab12","111111111111"],{}}}"#, field(&self.scp)),
            format!(r#"{{"kind":"user","arn":"{ME}","tags":{{}},"inline_policies":[{{"name":"own",{}}}]{boundary}}}"#, field(&self.own)),
            format!(
                r#"{{"kind":"role","arn":"{}","tags":{{}},"inline_policies":[{{"name":"x",{}}}],"trust_policy":{}}}"#,
                self.target, field(&self.target_own), document(&self.trust)
            ),
        ];
        if let Some(limit) = &self.boundary {
            lines.push(format!(
                r#"{{"kind":"policy","arn":"arn:aws:iam::111111111111:policy/limit",{}}}"#,
                field(limit)
            ));
        }
        lines.push(self.more.clone());
        let options = Options { assume_complete: true, ..Options::default() };
        let world = read_lines("scene.jsonl", &lines.join("\n"), &options).unwrap_or_else(|e| panic!("{e}")).world;
        let given = Given { needs: BTreeSet::from_iter(needs.iter().copied()), ..Given::default() };
        Reach::new(world, Catalogue::embedded(), given).unwrap()
    }

    fn path(&self, goal: Goal<'_>, needs: &[Need]) -> Option<Path> {
        self.reach(needs).between(ME, goal, false).unwrap()
    }

    /// The goal is reached by these rows, or not at all.
    fn check(&self, goal: Goal<'_>, rows: Option<&[&str]>) {
        let path = self.path(goal, &[]);
        let found = path.as_ref().map(|path| path.hops.iter().map(|hop| hop.row).collect::<Vec<_>>());
        assert_eq!(found.as_deref(), rows, "{path:?}");
        assert!(path.is_none_or(|path| path.definite));
    }
}

fn administrator() -> Goal<'static> {
    Goal::Administrator("111111111111".parse().unwrap())
}

/// Each of the things that stop every family: a boundary, an SCP, an explicit deny, of the action that matters.
fn stopped(works: &Scene, goal: Goal<'_>, action: &str) {
    Scene { boundary: Some(deny(action) + "," + FULL), ..works.clone() }.check(goal, None);
    Scene { scp: deny(action) + "," + FULL, ..works.clone() }.check(goal, None);
    Scene { own: works.own.clone() + "," + &deny(action), ..works.clone() }.check(goal, None);
}

const EC2: &str = r#"{"Service":"ec2.amazonaws.com"}"#;

#[test]
fn assume() {
    let works = scene(&allow(&["sts:AssumeRole"], TARGET), &trusts(r#"{"AWS":"111111111111"}"#));
    works.check(Goal::Identity(TARGET), Some(&["sts-assume-role"]));
    stopped(&works, Goal::Identity(TARGET), "sts:AssumeRole");
    Scene { trust: trusts(EC2), ..works.clone() }.check(Goal::Identity(TARGET), None);
    Scene { own: allow(&["s3:*"], "*"), ..works }.check(Goal::Identity(TARGET), None);
}

#[test]
fn a_secret_of_two_parties_stays_open() {
    let trust = r#"{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}"#;
    let path = scene(&allow(&["sts:AssumeRole"], TARGET), trust).path(Goal::Identity(TARGET), &[]).unwrap();
    assert!(!path.definite);
    assert_eq!(path.hops[0].requests[0].answer.residual_keys, ["sts:externalid"]);
    // A session's name is the caller's.
    let trust = trust.replace("sts:ExternalId", "sts:RoleSessionName");
    scene(&allow(&["sts:AssumeRole"], TARGET), &trust).check(Goal::Identity(TARGET), Some(&["sts-assume-role"]));
}

#[test]
fn an_action_on_a_resource() {
    let works = Scene {
        target_own: allow(&["s3:GetObject"], "arn:aws:s3:::b/*"),
        more: r#"{"kind":"resource","arn":"arn:aws:s3:::b","account":"111111111111","policy":null}"#.to_owned(),
        ..scene(&allow(&["sts:AssumeRole"], TARGET), &trusts(r#"{"AWS":"111111111111"}"#))
    };
    let reads = Goal::Use { action: "s3:GetObject", resource: "arn:aws:s3:::b/k" };
    works.check(reads, Some(&["sts-assume-role", "goal"]));
    works.check(Goal::Use { action: "s3:PutObject", resource: "arn:aws:s3:::b/k" }, None);
    stopped(&works, reads, "sts:AssumeRole");
    Scene { scp: deny("s3:GetObject") + "," + FULL, ..works.clone() }.check(reads, None);
    // Who may do it at once has no other step; what nobody may do is reached by nobody.
    let found = works.reach(&[]).to(reads, false, usize::MAX).unwrap();
    let ways: Vec<(&str, usize)> = found.paths.iter().map(|path| (path.start.as_str(), path.hops.len())).collect();
    assert_eq!((ways, found.others.len()), (vec![(ME, 2), (TARGET, 1)], 0));
    // Its own policy gives it to whoever writes it.
    let writes = scene(&allow(&["iam:PutUserPolicy"], ME), &trusts(EC2));
    let writes = Scene { more: works.more, ..writes };
    writes.check(reads, Some(&["iam-put-user-policy", "goal"]));
    // What is no action, and a bucket whose owner nobody knows, are no questions.
    for (action, resource) in [("s3", "*"), ("s3:GetObject", "arn:aws:s3:::other/k")] {
        assert!(writes.reach(&[]).between(ME, Goal::Use { action, resource }, false).is_err());
    }
}

#[test]
fn trust_edit() {
    let works = scene(&allow(&["iam:UpdateAssumeRolePolicy"], TARGET), &trusts(EC2));
    let rows = ["iam-update-assume-role-policy", "sts-assume-role"];
    works.check(Goal::Identity(TARGET), Some(&rows));
    stopped(&works, Goal::Identity(TARGET), "iam:UpdateAssumeRolePolicy");
    stopped(&works, Goal::Identity(TARGET), "sts:AssumeRole");
    // P-3.8: what belongs to a service cannot be changed.
    let target = "arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX".to_owned();
    let fixed = Scene { own: allow(&["iam:UpdateAssumeRolePolicy"], "*"), target: target.clone(), ..works };
    fixed.check(Goal::Identity(&target), None);
}

#[test]
fn a_provider_of_ones_own_where_roles_cannot_be_assumed() {
    let actions = ["iam:CreateOpenIDConnectProvider", "iam:UpdateAssumeRolePolicy"];
    let guarded = Scene { scp: deny("sts:AssumeRole") + "," + FULL, ..scene(&allow(&actions, "*"), &trusts(EC2)) };
    let rows = ["iam-rogue-oidc-provider", "iam-update-assume-role-policy", "sts-assume-role-webidentity"];
    guarded.check(Goal::Identity(TARGET), Some(&rows));
    for action in actions {
        Scene { own: guarded.own.clone() + "," + &deny(action), ..guarded.clone() }.check(Goal::Identity(TARGET), None);
        Scene { boundary: Some(deny(action) + "," + FULL), ..guarded.clone() }.check(Goal::Identity(TARGET), None);
        Scene { scp: deny(action) + "," + &guarded.scp, ..guarded.clone() }.check(Goal::Identity(TARGET), None);
    }
    // Everybody who comes there is told, and a provider that is not there is no start.
    let ways = guarded.reach(&[]).to(Goal::Identity(TARGET), true, usize::MAX).unwrap();
    assert_eq!((ways.paths[0].start.as_str(), ways.n()), (ME, 1));
    let new = "arn:aws:iam::111111111111:oidc-provider/iamc-new";
    assert!(guarded.reach(&[]).between(new, Goal::Identity(TARGET), false).is_err());
    assert!(guarded.reach(&[]).from(ME, true, usize::MAX).unwrap().paths.iter().all(|path| path.goal != new));
}

#[test]
fn policy_edit_and_what_still_limits() {
    let works = scene(&allow(&["iam:PutUserPolicy"], ME), &trusts(EC2));
    works.check(administrator(), Some(&["iam-put-user-policy"]));
    stopped(&works, administrator(), "iam:PutUserPolicy");
    // The boundary stays, so that nothing is gained by it.
    let bounded = Scene { boundary: Some(allow(&["iam:PutUserPolicy"], "*")), ..works.clone() };
    bounded.check(administrator(), None);
    // The boundary itself may be taken away.
    let both = Scene {
        own: allow(&["iam:PutUserPolicy", "iam:DeleteUserPermissionsBoundary"], ME),
        boundary: Some(allow(&["iam:PutUserPolicy", "iam:DeleteUserPermissionsBoundary"], "*")),
        ..works
    };
    both.check(administrator(), Some(&["iam-put-user-policy", "iam-delete-user-boundary"]));
}

#[test]
fn credential_and_new_identity() {
    let other = format!(
        r#"{{"kind":"user","arn":"arn:aws:iam::111111111111:user/other","tags":{{}},"inline_policies":[{{"name":"x","document":{{"Version":"2012-10-17","Statement":[{FULL}]}}}}]}}"#
    );
    let works = Scene { more: other, ..scene(&allow(&["iam:CreateAccessKey"], "*"), &trusts(EC2)) };
    works.check(Goal::Identity("arn:aws:iam::111111111111:user/other"), Some(&["iam-create-access-key"]));
    stopped(&works, administrator(), "iam:CreateAccessKey");
    let actions = ["iam:CreateRole", "iam:PutRolePolicy"];
    let makes = scene(&allow(&actions, "*"), &trusts(EC2));
    let path = makes.path(administrator(), &[]).unwrap();
    assert!(path.definite && path.hops.len() == 3, "{path:?}");
    stopped(&makes, administrator(), "iam:CreateRole");
    stopped(&makes, administrator(), "iam:PutRolePolicy");
}

#[test]
fn group() {
    let group = format!(
        r#"{{"kind":"group","arn":"arn:aws:iam::111111111111:group/admins","tags":{{}},"inline_policies":[{{"name":"x","document":{{"Version":"2012-10-17","Statement":[{FULL}]}}}}]}}"#
    );
    let works = Scene { more: group, ..scene(&allow(&["iam:AddUserToGroup"], "*"), &trusts(EC2)) };
    works.check(administrator(), Some(&["iam-add-user-to-group"]));
    stopped(&works, administrator(), "iam:AddUserToGroup");
    Scene { more: works.more.replace("Allow", "Deny"), ..works }.check(administrator(), None);
}

#[test]
fn pass_role() {
    let lambda = r#"{"Service":"lambda.amazonaws.com"}"#;
    let actions = ["iam:PassRole", "lambda:CreateFunction", "lambda:InvokeFunction"];
    let works = scene(&allow(&actions, "*"), &trusts(lambda));
    works.check(Goal::Identity(TARGET), Some(&["passrole-lambda-create-invoke"]));
    for action in actions {
        stopped(&works, Goal::Identity(TARGET), action);
    }
    Scene { trust: trusts(EC2), ..works.clone() }.check(Goal::Identity(TARGET), None);
    let passes_elsewhere = allow(&actions[1..], "*")
        + r#",{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}}"#;
    Scene { own: passes_elsewhere, ..works.clone() }.check(Goal::Identity(TARGET), None);
    // Names and Regions at the caller's choice.
    let narrow =
        allow(&["iam:PassRole"], TARGET) + "," + &allow(&actions[1..], "arn:aws:lambda:eu-west-1:*:function:team-*");
    Scene { own: narrow, ..works }.check(Goal::Identity(TARGET), Some(&["passrole-lambda-create-invoke"]));
}

#[test]
fn pass_role_to_a_machine_needs_a_profile() {
    let actions = ["iam:PassRole", "ec2:RunInstances"];
    let none = scene(&allow(&actions, "*"), &trusts(EC2));
    none.check(Goal::Identity(TARGET), None);
    let profile = format!(
        r#"{{"kind":"instance_profile","arn":"arn:aws:iam::111111111111:instance-profile/p","roles":["{TARGET}"]}}"#
    );
    let works = Scene { more: profile, ..none };
    works.check(Goal::Identity(TARGET), Some(&["passrole-ec2-runinstances"]));
    stopped(&works, Goal::Identity(TARGET), "ec2:RunInstances");
}

#[test]
fn existing_role() {
    let project = "arn:aws:codebuild:us-east-1:111111111111:project/p";
    let runs_as = format!(r#"{{"kind":"runs_as","resource":"{project}","roles":["{TARGET}"]}}"#);
    let trust = trusts(r#"{"Service":"codebuild.amazonaws.com"}"#);
    let works = Scene { more: runs_as, ..scene(&allow(&["codebuild:StartBuild"], project), &trust) };
    works.check(Goal::Identity(TARGET), Some(&["codebuild-startbuild"]));
    stopped(&works, Goal::Identity(TARGET), "codebuild:StartBuild");
    Scene { more: works.more.replace("role/target", "role/else"), ..works.clone() }.check(Goal::Identity(TARGET), None);
    // Which role it is, nobody says.
    let unknown = format!(r#"{{"kind":"resource","arn":"{project}","policy":null}}"#);
    let path = Scene { more: unknown, ..works.clone() }.path(Goal::Identity(TARGET), &[]).unwrap();
    assert!(!path.definite);
    assert_eq!(path.hops[0].needs, [("runs-as(codebuild:project)".to_owned(), false)]);
    // A need that no inventory knows is open until it is stated.
    let function = "arn:aws:lambda:us-east-1:111111111111:function:f";
    let lambda = Scene {
        own: allow(&["lambda:UpdateFunctionCode", "lambda:InvokeFunction"], function),
        trust: trusts(r#"{"Service":"lambda.amazonaws.com"}"#),
        more: format!(r#"{{"kind":"runs_as","resource":"{function}","roles":["{TARGET}"]}}"#),
        ..works
    };
    assert!(!lambda.path(Goal::Identity(TARGET), &[]).unwrap().definite);
    assert!(lambda.path(Goal::Identity(TARGET), &[Need::SigningOff]).unwrap().definite);
}

#[test]
fn federation_and_outsiders() {
    let trust = r#"{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"},{"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"sts:AssumeRole"}"#;
    let mut reach = scene(&allow(&["s3:*"], "*"), trust).reach(&[]);
    let starts: Vec<String> =
        reach.to(Goal::Identity(TARGET), true, usize::MAX).unwrap().paths.into_iter().map(|path| path.start).collect();
    assert_eq!(starts, ["accounts.google.com", "arn:aws:iam::222222222222:role/iamc-outsider"]);
}

/// Names of those who have a way.
fn starts(reach: &mut Reach, start: Start<'_>, goal: Goal<'_>) -> Vec<String> {
    let found = reach.paths(start, goal, Wanted { definite: true, ..Wanted::default() }).unwrap();
    assert!(found.others.is_empty());
    // None is lost where none is shown.
    let none = reach.paths(start, goal, Wanted { definite: true, limit: 0, ..Wanted::default() }).unwrap();
    let named: Vec<_> = none.others.iter().map(|one| (&one.start, &one.goal, one.definite)).collect();
    assert_eq!(named, found.paths.iter().map(|path| (&path.start, &path.goal, Some(true))).collect::<Vec<_>>());
    found.paths.into_iter().map(|path| path.start).collect()
}

#[test]
fn from_outside_and_from_the_public() {
    let federated = r#"{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity"},{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111111111111:saml-provider/own"},"Action":"sts:AssumeRoleWithSAML"},"#;
    let trust = federated.to_owned() + &trusts(r#"{"AWS":"222222222222"}"#);
    let open = scene(&allow(&["s3:*"], "*"), &(federated.to_owned() + &trusts("\"*\"")));
    let mut named = scene(&allow(&["s3:*"], "*"), &trust).reach(&[]);
    let providers = ["accounts.google.com", "arn:aws:iam::111111111111:saml-provider/own"];
    let (named_outsider, nobody) =
        ("arn:aws:iam::222222222222:role/iamc-outsider", "arn:aws:iam::000000000001:role/iamc-outsider");
    let goal = Goal::Identity(TARGET);
    assert_eq!(starts(&mut named, Start::Outside, goal), [providers[0], providers[1], named_outsider]);
    assert_eq!(starts(&mut named, Start::Public, goal), [providers[0]]);
    let mut open = open.reach(&[]);
    assert_eq!(starts(&mut open, Start::Public, goal), [providers[0], nobody]);
    assert_eq!(starts(&mut open, Start::Named("federated:accounts.google.com"), goal), [providers[0]]);
    // What everybody may do needs no credentials.
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
    let bucket = format!(
        r#"{{"kind":"resource","arn":"arn:aws:s3:::b","account":"111111111111","policy":{{"document":{policy}}}}}"#
    );
    let mut public = Scene { more: bucket, ..scene(&allow(&["iam:*"], "*"), &trusts(EC2)) }.reach(&[]);
    let reads = Goal::Use { action: "s3:GetObject", resource: "arn:aws:s3:::b/k" };
    assert_eq!(starts(&mut public, Start::Public, reads), [nobody, "anonymous"]);
    assert_eq!(starts(&mut public, Start::Named("anonymous"), reads), ["anonymous"]);
    let writes = Goal::Use { action: "s3:PutObject", resource: "arn:aws:s3:::b/k" };
    assert!(starts(&mut public, Start::Public, writes).is_empty());
}

#[test]
fn between_accounts() {
    let there = "arn:aws:iam::222222222222:role/there";
    let role = format!(
        r#"{{"kind":"account","id":"222222222222","parent":"r-ab12"}}
{{"kind":"guardrail","id":"p-other","type":"scp","targets":["222222222222"],"document":{{"Version":"2012-10-17","Statement":[{FULL}]}}}}
{{"kind":"role","arn":"{there}","tags":{{}},"inline_policies":[],"trust_policy":{}}}"#,
        document(&trusts(r#"{"AWS":"111111111111"}"#))
    );
    let works = Scene { more: role, ..scene(&allow(&["sts:AssumeRole"], there), &trusts(EC2)) };
    let (from, to) = (Start::Account("111111111111".parse().unwrap()), Goal::AnyOf("222222222222".parse().unwrap()));
    // The target role may do everything; so may the caller what its policy says.
    assert_eq!(starts(&mut works.reach(&[]), from, to), [ME, TARGET]);
    let back = (Start::Account("222222222222".parse().unwrap()), Goal::AnyOf("111111111111".parse().unwrap()));
    assert!(starts(&mut works.reach(&[]), back.0, back.1).is_empty());
    assert!(works.reach(&[]).paths(Start::Account("333333333333".parse().unwrap()), to, Wanted::default()).is_err());
    let closed = Scene { scp: deny("sts:AssumeRole") + "," + FULL, ..works };
    assert!(starts(&mut closed.reach(&[]), from, to).is_empty());
}

#[test]
fn a_root_user_holds_its_account() {
    let root = "arn:aws:iam::111111111111:root";
    let works = scene(&allow(&["s3:*"], "*"), &trusts(EC2));
    let path = works.reach(&[]).between(root, administrator(), true).unwrap().unwrap();
    assert!(path.definite && path.hops.is_empty(), "{path:?}");
    let path = works.reach(&[]).between(root, Goal::Identity(TARGET), true).unwrap().unwrap();
    assert!(path.hops.len() > 1 && path.hops[0].caller == root, "a root user assumes no role: {path:?}");
    // SCPs bind root users; other accounts have none that matters.
    let bound = Scene { scp: deny("iam:*") + "," + &deny("sts:*") + "," + FULL, ..works.clone() };
    assert!(bound.reach(&[]).between(root, Goal::Identity(TARGET), false).unwrap().is_none());
    assert!(works.reach(&[]).between("arn:aws:iam::222222222222:root", administrator(), false).is_err());
}

#[test]
fn alternatives() {
    let works = scene(
        &allow(&["iam:PutUserPolicy", "iam:AttachUserPolicy", "sts:AssumeRole"], "*"),
        &trusts(r#"{"AWS":"111111111111"}"#),
    );
    let wanted = Wanted { alternatives: 5, ..Wanted::default() };
    let found = works.reach(&[]).paths(ME, administrator(), wanted).unwrap();
    let rows: Vec<Vec<&str>> = found.paths.iter().map(|path| path.hops.iter().map(|hop| hop.row).collect()).collect();
    assert_eq!(rows, [["sts-assume-role"], ["iam-attach-user-policy"], ["iam-put-user-policy"]]);
    let first = works.reach(&[]).paths(ME, administrator(), Wanted { limit: 1, ..wanted }).unwrap();
    assert_eq!((first.paths.len(), first.others.len(), first.n()), (1, 2, 3));
}

#[test]
fn whoever_writes_a_resource_policy_uses_the_resource() {
    let policy = document(r#"{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#);
    let bucket = format!(
        r#"{{"kind":"resource","arn":"arn:aws:s3:::b","account":"111111111111","policy":{policy},"s3_restrict_public_buckets":true}}"#
    );
    let works = Scene { more: bucket, ..scene(&allow(&["s3:PutBucketPolicy"], "arn:aws:s3:::b"), &trusts(EC2)) };
    let reads = Goal::Use { action: "s3:GetObject", resource: "arn:aws:s3:::b/k" };
    let rows = ["respol-s3-put-bucket-policy", "goal"];
    works.check(reads, Some(&rows));
    stopped(&works, reads, "s3:PutBucketPolicy");
    // What denies is the caller's own, or a guardrail's: it stays.
    stopped(&works, reads, "s3:GetObject");
    // Everybody who does is told, those who come to do it among them; and what breaks it.
    let target = Scene { trust: trusts(r#"{"AWS":"111111111111"}"#), ..works.clone() };
    let assumes = Scene { own: allow(&["sts:AssumeRole"], TARGET), ..target };
    let ways = assumes.reach(&[]).to(reads, true, usize::MAX).unwrap();
    let found: Vec<(&str, Vec<&str>)> =
        ways.paths.iter().map(|path| (path.start.as_str(), path.hops.iter().map(|hop| hop.row).collect())).collect();
    assert_eq!((found, ways.n()), (vec![(ME, vec!["sts-assume-role", rows[0], rows[1]]), (TARGET, rows.to_vec())], 2));
    let found = works.reach(&[]).breaks(Start::Everybody, reads, true).unwrap();
    let iamc_analysis::Break::Statements { cuts, smallest: true, n_starts: 2 } = found else { panic!("{found:?}") };
    let owners: Vec<&str> = cuts.iter().map(|cut| cut.owner.as_str()).collect();
    assert_eq!(owners, [ME, TARGET]);
}
