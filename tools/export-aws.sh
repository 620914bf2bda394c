#!/usr/bin/env bash
# Exports an AWS account, or a whole organization, into a folder that iamc reads. See docs/collecting.md.
#
# It needs bash and the AWS command line, and nothing else. It only reads: every call is one of get-…, list-…, describe-…,
# but for sts assume-role where --role asks for it. Each output is written as
#   {"command": …, "account": …, "region": …, "arguments": {…}, "output": …}   or   "error": "…"
# so that "there is none" and "not allowed to look" stay apart. A run that was interrupted goes on where it stopped.

# No word that AWS answers is a pattern for names of files (-f).
set -u -f -o pipefail
export AWS_PAGER="" AWS_RETRY_MODE="${AWS_RETRY_MODE:-adaptive}" AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-10}"

usage() {
  cat <<'TEXT'
usage: export-aws.sh -o FOLDER [options]

  -o FOLDER           where to write; files that are there are kept and not fetched again
  --organization      export the organization too, and every active account of it
  --role NAME         role to assume in every other account than the one of the credentials
  --accounts "A B"    only these accounts
  --regions "R S"     only these Regions (default: those enabled in the account)
  --services "X Y"    only resources of these services (default: all below)
  --no-resources      identities and the organization only
  --key-use           ask for the last use of each access key (one call a key)
  -h, --help          this text
TEXT
}

ALL_SERVICES="s3 kms sqs sns secretsmanager lambda ecr dynamodb kinesis events backup efs opensearch accesspoints glue \
apigateway codeartifact codebuild logs acm-pca ses vpc-endpoints ram tags"
FOLDER="" ORGANIZATION="" ROLE="" ACCOUNTS="" REGIONS="" SERVICES="$ALL_SERVICES" RESOURCES=1 KEY_USE=""

while [ $# -gt 0 ]; do
  case "$1" in
    -o) FOLDER="${2:?-o needs a folder}"; shift 2 ;;
    --organization) ORGANIZATION=1; shift ;;
    --role) ROLE="${2:?--role needs a name}"; shift 2 ;;
    --accounts) ACCOUNTS="${2:?--accounts needs numbers}"; shift 2 ;;
    --regions) REGIONS="${2:?--regions needs names}"; shift 2 ;;
    --services) SERVICES="${2:?--services needs names}"; shift 2 ;;
    --no-resources) RESOURCES=""; shift ;;
    --key-use) KEY_USE=1; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "export-aws.sh: unexpected argument: $1" >&2; usage >&2; exit 2 ;;
  esac
done
[ -n "$FOLDER" ] || { usage >&2; exit 2; }
mkdir -p "$FOLDER" || exit 1
SCRATCH=$(mktemp -d) || exit 1
trap 'rm -rf "$SCRATCH"' EXIT

# The account and Region that are asked now; the file that is written now.
ACCOUNT="" REGION="" OUT="" PARTITION="aws"

say() { echo "$*" >&2; }

# json TEXT: the text as a JSON string.
json() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  text=${text//$'\r'/\\r}
  text=${text//$'\n'/\\n}
  printf '"%s"' "$text"
}

# Nothing but reading leaves this script.
read_only() {
  case "$2" in
    get-* | list-* | describe-*) ;;
    *) say "export-aws.sh: refusing to run aws $1 $2"; exit 70 ;;
  esac
}

# call SERVICE COMMAND [--argument value]…: appends the wrapped output, or the error, to $OUT.
call() {
  local service=$1 command=$2 arguments="" name="" first=1 word
  read_only "$service" "$command"
  shift 2
  for word in "$@"; do
    case "$word" in
      --*) name=${word#--} ;;
      *)
        [ -n "$first" ] || arguments+=", "
        arguments+="$(json "$name"): $(json "$word")"
        first=""
        ;;
    esac
  done
  local region=()
  [ -n "$REGION" ] && region=(--region "$REGION")
  if aws "$service" "$command" "$@" ${region[@]+"${region[@]}"} --output json >"$SCRATCH/out" 2>"$SCRATCH/err"; then
    word=output
  else
    word=error
  fi
  {
    printf '{"command": "%s %s", ' "$service" "$command"
    [ -n "$ACCOUNT" ] && printf '"account": "%s", ' "$ACCOUNT"
    [ -n "$REGION" ] && printf '"region": "%s", ' "$REGION"
    printf '"arguments": {%s}, ' "$arguments"
    if [ "$word" = error ]; then
      printf '"error": %s}\n' "$(json "$(tr -s '\n' ' ' <"$SCRATCH/err")")"
    elif [ -s "$SCRATCH/out" ]; then
      printf '"output": '
      cat "$SCRATCH/out"
      printf '}\n'
    else
      # Some commands print nothing where there is nothing to say.
      printf '"output": {}}\n'
    fi
  } >>"$OUT"
}

# names SERVICE COMMAND QUERY [arguments]: the texts that a listing gives, one a line. A listing that is refused is
# noted in the file as what it is.
names() {
  local service=$1 command=$2 query=$3
  read_only "$service" "$command"
  shift 3
  local region=()
  [ -n "$REGION" ] && region=(--region "$REGION")
  if aws "$service" "$command" "$@" ${region[@]+"${region[@]}"} --query "$query" --output text \
    >"$SCRATCH/names" 2>"$SCRATCH/err"; then
    tr '\t' '\n' <"$SCRATCH/names" | grep -v -e '^$' -e '^None$'
  else
    say "  aws $service $command: $(tr -s '\n' ' ' <"$SCRATCH/err")"
  fi
}

# into FILE FUNCTION [arguments]: runs the function with $OUT set, and names the file when all of it is there.
into() {
  local file=$FOLDER/$1
  shift
  [ -e "$file" ] && return
  mkdir -p "$(dirname "$file")"
  OUT=$SCRATCH/file
  : >"$OUT"
  "$@"
  # A file without a value would only be reported as empty.
  if [ -s "$OUT" ]; then mv "$OUT" "$file"; fi
}

# --- the organization ------------------------------------------------------------------------------------------------

organization() {
  call organizations describe-organization
  call organizations list-roots
  call organizations list-accounts
  local service kind policy root
  for service in iam.amazonaws.com organizations.amazonaws.com; do
    call organizations list-delegated-administrators --service-principal "$service"
  done
  call organizations describe-resource-policy
  for kind in SERVICE_CONTROL_POLICY RESOURCE_CONTROL_POLICY; do
    call organizations list-policies --filter "$kind"
    for policy in $(names organizations list-policies 'Policies[].Id' --filter "$kind"); do
      call organizations describe-policy --policy-id "$policy"
      call organizations list-targets-for-policy --policy-id "$policy"
    done
  done
  for root in $(names organizations list-roots 'Roots[].Id'); do below "$root"; done
}

below() {
  local unit
  call organizations list-accounts-for-parent --parent-id "$1"
  call organizations list-organizational-units-for-parent --parent-id "$1"
  for unit in $(names organizations list-organizational-units-for-parent 'OrganizationalUnits[].Id' --parent-id "$1"); do
    below "$unit"
  done
}

# --- an account ------------------------------------------------------------------------------------------------------

identities() {
  call sts get-caller-identity
  call iam get-account-authorization-details
  call iam list-open-id-connect-providers
  call iam list-saml-providers
  call iam list-instance-profiles
  call iam list-users
  [ -n "$KEY_USE" ] || return 0
  local user key
  for user in $(names iam list-users 'Users[].UserName'); do
    for key in $(names iam list-access-keys 'AccessKeyMetadata[].AccessKeyId' --user-name "$user"); do
      call iam get-access-key-last-used --access-key-id "$key"
    done
  done
}

buckets() {
  call s3api list-buckets
  call s3control get-public-access-block --account-id "$ACCOUNT"
  local bucket
  for bucket in $(names s3api list-buckets 'Buckets[].Name'); do
    call s3api get-bucket-policy --bucket "$bucket"
    call s3api get-bucket-tagging --bucket "$bucket"
    call s3api get-public-access-block --bucket "$bucket"
  done
}

# Resources of one service in the Region $REGION.
resources() {
  local one version
  case "$1" in
    kms)
      for one in $(names kms list-keys 'Keys[].KeyArn'); do
        call kms describe-key --key-id "$one"
        call kms get-key-policy --key-id "$one" --policy-name default
        call kms list-grants --key-id "$one"
        call kms list-resource-tags --key-id "$one"
      done
      ;;
    sqs)
      for one in $(names sqs list-queues 'QueueUrls[]'); do
        call sqs get-queue-attributes --queue-url "$one" --attribute-names All
        call sqs list-queue-tags --queue-url "$one"
      done
      ;;
    sns)
      for one in $(names sns list-topics 'Topics[].TopicArn'); do
        call sns get-topic-attributes --topic-arn "$one"
        call sns list-tags-for-resource --resource-arn "$one"
      done
      ;;
    secretsmanager)
      for one in $(names secretsmanager list-secrets 'SecretList[].ARN'); do
        call secretsmanager get-resource-policy --secret-id "$one"
        call secretsmanager describe-secret --secret-id "$one"
      done
      ;;
    lambda)
      for one in $(names lambda list-functions 'Functions[].FunctionArn'); do
        call lambda get-policy --function-name "$one"
        call lambda list-tags --resource "$one"
      done
      for one in $(names lambda list-layers 'Layers[].LayerArn'); do
        for version in $(names lambda list-layer-versions 'LayerVersions[].Version' --layer-name "$one"); do
          call lambda get-layer-version-policy --layer-name "$one" --version-number "$version"
        done
      done
      ;;
    ecr)
      for one in $(names ecr describe-repositories 'repositories[].repositoryName'); do
        call ecr get-repository-policy --repository-name "$one"
        call ecr list-tags-for-resource --resource-arn "arn:$PARTITION:ecr:$REGION:$ACCOUNT:repository/$one"
      done
      ;;
    dynamodb)
      for one in $(names dynamodb list-tables 'TableNames[]'); do
        one="arn:$PARTITION:dynamodb:$REGION:$ACCOUNT:table/$one"
        call dynamodb get-resource-policy --resource-arn "$one"
        call dynamodb list-tags-of-resource --resource-arn "$one"
      done
      ;;
    kinesis)
      for one in $(names kinesis list-streams 'StreamSummaries[].StreamARN'); do
        call kinesis get-resource-policy --resource-arn "$one"
      done
      ;;
    events)
      for one in $(names events list-event-buses 'EventBuses[].Name'); do call events describe-event-bus --name "$one"; done
      ;;
    backup)
      for one in $(names backup list-backup-vaults 'BackupVaultList[].BackupVaultName'); do
        call backup get-backup-vault-access-policy --backup-vault-name "$one"
      done
      ;;
    efs)
      for one in $(names efs describe-file-systems 'FileSystems[].FileSystemId'); do
        call efs describe-file-system-policy --file-system-id "$one"
      done
      ;;
    opensearch)
      for one in $(names opensearch list-domain-names 'DomainNames[].DomainName'); do
        call opensearch describe-domain --domain-name "$one"
      done
      ;;
    accesspoints)
      for one in $(names s3control list-access-points 'AccessPointList[].Name' --account-id "$ACCOUNT"); do
        call s3control get-access-point-policy --account-id "$ACCOUNT" --name "$one"
      done
      ;;
    glue) call glue get-resource-policy ;;
    apigateway) call apigateway get-rest-apis ;;
    codeartifact)
      for one in $(names codeartifact list-domains 'domains[].name'); do
        call codeartifact get-domain-permissions-policy --domain "$one"
      done
      ;;
    codebuild)
      for one in $(names codebuild list-projects 'projects[]'); do
        call codebuild get-resource-policy --resource-arn "arn:$PARTITION:codebuild:$REGION:$ACCOUNT:project/$one"
      done
      ;;
    logs) call logs describe-destinations ;;
    acm-pca)
      for one in $(names acm-pca list-certificate-authorities 'CertificateAuthorities[].Arn'); do
        call acm-pca get-policy --resource-arn "$one"
      done
      ;;
    ses)
      for one in $(names sesv2 list-email-identities 'EmailIdentities[].IdentityName'); do
        call sesv2 get-email-identity-policies --email-identity "$one"
      done
      ;;
    vpc-endpoints) call ec2 describe-vpc-endpoints ;;
    ram)
      call ram get-resource-shares --resource-owner SELF
      call ram get-resource-share-associations --association-type PRINCIPAL
      call ram list-resources --resource-owner SELF
      for one in $(names ram list-resources 'resources[].arn' --resource-owner SELF); do
        call ram get-resource-policies --resource-arns "$one"
      done
      ;;
    tags) call resourcegroupstaggingapi get-resources ;;
    *) say "export-aws.sh: no such service: $1"; exit 2 ;;
  esac
}

account() {
  ACCOUNT=$1 REGION=""
  say "account $ACCOUNT"
  into "accounts/$ACCOUNT/identities.json" identities
  [ -n "$RESOURCES" ] || return 0
  local regions=$REGIONS region service
  [ -n "$regions" ] || regions=$(names ec2 describe-regions 'Regions[].RegionName' --region "${AWS_REGION:-us-east-1}")
  case " $SERVICES " in *" s3 "*) into "accounts/$ACCOUNT/s3.json" buckets ;; esac
  for region in $regions; do
    REGION=$region
    for service in $SERVICES; do
      [ "$service" = s3 ] || into "accounts/$ACCOUNT/$region/$service.json" resources "$service"
    done
  done
  REGION=""
}

# assume ACCOUNT: runs the rest of the function it is called in with the role's credentials; in a subshell.
assume() {
  local session
  session=$(aws sts assume-role --role-arn "arn:$PARTITION:iam::$1:role/$ROLE" --role-session-name iamc-export \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text 2>"$SCRATCH/err") || {
    say "  cannot assume $ROLE in $1: $(tr -s '\n' ' ' <"$SCRATCH/err")"
    return 1
  }
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN <<<"$session"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
}

own_arn=$(aws sts get-caller-identity --query Arn --output text) || exit 1
PARTITION=$(cut -d: -f2 <<<"$own_arn")
OWN=$(cut -d: -f5 <<<"$own_arn")
if [ -n "$ORGANIZATION" ]; then
  ACCOUNT=$OWN
  say "organization"
  into organization.json organization
  [ -n "$ACCOUNTS" ] || ACCOUNTS=$(names organizations list-accounts 'Accounts[?Status==`ACTIVE`].Id')
fi
[ -n "$ACCOUNTS" ] || ACCOUNTS=$OWN
failed=0
for id in $ACCOUNTS; do
  if [ "$id" = "$OWN" ]; then
    account "$id"
  elif [ -n "$ROLE" ]; then
    (assume "$id" && account "$id") || failed=$((failed + 1))
  else
    say "account $id: skipped, --role says which role to assume there"
    failed=$((failed + 1))
  fi
done
[ "$failed" = 0 ] || say "$failed accounts were not exported; iamc will say what that leaves open"
say "done: $FOLDER"
