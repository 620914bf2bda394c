//! The command lines of questions.

use crate::args::{EndpointTypeArg, RequestOptions, TruthArg};
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// Who can do this? Every user and role that can, or may, with the statements that let it.
///
/// Asked of everybody at once: with each action on each resource. Roles are asked about as sessions whose name is not
/// known. Beside users and roles the answer names root users, and whoever the resource's policy lets in from outside:
/// everyone, accounts, services, providers.
///
/// Open by default: a condition key that nobody mentioned is unknown, and whoever depends on one *can if* it is right.
/// `--closed` takes what is not given for absent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Who may read the object, from anywhere?
  iamc who-can acme --action s3:GetObject --resource arn:aws:s3:::reports/q1.csv

  # In one account, from a known address, over TLS
  iamc who-can acme.iamc --action s3:GetObject --resource arn:aws:s3:::reports/q1.csv \\
      --account 111122223333 --context aws:SourceIp=203.0.113.7 --context aws:SecureTransport=true

  # Every way to decrypt with two keys, as CSV
  iamc who-can acme.iamc --action 'kms:*Decrypt*' --resource KEY1 --resource KEY2 --format csv

  # How many?
  iamc who-can acme.iamc --action iam:CreateUser --resource '*' --count

Columns of csv, ndjson and parquet:
  action, resource, kind (user, role, root, everyone, account, principal, service, provider), principal,
  answer (`can` or `can_if`), depends_on (condition keys and what else is not known), statements (what lets it in)")]
pub(crate) struct WhoCan {
    /// The organization: an inventory, as a folder or a file, or a compiled image
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,

    /// The action, such as `s3:GetObject`; with wildcards, every action of the catalogue that it covers; repeatable
    #[arg(long, value_name = "A", required = true)]
    pub(crate) action: Vec<String>,

    /// An ARN, or `*` for actions without resource; repeated: each is asked about by itself
    #[arg(long, value_name = "R", required = true)]
    pub(crate) resource: Vec<String>,

    /// Only principals of this account; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) account: Vec<String>,

    /// How many principals to list for each action and resource, 0 for all [default: 50 for people, else all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,

    /// Leave out statements and keys: much quicker where very many can
    #[arg(long)]
    pub(crate) brief: bool,

    /// Only count
    #[arg(long)]
    pub(crate) count: bool,

    #[command(flatten)]
    pub(crate) request: QuestionOptions,

    /// Take condition keys that are not given for absent
    #[arg(long)]
    pub(crate) closed: bool,
}

/// What can this principal do? Its identity policies within the limits of boundary, session policies and SCPs, as grants.
///
/// A grant is a set of actions with resources and conditions; *only if* names what else has to allow, *unless* what must not
/// deny. Statements that settle themselves are folded away, and so are conditions that the principal decides. Policies of
/// resources are not looked at: within the account they may grant more, and across accounts they have to grant as well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc what-can acme --principal arn:aws:iam::111122223333:role/App
  # Only what writes to one bucket
  iamc what-can acme.iamc --principal arn:aws:iam::111122223333:user/ana \\
      --action 's3:Put*' --action 's3:Delete*' --resource 'arn:aws:s3:::reports*'
  iamc what-can acme.iamc --principal arn:aws:iam::111122223333:role/App --format json | jq '.grants[].actions'")]
pub(crate) struct WhatCan {
    /// The organization: an inventory, as a folder or a file, or a compiled image
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,

    /// A user or role, by ARN; a session stands for its role
    #[arg(long, value_name = "P")]
    pub(crate) principal: String,

    /// Only these actions, such as `s3:Get*`; repeatable
    #[arg(long, value_name = "PATTERN")]
    pub(crate) action: Vec<String>,

    /// Only grants whose resources have something in common with this pattern
    #[arg(long, value_name = "PATTERN")]
    pub(crate) resource: Option<String>,
}

/// Many principals, actions and resources at once: how many can, or every cell.
///
/// Each action is asked about on each resource, for every user and role or those that are asked for. The answer counts who
/// can, can if something that is not known is right, and cannot; `--cells` writes the decision of every principal about every
/// pair instead, as many rows as there are. Roles are asked about as sessions whose name is not known.
///
/// Open by default: a condition key that nobody mentioned is unknown, and whoever depends on one *can if* it is right.
/// `--closed` takes what is not given for absent.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # How many can do what with a bucket and what is in it?
  iamc matrix acme --action 's3:*' --resource arn:aws:s3:::reports --resource arn:aws:s3:::reports/q1.csv

  # The roles of one account on every key of the inventory, from a known address, as CSV
  iamc matrix acme.iamc --principal 'arn:aws:iam::111122223333:role/*' --action kms:Decrypt --action kms:Encrypt \\
      --resource 'arn:aws:kms:*:key/*' --context aws:SourceIp=203.0.113.7 --format csv

  # Every cell as Parquet; only those that can or can if
  iamc matrix acme.iamc --action 's3:Get*' --resource 'arn:aws:s3:::*' --cells -o cells.parquet
  iamc matrix acme.iamc --action 'iam:*' --resource '*' --cells --possible -o cells.parquet

Columns of csv, ndjson and parquet:
  counts: action, resource, can, can_if, cannot, refused (cannot ask at all), error (why nobody can ask)
  cells:  action, resource, principal, answer (`can`, `can_if`, `cannot`; empty: cannot ask), decision")]
pub(crate) struct Matrix {
    /// The organization: an inventory, as a folder or a file, or a compiled image
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,

    /// Only this user or role, by ARN; with wildcards, everybody whose ARN it matches; repeatable
    #[arg(long, value_name = "P")]
    pub(crate) principal: Vec<String>,

    /// Only principals of this account; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) account: Vec<String>,

    /// An action, such as `s3:GetObject`; with wildcards, every action of the catalogue that it covers; repeatable
    #[arg(long, value_name = "A", required = true)]
    pub(crate) action: Vec<String>,

    /// An ARN, or `*` for actions without resource; with wildcards, every resource, user and role of the
    /// inventory whose ARN it matches; repeatable
    #[arg(long, value_name = "R", required = true)]
    pub(crate) resource: Vec<String>,

    /// Write every cell: the decision of each principal about each action on each resource
    #[arg(long)]
    pub(crate) cells: bool,

    /// Of the cells, only those that can, or can if
    #[arg(long, requires = "cells")]
    pub(crate) possible: bool,

    #[command(flatten)]
    pub(crate) request: QuestionOptions,

    /// Take condition keys that are not given for absent
    #[arg(long)]
    pub(crate) closed: bool,
}

/// What else can be said about a request whose principal is left open.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Request")]
pub(crate) struct QuestionOptions {
    /// The account that owns the resources, where their ARNs do not say it
    #[arg(long, value_name = "ID")]
    resource_account: Option<String>,

    /// A condition key with its value; repeated for one key: a multi-valued key
    #[arg(long, value_name = "K=V")]
    context: Vec<String>,

    /// A condition key that is present with a value that is not known
    #[arg(long, value_name = "K")]
    present: Vec<String>,

    /// A condition key of which nothing is known
    #[arg(long, value_name = "K")]
    unknown: Vec<String>,

    /// A condition key that is not present
    #[arg(long, value_name = "K")]
    absent: Vec<String>,

    /// The VPC endpoint through which the request passes
    #[arg(long, value_name = "ID")]
    vpc_endpoint: Option<String>,

    /// The type of that endpoint
    #[arg(long, value_enum, value_name = "TYPE")]
    vpc_endpoint_type: Option<EndpointTypeArg>,

    /// A tag of the resource
    #[arg(long, value_name = "K=V")]
    resource_tag: Vec<String>,

    /// Whether S3 Block Public Access restricts the bucket (RestrictPublicBuckets)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    s3_block_public_access: Option<bool>,

    /// Whether an S3 ACL allows the request
    #[arg(long, value_enum, value_name = "VALUE")]
    acl_allows: Option<TruthArg>,

    /// A KMS grant: {"grantee" or "retiring": ARN, "operations": […], "holds": true}; repeatable
    #[arg(long, value_name = "JSON")]
    kms_grant: Vec<String>,

    /// The account that a canonical user id stands for; repeatable
    #[arg(long, value_name = "ID=ACCOUNT")]
    canonical_user: Vec<String>,

    /// A delegated administrator for IAM or Organizations; repeatable
    #[arg(long, value_name = "ACCOUNT")]
    delegated_administrator: Vec<String>,
}

impl QuestionOptions {
    /// The same as options of one request.
    pub(crate) fn for_request(&self) -> RequestOptions {
        RequestOptions {
            resource_account: self.resource_account.clone(),
            context: self.context.clone(),
            present: self.present.clone(),
            unknown: self.unknown.clone(),
            absent: self.absent.clone(),
            vpc_endpoint: self.vpc_endpoint.clone(),
            vpc_endpoint_type: self.vpc_endpoint_type,
            resource_tag: self.resource_tag.clone(),
            s3_block_public_access: self.s3_block_public_access,
            acl_allows: self.acl_allows,
            kms_grant: self.kms_grant.clone(),
            canonical_user: self.canonical_user.clone(),
            delegated_administrator: self.delegated_administrator.clone(),
            ..RequestOptions::default()
        }
    }
}
