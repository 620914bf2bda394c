//! Help, version, completions, wrong arguments.

use crate::{POLICY, folder, run};

#[test]
fn every_command_has_help_with_examples() {
    let folder = folder(&[]);
    let top = run(&folder, "--help");
    assert_eq!((top.code, top.stderr.as_str()), (0, ""));
    for command in ["decide", "export", "lint", "conform", "bench", "completions"] {
        assert!(top.stdout.contains(&format!("\n  {command} ")), "{command} is not in\n{}", top.stdout);
        let help = run(&folder, &format!("{command} --help"));
        assert_eq!(help.code, 0);
        assert!(help.stdout.contains("Examples:\n"), "{command}");
        assert!(help.stdout.contains(&format!("  iamc {command} ")), "{command}");
    }
    // What is not built is not offered.
    for command in ["diff", "replay", "report"] {
        assert!(!top.stdout.contains(&format!("\n  {command} ")), "{command}");
        assert_eq!(run(&folder, command).code, 2);
    }
}

#[test]
fn the_version_names_semantics_and_catalogue() {
    let ran = run(&folder(&[]), "--version");
    assert_eq!(ran.code, 0);
    let expected = format!("iamc {} (semantics ", env!("CARGO_PKG_VERSION"));
    assert!(ran.stdout.starts_with(&expected), "{}", ran.stdout);
    let date = ran.stdout.split("catalogue ").nth(1).unwrap().trim_end().trim_end_matches(')');
    assert!(date.len() == 10 && date.starts_with("20"), "{}", ran.stdout);
}

#[test]
fn completions_are_scripts() {
    let folder = folder(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = run(&folder, &format!("completions {shell}"));
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains("decide"), "{shell}");
    }
    assert_eq!(run(&folder, "completions tcsh").code, 2);
}

#[test]
fn wrong_arguments_end_with_2_and_say_why() {
    let folder = folder(&[("p.json", POLICY)]);
    let check = |arguments: &str, message: &str| {
        let ran = run(&folder, arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments}");
        assert!(ran.stderr.contains(message), "{arguments}\n{}", ran.stderr);
    };
    let decide = "decide --policies p.json --principal anonymous --action s3:GetObject --resource arn:aws:s3:::b/k";
    check("", "Usage: iamc");
    check("frobnicate", "frobnicate");
    check("decide", "--principal");
    check("decide --policies p.json", "--action");
    check(&format!("{decide} --frobnicate"), "--frobnicate");
    check(&format!("{decide} extra"), "--policies");
    check(&format!("{decide} --requests r.jsonl"), "--requests");
    check("decide org --requests r.jsonl --context a=b", "--context");
    check(&decide.replace("anonymous", "ana"), "`--principal`: ");
    check(&decide.replace("s3:GetObject", "s3:*"), "`--action`: ");
    check(&decide.replace("arn:aws:s3:::b/k", "b/k"), "`--resource`: ");
    check(&format!("{decide} --resource-account 1"), "`--resource-account`: ");
    check(&format!("{decide} --context a"), "write `--context KEY=VALUE`");
    check(&format!("{decide} --context a=b --unknown A"), "given twice");
    check(&format!("{decide} --tag a=b --tag a=c"), "`--tag` gives `a` twice");
    check(&format!("{decide} --kms-grant nonsense"), "--kms-grant");
    check(&format!("{decide} --kms-grant {{\"grante\":\"x\"}}"), "`--kms-grant`: ");
    check(&format!("{decide} --role nonsense"), "`--role`: ");
    check(&format!("{decide} --canonical-user a=1"), "`--canonical-user`: ");
    check(&format!("{decide} --delegated-administrator 1"), "`--delegated-administrator`: ");
    check(&format!("{decide} --set frobnicate=1"), "there is no setting `frobnicate`");
    check(&format!("{decide} --set notprincipal=maybe"), "has no value `maybe`");
    check(&format!("{decide} --set notprincipal"), "write `--set SWITCH=VALUE`");
    check(&format!("{decide} --format sarif"), "no format `sarif`");
    check(&format!("{decide} --format yaml"), "yaml");
    check(&format!("{decide} --threads 0"), "--threads");
    check(&format!("{decide} -q -v"), "--verbose");
    check("lint p.json --format csv", "no format `csv`");
    check("lint p.json --kind bucket", "bucket");
    check("conform p.json --format json", "no format `json`");
    check("conform p.json --catalogue .", "built in");
    check("decide org --requests r.jsonl --format sarif", "no format `sarif`");
}

#[test]
fn a_switch_of_the_semantics_changes_what_it_says() {
    let policy = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": {"NumericNotEquals": {"a:k": "1"}}}]}"#;
    let folder = folder(&[("p.json", policy)]);
    let arguments = "decide --policies p.json --closed --principal arn:aws:iam::111122223333:user/ana \
                     --action s3:GetObject --resource arn:aws:s3:::b/k --context a:k=x";
    assert_eq!(run(&folder, arguments).code, 1);
    assert_eq!(run(&folder, &format!("{arguments} --set malformed_negated=true")).code, 0);
}

#[test]
fn another_catalogue_is_read_or_refused() {
    let folder = folder(&[("p.json", POLICY), ("c.json", "{\"not\": \"a catalogue\"}")]);
    let ran = run(&folder, "--version --catalogue c.json");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""));
    assert!(ran.stderr.contains("c.json"), "{}", ran.stderr);
    assert_eq!(run(&folder, "--version --catalogue missing").code, 3);
}
