//! Outputs that tell of resources: their policies, tags, owners, grants; VPC endpoints and identity providers.

use super::commands::{BUCKET, CATALOG, Command, GRANTS, MANY, POLICIES, TAGS};
use super::{Asked, Reader, details, partition, shares};
use crate::fact::{Fact, Listing, OrganizationFact, Origin};
use crate::item::Item;
use crate::json::{Fields, Node};
use crate::lines::{is_iam, policy_kind};
use crate::report::Skipped;
use iamc_policy::Arn;
use iamc_policy::decision::Truth;
use iamc_policy::document::PolicyKind;
use iamc_policy::ids::AccountId;
use iamc_policy::request::{EndpointType, KmsGrant};
use iamc_policy::source::Place;
use iamc_policy::world::{Account, Coverage, Endpoint, LastUse, Provider, Resource, ResourcePolicy};

/// Reads the output of one of [`super::commands`], or the error in which it ended (then `f` is that of the wrapper).
pub(crate) fn read(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let is_asked = |row: &&Command| row.service == asked.service && row.command == asked.command;
    if let Some(row) = POLICIES.iter().find(is_asked) {
        return read_policy(reader, f, asked, row);
    }
    if let Some(row) = TAGS.iter().find(is_asked) {
        return read_tags(reader, f, asked, row);
    }
    if let Some((row, field)) = MANY.iter().find(|(row, _)| is_asked(&row)) {
        return read_policies(reader, f, asked, row, field);
    }
    match (asked.service.as_str(), asked.command.as_str()) {
        ("s3api", "get-public-access-block") => bucket_public_access_block(reader, f, asked),
        ("s3control", "get-public-access-block") => account_public_access_block(reader, f, asked),
        _ if asked.error.is_some() => failed(reader, f, asked),
        ("s3api", "list-buckets") => list_buckets(reader, f, asked),
        ("kms", "list-grants") => list_grants(reader, f, asked),
        ("kms", "describe-key") => describe_key(reader, f),
        ("ec2", "describe-vpc-endpoints") => describe_vpc_endpoints(reader, f, asked),
        ("logs", "describe-destinations") => destinations(reader, f, asked),
        ("apigateway", "get-rest-apis") => rest_apis(reader, f, asked),
        ("iam", "list-instance-profiles") => {
            for mut profile in reader.objects(f, "InstanceProfiles") {
                details::read_instance_profile(reader, &mut profile);
            }
        }
        ("iam", "list-users") => list_users(reader, f),
        ("iam", "get-access-key-last-used") => access_key_last_used(reader, f, asked),
        ("iam", "list-open-id-connect-providers") => providers(reader, f, "OpenIDConnectProviderList"),
        ("iam", "list-saml-providers") => providers(reader, f, "SAMLProviderList"),
        ("resourcegroupstaggingapi", "get-resources") => tagged_resources(reader, f, asked),
        ("sts", "get-caller-identity") => caller_identity(reader, f),
        _ => {}
    }
}

/// A command that ended in an error which says nothing about the resource, such as missing permission.
pub(crate) fn failed(reader: &mut Reader<'_>, f: &Fields<'_>, asked: &Asked<'_>) {
    let code = crate::error::shorten(asked.error.as_deref().unwrap_or("unknown"));
    reader.skip(f.node, format!("`{} {}` ended in the error {code}", asked.service, asked.command).trim().to_owned());
}

/// A value some levels down in an output.
fn find<'a>(reader: &mut Reader<'_>, f: &mut Fields<'a>, path: &[&'static str]) -> Option<Node<'a>> {
    let (first, rest) = path.split_first()?;
    let mut node = f.get(first)?;
    for name in rest {
        node = node.fields(reader.mistakes())?.get(name)?;
    }
    Some(node)
}

/// The ARN of the resource that a command was about, and its owner where the ARN does not name it.
fn resource_arn(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, row: &Command) -> Option<Arn> {
    if asked.error.is_none()
        && let Some(node) = find(reader, f, row.arn_path)
    {
        return reader.parse_arn(node);
    }
    let mut name = asked.text(row.argument, reader.mistakes());
    if row.template == CATALOG {
        name = name.filter(|name| name.starts_with("arn:")).or_else(|| Some(String::new()));
    }
    let registry = asked.argument("registry-id").and_then(|node| reader.account_id(node));
    let arn = name.and_then(|name| build_arn(asked, row.template, &name, registry));
    if arn.is_none() {
        let why = format!(
            "`{} {}` does not say which resource was asked: wrap it with `{}` as an ARN, or with account and region",
            asked.service, asked.command, row.argument
        );
        reader.skip(f.node, why);
    }
    arn
}

/// Builds an ARN from a name as the command line takes it: an ARN, a queue's URL, or a plain name.
fn build_arn(asked: &Asked<'_>, template: &str, name: &str, account: Option<AccountId>) -> Option<Arn> {
    if name.starts_with("arn:") {
        return name.parse().ok();
    }
    let mut account = account.or(asked.account).map(|id| id.to_string());
    let mut region = asked.region.clone();
    let mut name = name;
    if let Some(rest) = name.strip_prefix("https://") {
        // https://sqs.REGION.amazonaws.com/ACCOUNT/NAME
        let (host, path) = rest.split_once('/')?;
        let (owner, queue) = path.split_once('/')?;
        (account, name) = (Some(owner.to_owned()), queue);
        if let Some((of_host, _)) = host.strip_prefix("sqs.").and_then(|rest| rest.split_once('.')) {
            region = Some(of_host.to_owned());
        }
    } else if let Some((owner, function)) = name.split_once(":function:") {
        // The partial ARN of a function: ACCOUNT:function:NAME.
        (account, name) = (Some(owner.to_owned()), function);
    }
    // An alias is not the key: which key it leads to may change.
    if template.is_empty() || name.starts_with("alias/") {
        return None;
    }
    let mut text = template.replace("{partition}", partition(region.as_deref().unwrap_or("")));
    for (part, value) in [("{region}", region), ("{account}", account)] {
        if text.contains(part) {
            text = text.replace(part, &value?);
        }
    }
    // Directory buckets have ARNs of another kind.
    if template == BUCKET.template && name.ends_with("--x-s3") {
        let (region, account) = (asked.region.as_deref()?, asked.account?);
        return format!("arn:{}:s3express:{region}:{account}:bucket/{name}", partition(region)).parse().ok();
    }
    text.replace("{name}", name).parse().ok()
}

/// A resource about which nothing is known yet.
pub(crate) fn resource(arn: Arn, asked: &Asked<'_>, node: Node<'_>) -> Resource {
    // The ARN says it, but for S3.
    let account = if arn.account().is_empty() { asked.account } else { None };
    Resource {
        arn,
        account,
        policy: ResourcePolicy::NotExported,
        tags: None,
        s3_restrict_public_buckets: None,
        kms_grants: None,
        aws_managed_key: false,
        place: Some(node.place()),
    }
}

/// Adds a resource, unless it is a role.
pub(crate) fn push(reader: &mut Reader<'_>, resource: Resource) {
    if !resource.place.clone().is_some_and(|place| is_role(reader, &resource.arn, place)) {
        reader.facts.push(Fact::Item(Item::Resource(Box::new(resource))));
    }
}

/// Whether it is a role, which is told: without its trust policy it says nothing, and our own format has no such line.
pub(crate) fn is_role(reader: &mut Reader<'_>, arn: &Arn, place: Place) -> bool {
    let is_role = is_iam(arn, "role");
    if is_role {
        let why = format!("{arn} is a role, and is named here as if it were another thing");
        reader.skipped.push(Skipped { place, why });
    }
    is_role
}

/// Whether the command ended in an error that means "there is none"; `None`: in another error, which is reported.
fn means_none(reader: &mut Reader<'_>, f: &Fields<'_>, asked: &Asked<'_>, none: &[&str]) -> Option<bool> {
    match &asked.error {
        None => Some(false),
        Some(code) if none.contains(&code.as_str()) => Some(true),
        Some(_) => {
            failed(reader, f, asked);
            None
        }
    }
}

fn read_policy(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, row: &Command) {
    let Some(mut arn) = resource_arn(reader, f, asked, row) else { return };
    if !row.qualifier.is_empty()
        && let Some(node) = asked.argument(row.qualifier)
    {
        // The policy of a version or alias of a function, or of a version of a layer.
        let part =
            if node.is_string() { node.string(reader.mistakes()).unwrap_or_default() } else { node.raw().into() };
        arn = format!("{arn}:{part}").parse().unwrap_or(arn);
    }
    let mut resource = resource(arn, asked, f.node);
    match means_none(reader, f, asked, row.none) {
        Some(true) => resource.policy = ResourcePolicy::None,
        Some(false) => {
            let document = find(reader, f, row.path).filter(|node| node.raw() != "\"\"");
            match document {
                Some(node) => {
                    let name = resource.arn.as_str().to_owned();
                    match reader.document(policy_kind(&resource.arn), name, node) {
                        Some(policy) => resource.policy = ResourcePolicy::Policy(policy),
                        None => return,
                    }
                }
                None if lacks_policy(reader, f, asked, row) => resource.policy = ResourcePolicy::None,
                // Nobody asked for it, which is nothing to report.
                None if row.service == "sqs" => {}
                None => {
                    let why = format!("the output of `{} {}` holds no policy", row.service, row.command);
                    reader.skip(f.node, why);
                }
            }
        }
        None => {}
    }
    push(reader, resource);
}

/// Whether an output without a policy says that the resource has none.
fn lacks_policy(reader: &mut Reader<'_>, f: &Fields<'_>, asked: &Asked<'_>, row: &Command) -> bool {
    match row.service {
        // A queue's policy comes only where it is asked for.
        "sqs" => asked_for_policy(reader, asked),
        // Every key has one.
        "kms" => false,
        // Where a missing policy is an error of the command, an output without one is none of its outputs.
        _ => row.none.is_empty() && !f.all().is_empty(),
    }
}

fn asked_for_policy(reader: &mut Reader<'_>, asked: &Asked<'_>) -> bool {
    let Some(node) = asked.argument("attribute-names") else { return false };
    let names = if node.is_list() { node.list(reader.mistakes()).unwrap_or_default() } else { vec![node] };
    names.into_iter().filter_map(|name| name.string(reader.mistakes())).any(|name| name == "All" || name == "Policy")
}

fn read_tags(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, row: &Command) {
    let Some(arn) = resource_arn(reader, f, asked, row) else { return };
    let mut resource = resource(arn, asked, f.node);
    match means_none(reader, f, asked, row.none) {
        Some(true) => resource.tags = Some(Vec::new()),
        Some(false) => {
            // Half of the tags would pass for all of them.
            if reader.is_truncated(f) {
                reader.skip(f.node, format!("the tags of {} are truncated", resource.arn));
            } else {
                resource.tags = match find(reader, f, row.path) {
                    Some(node) => reader.tags(node),
                    None => Some(Vec::new()),
                };
            }
        }
        None => {}
    }
    push(reader, resource);
}

/// Several policies of one resource: a list of objects, or an object name -> document.
fn read_policies(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, row: &Command, field: &'static str) {
    let Some(arn) = resource_arn(reader, f, asked, row) else { return };
    if means_none(reader, f, asked, row.none).is_none() {
        return push(reader, resource(arn, asked, f.node));
    }
    let Some(node) = find(reader, f, row.path) else {
        reader.skip(f.node, format!("the output of `{} {}` holds no policies", row.service, row.command));
        return push(reader, resource(arn, asked, f.node));
    };
    let truncated = reader.is_truncated(f);
    let documents: Vec<Node<'_>> = if node.is_object() {
        let fields = node.fields(reader.mistakes());
        fields.map(|fields| fields.all().iter().map(|field| field.value).collect()).unwrap_or_default()
    } else {
        let items = node.list(reader.mistakes()).unwrap_or_default();
        items.into_iter().filter_map(|item| item.fields(reader.mistakes())?.get(field)).collect()
    };
    let mut resource = resource(arn, asked, f.node);
    let arn = resource.arn.clone();
    if truncated {
        reader.skip(f.node, format!("the policies of {arn} are truncated"));
    } else {
        resource.policy = ResourcePolicy::None;
    }
    push(reader, resource);
    for document in documents {
        shares::shared(reader, document, arn.clone(), asked.account, Some(document));
    }
}

/// Destinations of log events, with their policies.
fn destinations(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    for mut destination in reader.objects(f, "destinations") {
        let arn = reader.need_arn(&mut destination, "arn");
        let document = destination.get("accessPolicy");
        if let Some(arn) = arn {
            with_policy(reader, resource(arn, asked, destination.node), document);
        }
    }
}

/// REST APIs, with their policies.
fn rest_apis(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let template = POLICIES.iter().find(|row| row.command == "get-rest-api").map_or("", |row| row.template);
    for mut api in reader.objects(f, "items") {
        let Some(id) = api.need_string("id", reader.mistakes()) else { continue };
        let document = api.get("policy");
        match build_arn(asked, template, &id, None) {
            Some(arn) => with_policy(reader, resource(arn, asked, api.node), document),
            None => reader.skip(api.node, "a REST API without account and region: wrap the output with both"),
        }
    }
}

/// A resource of a list whose items hold the policy where there is one.
fn with_policy(reader: &mut Reader<'_>, mut resource: Resource, document: Option<Node<'_>>) {
    let name = resource.arn.as_str().to_owned();
    resource.policy = match document.filter(|node| node.raw() != "\"\"") {
        None => ResourcePolicy::None,
        Some(node) => match reader.document(policy_kind(&resource.arn), name, node) {
            Some(policy) => ResourcePolicy::Policy(policy),
            None => return,
        },
    };
    push(reader, resource);
}

/// `list-users`: when each password was last used. The users themselves come with the authorization details.
fn list_users(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    for mut user in reader.objects(f, "Users") {
        let arn = reader.need_arn(&mut user, "Arn");
        let at = user.get_string("PasswordLastUsed", reader.mistakes());
        let place = Some(user.node.place());
        if let Some(arn) = arn {
            reader.facts.push(Fact::Item(Item::LastUse(Box::new(LastUse { arn, at, region: None, place }))));
        }
    }
}

/// `get-access-key-last-used`: of a user by name, whose path only the details know; without a path it is not told.
fn access_key_last_used(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let name = f.need_string("UserName", reader.mistakes());
    let used = f.get("AccessKeyLastUsed").and_then(|node| node.fields(reader.mistakes()));
    let (Some(name), Some(mut used)) = (name, used) else { return };
    let Some(account) = asked.account else {
        return reader
            .skip(f.node, "the last use of an access key without the account: wrap the output with `account`");
    };
    let at = used.get_string("LastUsedDate", reader.mistakes());
    // `N/A` where the key was never used.
    let region = used.get_string("Region", reader.mistakes()).filter(|region| region != "N/A");
    let place = f.node.place();
    reader.facts.push(Fact::KeyUse(Box::new(crate::fact::KeyUse {
        account,
        user: name.into_owned(),
        at,
        region,
        place,
    })));
}

/// `get-resources` of the tagging API: all tags of each resource that it names. A page that is missing makes the tags of
/// the resources on it not known, which is what they are without it.
fn tagged_resources(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    for mut mapping in reader.objects(f, "ResourceTagMappingList") {
        let arn = reader.need_arn(&mut mapping, "ResourceARN");
        let tags = match mapping.get("Tags") {
            Some(node) => reader.tags(node),
            None => Some(Vec::new()),
        };
        let (Some(arn), Some(tags)) = (arn, tags) else { continue };
        // Identities come with their details.
        if arn.service() == "iam" {
            continue;
        }
        let mut resource = resource(arn, asked, mapping.node);
        resource.tags = Some(tags);
        push(reader, resource);
    }
}

/// RestrictPublicBuckets of an output of `get-public-access-block`; no configuration means that it is off.
fn restrict_public_buckets(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) -> Option<bool> {
    if means_none(reader, f, asked, &["NoSuchPublicAccessBlockConfiguration"])? {
        return Some(false);
    }
    let node = f.need("PublicAccessBlockConfiguration", reader.mistakes())?;
    let mut configuration = node.fields(reader.mistakes())?;
    Some(configuration.get_boolean("RestrictPublicBuckets", reader.mistakes()).unwrap_or(false))
}

fn bucket_public_access_block(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(arn) = resource_arn(reader, f, asked, &BUCKET) else { return };
    let mut resource = resource(arn, asked, f.node);
    resource.s3_restrict_public_buckets = restrict_public_buckets(reader, f, asked);
    push(reader, resource);
}

fn account_public_access_block(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let named = asked.text("account-id", reader.mistakes()).and_then(|id| id.parse().ok());
    let Some(id) = named.or(asked.account) else {
        reader.skip(f.node, "get-public-access-block does not say of which account: wrap it with `account-id`");
        return;
    };
    let s3_restrict_public_buckets = restrict_public_buckets(reader, f, asked);
    let place = Some(f.node.place());
    let account = Account { id, name: None, parent: None, canonical_user: None, s3_restrict_public_buckets, place };
    reader.facts.push(Fact::Item(Item::Account(Box::new(account))));
    reader.facts.push(Fact::Account { id, origin: Origin::Outputs, place: f.node.place() });
}

fn list_buckets(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    for mut bucket in reader.objects(f, "Buckets") {
        let Some(name) = bucket.need_string("Name", reader.mistakes()) else { continue };
        if let Some(arn) = build_arn(asked, BUCKET.template, &name, None) {
            push(reader, resource(arn, asked, bucket.node));
        }
    }
    let owner = f.get("Owner").and_then(|node| node.fields(reader.mistakes()));
    let canonical_user = owner.and_then(|mut owner| owner.get_string("ID", reader.mistakes()));
    let filtered = f.get("Prefix").is_some_and(|prefix| prefix.raw() != "\"\"");
    let filtered = filtered || asked.argument("prefix").is_some() || asked.argument("bucket-region").is_some();
    let Some(id) = asked.account else { return };
    let place = f.node.place();
    let account = Account {
        id,
        name: None,
        parent: None,
        canonical_user,
        s3_restrict_public_buckets: None,
        place: Some(place.clone()),
    };
    reader.facts.push(Fact::Item(Item::Account(Box::new(account))));
    reader.facts.push(Fact::Account { id, origin: Origin::Outputs, place: place.clone() });
    let truncated = reader.is_truncated(f);
    if !filtered {
        reader.facts.push(Fact::Page(Box::new(crate::fact::Page { of: Listing::Buckets(id), truncated, place })));
    }
}

fn list_grants(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    let Some(key) = resource_arn(reader, f, asked, &GRANTS) else { return };
    if is_role(reader, &key, f.node.place()) {
        return;
    }
    let mut grants = Vec::new();
    for mut grant in reader.objects(f, "Grants") {
        let mut principal = |names: [&'static str; 2]| {
            names.into_iter().find_map(|name| grant.get_string(name, &mut reader.notes.mistakes))
        };
        let grantee = principal(["GranteePrincipal", "GranteeServicePrincipal"]);
        let retiring = principal(["RetiringPrincipal", "RetiringServicePrincipal"]);
        let operations = grant.get_strings("Operations", reader.mistakes());
        let constraints = grant.get("Constraints").and_then(|node| node.fields(reader.mistakes()));
        // Constraints hold for some requests and not for others; an empty one always holds.
        let constrained = constraints.is_some_and(|constraints| {
            constraints.all().iter().any(|field| !field.value.is_null() && field.value.raw() != "{}")
        });
        let holds = if constrained { Truth::Unknown } else { Truth::True };
        grants.push(KmsGrant { grantee, retiring, operations, holds });
    }
    let place = f.node.place();
    reader.facts.push(Fact::Grants(Box::new(crate::fact::Grants {
        key: key.clone(),
        account: asked.account,
        grants,
        place,
    })));
    reader.page(Listing::Grants(key.to_string()), f);
}

fn describe_key(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    let Some(mut key) = f.need("KeyMetadata", reader.mistakes()).and_then(|node| node.fields(reader.mistakes())) else {
        return;
    };
    let arn = reader.need_arn(&mut key, "Arn");
    let manager = key.get_string("KeyManager", reader.mistakes());
    let Some(arn) = arn else { return };
    let mut resource = resource(arn, &Asked::default(), key.node);
    resource.aws_managed_key = manager.as_deref() == Some("AWS");
    push(reader, resource);
}

fn describe_vpc_endpoints(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>) {
    for mut fields in reader.objects(f, "VpcEndpoints") {
        endpoint(reader, &mut fields, asked, true);
    }
    if let Some(id) = asked.account {
        let filtered = ["filters", "vpc-endpoint-ids"].into_iter().any(|name| asked.argument(name).is_some());
        if !filtered {
            reader.page(Listing::Endpoints(id, asked.region.clone().unwrap_or_default()), f);
        }
    }
}

/// A VPC endpoint. `settled`: one without a policy has the default, full access; else nobody fetched the policy.
pub(crate) fn endpoint(reader: &mut Reader<'_>, f: &mut Fields<'_>, asked: &Asked<'_>, settled: bool) {
    let id = f.need_string("VpcEndpointId", reader.mistakes()).map(|id| id.into_owned());
    let owner = f.get("OwnerId").and_then(|node| reader.account_id(node)).or(asked.account);
    let vpc = f.get_string("VpcId", reader.mistakes());
    let service_name = f.get_string("ServiceName", reader.mistakes());
    let document = f.get("PolicyDocument");
    let endpoint_type = match f.get_string("VpcEndpointType", reader.mistakes()).as_deref() {
        // Endpoints made before there were others do not say.
        Some("Gateway") | None => EndpointType::Gateway,
        Some("Interface") => EndpointType::Interface,
        // Gateway load balancers, resources and service networks carry no calls to AWS services.
        Some(_) => return,
    };
    let (Some(id), Some(account)) = (id, owner) else {
        reader.skip(f.node, "a VPC endpoint without id or owner: wrap the output with `account`");
        return;
    };
    let policy = match document {
        None if settled => ResourcePolicy::None,
        None => ResourcePolicy::NotExported,
        Some(node) => match reader.document(PolicyKind::Endpoint, id.clone(), node) {
            Some(policy) => ResourcePolicy::Policy(policy),
            None => return,
        },
    };
    let (of_name, service) = service_name.as_deref().map_or((None, None), endpoint_service);
    reader.facts.push(Fact::Item(Item::Endpoint(Box::new(Endpoint {
        id,
        account,
        vpc,
        region: of_name.or_else(|| asked.region.clone()),
        service,
        endpoint_type,
        policy,
        place: Some(f.node.place()),
    }))));
}

/// Region and service prefix of an endpoint service name such as `com.amazonaws.us-east-1.ecr.api`.
pub(crate) fn endpoint_service(name: &str) -> (Option<String>, Option<String>) {
    // `cn.com.amazonaws.REGION.SERVICE` in China, `com.amazonaws.s3-global.accesspoint` without a Region.
    let name = name.strip_prefix("cn.").unwrap_or(name);
    let Some(rest) = name.strip_prefix("com.amazonaws.") else { return (None, None) };
    let Some((region, service)) = rest.split_once('.') else { return (None, None) };
    if region == "vpce" || region == "s3-global" {
        return (None, None);
    }
    let service = service.split('.').next().unwrap_or(service);
    let service = service.strip_suffix("-fips").unwrap_or(service);
    // Where the endpoint is called otherwise than the prefix of the service's actions.
    const CALLED: &[(&str, &str)] = &[
        ("monitoring", "cloudwatch"),
        ("email-smtp", "ses"),
        ("email", "ses"),
        ("git-codecommit", "codecommit"),
        ("sync-states", "states"),
        ("s3express", "s3express"),
        ("streams", "dynamodb"),
        ("dynamodb-streams", "dynamodb"),
        ("kinesis-streams", "kinesis"),
        ("kinesis-firehose", "firehose"),
        ("bedrock-runtime", "bedrock"),
        ("bedrock-agent", "bedrock"),
        ("bedrock-agent-runtime", "bedrock"),
    ];
    let prefix = CALLED.iter().find(|(called, _)| *called == service).map_or(service, |(_, prefix)| prefix);
    (Some(region.to_owned()), Some(prefix.to_owned()))
}

fn providers(reader: &mut Reader<'_>, f: &mut Fields<'_>, list: &'static str) {
    for mut fields in reader.objects(f, list) {
        provider(reader, &mut fields);
    }
}

/// An identity provider; its ARN is all that decides.
pub(crate) fn provider(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    if let Some(arn) = reader.need_arn(f, "Arn") {
        let place = Some(f.node.place());
        reader.facts.push(Fact::Item(Item::Provider(Box::new(Provider { arn, place }))));
    }
}

fn caller_identity(reader: &mut Reader<'_>, f: &mut Fields<'_>) {
    if let Some(id) = f.need("Account", reader.mistakes()).and_then(|node| reader.account_id(node)) {
        reader.facts.push(Fact::Account { id, origin: Origin::Outputs, place: f.node.place() });
    }
}

/// What a complete list of buckets proves.
pub(crate) fn bucket_coverage(account: AccountId, place: iamc_policy::source::Place) -> Coverage {
    Coverage { account, service: "s3".into(), place: Some(place) }
}

/// `describe-organization` of an account that is in no organization.
pub(crate) fn not_in_use(account: AccountId) -> Fact {
    Fact::Organization(Box::new(OrganizationFact::NotInUse { account }))
}

#[cfg(test)]
mod tests {
    use super::super::commands::{FUNCTION, KEY, QUEUE};
    use super::*;

    #[test]
    fn arns_are_built_from_names() {
        let asked = Asked {
            account: Some("111122223333".parse().unwrap()),
            region: Some("us-gov-west-1".into()),
            ..Asked::default()
        };
        let built = |template, name| build_arn(&asked, template, name, None).map(|arn| arn.to_string());
        let bucket = BUCKET.template;
        assert_eq!(built(bucket, "my.bucket").as_deref(), Some("arn:aws-us-gov:s3:::my.bucket"));
        assert_eq!(built(KEY, "1234").as_deref(), Some("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/1234"));
        assert_eq!(built(KEY, "alias/x"), None);
        assert_eq!(built("", "x"), None);
        assert_eq!(
            built("", "arn:aws:kms:us-east-1:444455556666:key/x").as_deref(),
            Some("arn:aws:kms:us-east-1:444455556666:key/x")
        );
        assert_eq!(
            built(QUEUE, "https://sqs.eu-west-1.amazonaws.com/444455556666/q").as_deref(),
            Some("arn:aws:sqs:eu-west-1:444455556666:q")
        );
        assert_eq!(
            built(FUNCTION, "444455556666:function:f").as_deref(),
            Some("arn:aws-us-gov:lambda:us-gov-west-1:444455556666:function:f")
        );
        assert_eq!(build_arn(&Asked::default(), KEY, "1234", None), None);
    }

    #[test]
    fn endpoints_lead_to_services() {
        let service = |name| endpoint_service(name).1;
        assert_eq!(service("com.amazonaws.us-east-1.s3").as_deref(), Some("s3"));
        assert_eq!(service("com.amazonaws.us-east-1.ecr.api").as_deref(), Some("ecr"));
        assert_eq!(service("com.amazonaws.us-east-1.kms-fips").as_deref(), Some("kms"));
        assert_eq!(service("com.amazonaws.us-east-1.monitoring").as_deref(), Some("cloudwatch"));
        assert_eq!(service("cn.com.amazonaws.cn-north-1.sts").as_deref(), Some("sts"));
        assert_eq!(service("com.amazonaws.vpce.us-east-1.vpce-svc-0123"), None);
    }
}
