//! Policies of resources that are written anew, against brute force with the reference.

use super::*;

const BUCKET: &str = "arn:aws:s3:::b";
const OBJECT: &str = "arn:aws:s3:::b/k";

/// A small world with a bucket of the first account, and in each account a user and two roles that may have to do with it.
fn world_with_bucket(seed: u64) -> String {
    let mut chance = Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) | 1);
    let c = &mut chance;
    let mut text = small_world(seed);
    let about_bucket = |effect: &str, principal: &str, action: &str| {
        let resource = if action == "s3:GetObject" { OBJECT } else { BUCKET };
        format!(r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"{resource}"}}"#)
    };
    let statements = c.pick(&[
        None,
        Some(("Deny", r#""*""#, "s3:GetObject")),
        Some(("Allow", r#"{"AWS":"222222222222"}"#, "s3:GetObject")),
        Some(("Allow", r#""*""#, "s3:GetObject")),
        Some(("Allow", r#"{"AWS":"222222222222"}"#, "s3:PutBucketPolicy")),
        Some(("Allow", r#"{"AWS":"arn:aws:iam::111111111111:role/w0"}"#, "s3:PutBucketPolicy")),
        Some(("Deny", r#"{"AWS":"arn:aws:iam::111111111111:role/w0"}"#, "s3:PutBucketPolicy")),
    ]);
    let policy = match statements {
        Some((effect, principal, action)) => {
            format!("{{\"document\":{}}}", document(&about_bucket(effect, principal, action)))
        }
        None => "null".to_owned(),
    };
    let is_restricted = c.below(2) == 0;
    text.push_str(&format!(
        "{{\"kind\":\"resource\",\"arn\":\"{BUCKET}\",\"account\":\"{}\",\"policy\":{policy},\"s3_restrict_public_buckets\":{is_restricted}}}\n",
        ACCOUNTS[0]
    ));
    if c.below(3) == 0 {
        let denied = c.pick(&["s3:GetObject", "s3:PutBucketPolicy"]);
        text.push_str(&format!(
            "{{\"kind\":\"guardrail\",\"id\":\"p-s3\",\"type\":\"scp\",\"targets\":[\"{}\"],\"document\":{}}}\n",
            c.pick(&ACCOUNTS),
            document(&format!(r#"{{"Effect":"Deny","Action":"{denied}","Resource":"*"}}"#))
        ));
    }
    for account in ACCOUNTS {
        for (kind, name) in [("user", "w"), ("role", "w0"), ("role", "w1")] {
            let arn = format!("arn:aws:iam::{account}:{kind}/{name}");
            let own = c.pick(&[
                ("Allow", "s3:PutBucketPolicy", BUCKET),
                ("Allow", "s3:*", "*"),
                ("Allow", "s3:GetObject", "*"),
                ("Allow", "iam:PutRolePolicy", "*"),
                ("Allow", "sts:AssumeRole", "*"),
                ("Deny", "s3:GetObject", "*"),
            ]);
            let mut own = format!(r#"{{"Effect":"{}","Action":"{}","Resource":"{}"}}"#, own.0, own.1, own.2);
            if c.below(5) == 0 {
                own.push_str(r#",{"Effect":"Deny","Action":"s3:PutBucketPolicy","Resource":"*"}"#);
            }
            let mut fields =
                format!("\"inline_policies\":[{{\"name\":\"i\",\"document\":{}}}],\"tags\":{{}}", document(&own));
            if kind == "role" {
                let trusted = c.pick(&["111111111111", "arn:aws:iam::111111111111:user/w", "222222222222"]);
                let trust =
                    format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{trusted}"}},"Action":"sts:AssumeRole"}}"#);
                fields.push_str(&format!(",\"trust_policy\":{{\"document\":{}}}", document(&trust)));
            }
            text.push_str(&format!("{{\"kind\":\"{kind}\",\"arn\":\"{arn}\",{fields}}}\n"));
        }
    }
    text
}

/// Whether an attacker comes to read the object, and whether nobody controlled might at first but somebody wrote the policy.
fn reads(world: World, start: &str) -> (bool, bool) {
    let mut attack = Attack::new(world, start);
    while attack.round() {}
    let reads = |attack: &Attack| {
        attack.controlled.iter().any(|caller| holds(&attack.world, caller, "s3:GetObject", OBJECT, &[]))
    };
    let at_once = reads(&attack);
    let writes = attack.controlled.iter().any(|caller| holds(&attack.world, caller, "s3:PutBucketPolicy", BUCKET, &[]));
    if writes {
        let controlled: Vec<String> = attack.controlled.iter().map(|arn| format!("\"{arn}\"")).collect();
        let opening = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["{BUCKET}","{BUCKET}/*"],"Condition":{{"StringEquals":{{"aws:PrincipalArn":[{}]}}}}}}"#,
            controlled.join(",")
        );
        let policy = Policy::parse(PolicyKind::Resource, Strictness::Lenient, &document(&opening)).policy.unwrap();
        let bucket = attack.world.resources.iter_mut().find(|resource| resource.arn.as_str() == BUCKET).unwrap();
        bucket.policy = iamc_policy::world::ResourcePolicy::Policy(NamedPolicy::new(BUCKET, policy));
    }
    let in_the_end = at_once || reads(&attack);
    (in_the_end, in_the_end && !at_once)
}

#[test]
fn whoever_writes_a_bucket_policy_reads_the_bucket() {
    let (mut n_reading, mut n_writing, mut n_others) = (0, 0, 0);
    for seed in 0..48 {
        let text = world_with_bucket(seed);
        let world = read(&text);
        let mut reach = Reach::new(world.clone(), Catalogue::embedded(), Given::default()).unwrap();
        let goal = Goal::Use { action: "s3:GetObject", resource: OBJECT };
        let is_goal = reach.goal(goal).unwrap();
        let engine = &mut reach.engine;
        let told = engine.reachers(&is_goal).unwrap();
        for start in engine.starts() {
            let limits = Limits { definite: false, is_goal: &is_goal, keeps: false };
            let found = Search::run(engine, &[start], limits).unwrap().reached.is_some();
            assert_eq!(told.has(start), found, "seed {seed}, {}\n{text}", engine.caller_name(start));
            let Caller::Identity(id) = start else { continue };
            let arn = engine.base.arn(id).to_string();
            if engine.base.origin(id) != Origin::Inventory || !arn.contains(":user/") && id % 2 == 0 {
                continue;
            }
            let limits = Limits { definite: true, ..limits };
            let found = Search::run(engine, &[start], limits).unwrap().reached.is_some();
            let (expected, by_writing) = reads(world.clone(), &arn);
            assert_eq!(found, expected, "seed {seed}, {arn}\n{text}");
            n_writing += usize::from(by_writing);
            if found { n_reading += 1 } else { n_others += 1 }
        }
    }
    assert!(n_reading > 40 && n_writing > 10 && n_others > 40, "{n_reading} {n_writing} {n_others}");
}
