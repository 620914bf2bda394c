//! `iamc paths` and `iamc audit`.

use crate::{folder, run, run_with};

const WORLD: &str = r#"{"kind": "user", "arn": "arn:aws:iam::111122223333:user/ana", "tags": {}, "inline_policies": [{"name": "Own", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole", "iam:UpdateAssumeRolePolicy"], "Resource": "*"}]}}]}
{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Ops", "tags": {}, "inline_policies": [{"name": "All", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}
{"kind": "account", "id": "111122223333"}
"#;

#[test]
fn proofs_are_decided_again_by_every_engine() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(&folder, "paths org.jsonl --escalations --format json -q");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json = ran.json();
    assert_eq!(json["n_paths"], 1);
    let path = &json["paths"][0];
    assert_eq!((&path["goal"], &path["definite"]), (&"administrator of 111122223333".into(), &true.into()));
    let hops = path["hops"].as_array().unwrap();
    let rows: Vec<&str> = hops.iter().map(|hop| hop["row"].as_str().unwrap()).collect();
    assert_eq!(rows, ["iam-update-assume-role-policy", "sts-assume-role"]);
    let statement = &hops[0]["requests"][0]["allowed_by"][0];
    assert_eq!((&statement["statement"], &statement["at"]["line"]), (&"identity/Own/0".into(), &1.into()));
    let cases: Vec<String> = hops
        .iter()
        .flat_map(|hop| hop["requests"].as_array().unwrap())
        .map(|request| request["case"].to_string() + "\n")
        .collect();
    let ran = run_with(&folder, "conform -", cases.concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "2 passed, 0 failed\n"));
    assert!(json["not_searched"].as_array().unwrap().iter().any(|row| row["row"] == "org-detach-scp"));
}

#[test]
fn starts_alternatives_and_what_falls_with_a_user() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(&folder, "paths org.jsonl --from arn:aws:iam::111122223333:root --to 111122223333 --format json -q");
    assert_eq!((ran.code, ran.json()["n_paths"].as_u64()), (0, Some(1)), "{}", ran.stderr);
    for start in ["outside", "public"] {
        let ran = run(&folder, &format!("paths org.jsonl --from {start} --to 111122223333 -q"));
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "no path\n"), "{}", ran.stderr);
    }
    let ran = run(&folder, "paths org.jsonl --from 111122223333 --to any:111122223333 --format json -q");
    assert_eq!(ran.json()["n_paths"], 0, "who is there already is left out");
    let ran = run(
        &folder,
        "paths org.jsonl --from arn:aws:iam::111122223333:user/ana --to 111122223333 --alternatives 3 --format json -q",
    );
    let json = ran.json();
    let cases: Vec<String> = json["paths"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|path| path["hops"].as_array().unwrap())
        .flat_map(|hop| hop["requests"].as_array().unwrap())
        .map(|request| request["case"].to_string() + "\n")
        .collect();
    let n = cases.len();
    assert!(n >= 2, "{json}");
    let ran = run_with(&folder, "conform -", cases.concat());
    assert_eq!((ran.code, ran.stdout), (0, format!("{n} passed, 0 failed\n")));
    let blast = "paths org.jsonl --from arn:aws:iam::111122223333:user/ana --blast-radius --action iam:CreateUser";
    let ran = run(&folder, blast);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let expected = "arn:aws:iam::111122223333:user/ana
  reaches 1 identity, 1 of them definitely, in 1 account; administrator of 1
  111122223333 administrator definitely
    arn:aws:iam::111122223333:role/Ops definitely
";
    assert_eq!(ran.stdout, expected);
    let ran = run(&folder, &(blast.to_owned() + " --action sts:GetCallerIdentity --format json"));
    let json = ran.json();
    let account = &json["blast_radius"][0]["accounts"][0];
    assert_eq!(account["administrator"], "definite");
    assert_eq!(account["uses"][0]["resource"], "*");
    let is_proved = |limit: &str| {
        let json =
            run(&folder, &format!("{blast} --action sts:GetCallerIdentity --format json --limit {limit}")).json();
        let account = &json["blast_radius"][0]["accounts"][0];
        let paths = [&account["identities"][0]["path"], &account["administrator_path"], &account["uses"][0]["path"]];
        paths.map(|path| !path.is_null())
    };
    assert_eq!(
        [is_proved("1"), is_proved("2"), is_proved("0")].map(|proved| proved.map(u8::from).iter().sum::<u8>()),
        [1, 2, 3]
    );
    let ran = run(&folder, "paths org.jsonl --escalations --break");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let expected = "  identity/Own/0 of arn:aws:iam::111122223333:user/ana org.jsonl:1
without 1 statement no path is left, of 1 start; and no fewer do
";
    assert_eq!(ran.stdout, expected);
    let json = run(&folder, "paths org.jsonl --to 111122223333 --break --format json").json();
    assert_eq!((&json["break"], &json["smallest"]), (&"statements".into(), &true.into()));
    assert_eq!(json["statements"][0]["allow"]["at"]["line"], 1);
    assert_eq!(run(&folder, "paths org.jsonl --from 111122223333 --break").code, 2);
    for wrong in
        ["--from 999999999999", "--from outside --blast-radius --to 111122223333", "--from public --alternatives 2"]
    {
        assert_eq!(run(&folder, &format!("paths org.jsonl {wrong}")).code, 2, "{wrong}");
    }
}

#[test]
fn an_action_on_a_resource_is_a_goal() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(
        &folder,
        "paths org.jsonl --to dynamodb:GetItem:arn:aws:dynamodb:us-east-1:111122223333:table/t --format json -q",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json = ran.json();
    let rows = |path: &serde_json::Value| -> Vec<String> {
        path["hops"].as_array().unwrap().iter().map(|hop| hop["row"].as_str().unwrap().to_owned()).collect()
    };
    let found: Vec<Vec<String>> = json["paths"].as_array().unwrap().iter().map(rows).collect();
    assert_eq!(found, [vec!["iam-update-assume-role-policy", "sts-assume-role", "goal"], vec!["goal"]]);
    let last = &json["paths"][0]["hops"][2];
    assert_eq!(
        (&last["family"], &last["target"]),
        (&serde_json::Value::Null, &"arn:aws:dynamodb:us-east-1:111122223333:table/t".into())
    );
    let case = last["requests"][0]["case"].to_string() + "\n";
    let ran = run_with(&folder, "conform -", case);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "1 passed, 0 failed\n"));
    let ran = run(&folder, "paths org.jsonl --to iam:CreateUser:arn:aws:iam::111122223333:user/x --definite -q");
    assert!(ran.stdout.contains("goal by arn:aws:iam::111122223333:role/Ops"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("2 paths, 2 definite\n"), "{}", ran.stdout);
}

#[test]
fn paths_beyond_the_limit_are_named() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ana = "--from arn:aws:iam::111122223333:user/ana -q";
    let whole = run(&folder, &format!("paths org.jsonl {ana} --limit 0 --format json")).json();
    let json = run(&folder, &format!("paths org.jsonl {ana} --limit 1 --format json")).json();
    let goals = |list: &serde_json::Value| -> Vec<(String, bool)> {
        let goal = |one: &serde_json::Value| (one["goal"].as_str().unwrap().to_owned(), one["definite"] == true);
        list.as_array().unwrap().iter().map(goal).collect()
    };
    let (shown, named) = (goals(&json["paths"]), goals(&json["without_proof"]));
    assert!(shown.len() == 1 && !named.is_empty(), "{json}");
    assert_eq!([shown, named.clone()].concat(), goals(&whole["paths"]));
    assert_eq!((&json["n_paths"], &whole["without_proof"]), (&whole["n_paths"], &serde_json::json!([])));
    let text = run(&folder, &format!("paths org.jsonl {ana} --limit 1")).stdout;
    assert!(named.iter().all(|(goal, _)| text.contains(goal)), "{text}");
    assert!(text.contains("`--limit 0` shows all with theirs") && text.contains("1 shown with proofs"), "{text}");
}

#[test]
fn people_see_hops_with_their_statements() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(&folder, "paths org.jsonl --from arn:aws:iam::111122223333:user/ana --to 111122223333");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("2. sts-assume-role by arn:aws:iam::111122223333:user/ana"), "{}", ran.stdout);
    assert!(ran.stdout.contains("allowed by identity/Own/0 org.jsonl:1"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("1 path, 1 definite\n"), "{}", ran.stdout);
    assert!(ran.stderr.contains("known ways are not searched"), "{}", ran.stderr);
}

#[test]
fn wrong_questions_end_with_2() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    for wrong in [
        "paths org.jsonl",
        "paths org.jsonl --from arn:aws:iam::111122223333:user/nobody",
        "paths org.jsonl --to 999999999999",
        "paths org.jsonl --to s3:GetObject:bucket",
        // Who owns it is not known, so that nothing can be said of it.
        "paths org.jsonl --to s3:GetObject:arn:aws:s3:::bucket/key",
        "paths org.jsonl --escalations --given x",
        "paths org.jsonl --escalations --given need:luck",
        "paths org.jsonl --escalations --format sarif",
        "paths org.iamc --escalations",
    ] {
        assert_eq!(run(&folder, wrong).code, 2, "{wrong}");
    }
}

#[test]
fn an_audit_leaves_out_what_its_baseline_has() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let ran = run(&folder, "audit org.jsonl --format json -q --fail-on escalation -o report.json");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("report.json")).unwrap()).unwrap();
    let kinds: Vec<&str> =
        report["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["escalation", "administrator"]);
    let ran = run(&folder, "audit org.jsonl -q --fail-on any --baseline report.json");
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "0 findings, 2 more in the baseline\n"));
    // Where a policy stands is no part of a fingerprint; who is found is.
    std::fs::write(folder.path().join("org.jsonl"), format!("\n\n{}", WORLD.replace("Own", "Other"))).unwrap();
    assert_eq!(run(&folder, "audit org.jsonl -q --fail-on any --baseline report.json").code, 0);
    std::fs::write(folder.path().join("org.jsonl"), WORLD.replace("user/ana", "user/bob")).unwrap();
    assert_eq!(run(&folder, "audit org.jsonl -q --fail-on any --baseline report.json").code, 1);
    assert_eq!(run(&folder, "audit org.jsonl -q --fail-on public-role").code, 0);
    assert_eq!(run(&folder, "audit org.jsonl -q --baseline org.jsonl").code, 3);
    assert_eq!(run(&folder, "audit org.jsonl -q --fail-on nothing").code, 2);
}

#[test]
fn an_audit_for_code_scanning_points_into_files() {
    let folder = folder(&[("org.jsonl", WORLD)]);
    let json = run(&folder, "audit org.jsonl --format sarif -q").json();
    assert_eq!(json["version"], "2.1.0");
    let result = &json["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"escalation".into(), &"error".into()));
    let location = &result["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "org.jsonl");
    assert_eq!(location["region"]["startLine"], 1);
    assert_eq!(result["partialFingerprints"]["iamcFinding/v1"].as_str().unwrap().len(), 16);
}

#[test]
fn a_resource_policy_that_is_written_anew_is_proved() {
    let world = r#"{"kind": "user", "arn": "arn:aws:iam::111122223333:user/ana", "tags": {}, "inline_policies": [{"name": "Own", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SetQueueAttributes", "Resource": "*"}]}}]}
{"kind": "resource", "arn": "arn:aws:sqs:eu-west-1:111122223333:q", "policy": null}
{"kind": "account", "id": "111122223333"}
"#;
    let folder = folder(&[("org.jsonl", world)]);
    let ran = run(
        &folder,
        "paths org.jsonl --to sqs:ReceiveMessage:arn:aws:sqs:eu-west-1:111122223333:q --definite --format json -q",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json = ran.json();
    let hops = json["paths"][0]["hops"].as_array().unwrap();
    let rows: Vec<&str> = hops.iter().map(|hop| hop["row"].as_str().unwrap()).collect();
    assert_eq!(rows, ["respol-sqs-set-policy", "goal"]);
    let requests = hops.iter().flat_map(|hop| hop["requests"].as_array().unwrap());
    let cases: Vec<String> = requests.map(|request| request["case"].to_string() + "\n").collect();
    let ran = run_with(&folder, "conform -", cases.concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "2 passed, 0 failed\n"));
}

/// Every case in an answer, wherever it stands.
fn cases(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Array(list) => list.iter().for_each(|value| cases(value, found)),
        serde_json::Value::Object(fields) => {
            found.extend(fields.get("case").map(|case| case.to_string() + "\n"));
            fields.iter().filter(|(name, _)| *name != "case").for_each(|(_, value)| cases(value, found));
        }
        _ => {}
    }
}

/// An account with what each kind of question finds something about.
const OPEN_WORLD: &str = r#"{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Partner", "tags": {}, "inline_policies": [{"name": "All", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}]}}}
{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Anybody", "tags": {}, "inline_policies": [{"name": "Pass", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["iam:PutRolePolicy", "s3:PutBucketPolicy"], "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}}}
{"kind": "role", "arn": "arn:aws:iam::111122223333:role/Build", "tags": {}, "inline_policies": [{"name": "Read", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"}, "Action": "sts:AssumeRoleWithWebIdentity"}]}}}
{"kind": "role", "arn": "arn:aws:iam::444455556666:role/Other", "tags": {}, "inline_policies": [{"name": "Into", "document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}}], "trust_policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}}
{"kind": "resource", "arn": "arn:aws:s3:::website", "account": "111122223333", "policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::website/*"}]}}, "s3_restrict_public_buckets": false}
{"kind": "resource", "arn": "arn:aws:sqs:eu-west-1:111122223333:q", "policy": {"document": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sqs:*", "Resource": "*"}]}}}
{"kind": "account", "id": "111122223333", "s3_restrict_public_buckets": false}
{"kind": "account", "id": "444455556666"}
"#;

#[test]
fn whatever_is_proved_is_decided_again_by_every_engine() {
    let folder = folder(&[("org.jsonl", OPEN_WORLD)]);
    for (question, n_least) in [
        ("audit org.jsonl", 8),
        ("audit org.jsonl --definite", 5),
        ("paths org.jsonl --from outside", 6),
        ("paths org.jsonl --from outside --to 111122223333 --alternatives 3", 4),
        ("paths org.jsonl --from public", 3),
        ("paths org.jsonl --from outside --blast-radius --action s3:GetObject --action sqs:SendMessage", 12),
        ("paths org.jsonl --from public --to s3:GetObject:arn:aws:s3:::website/index.html", 4),
        ("paths org.jsonl --from public --to 111122223333 --definite", 1),
        ("paths org.jsonl --from 444455556666 --to any:111122223333", 1),
        ("paths org.jsonl --to sqs:SendMessage:arn:aws:sqs:eu-west-1:111122223333:q", 4),
        // A root user needs no statement.
        (
            "paths org.jsonl --from arn:aws:iam::111122223333:root --to sqs:SendMessage:arn:aws:sqs:eu-west-1:111122223333:q --break",
            1,
        ),
    ] {
        let ran = run(&folder, &format!("{question} --format json -q"));
        assert_eq!(ran.code, 0, "{question}: {}", ran.stderr);
        let mut found = Vec::new();
        cases(&ran.json(), &mut found);
        let n = found.len();
        assert!(n >= n_least, "{question}: {n}");
        let ran = run_with(&folder, "conform -", found.concat());
        assert_eq!((ran.code, ran.stdout), (0, format!("{n} passed, 0 failed\n")), "{question}: {}", ran.stderr);
    }
}
