//! `iamc decide`: one request, one decision; many requests are the affair of [`crate::bulk`].

use crate::args::{Decide, Format, Global};
use crate::ending::{Ending, Failure};
use crate::inventory::Tables;
use crate::organization::{self, Asker};
use crate::output::Output;
use crate::policies::PoliciesFile;
use crate::render::json::{AnswerJson, ErrorBody, ErrorJson, Id};
use crate::render::{human, json};
use crate::{bulk, policies, request_options, settings, terminal};
use iamc_inventory::request::{no_session_policies, takes_session_policies};
use iamc_policy::World;
use iamc_policy::decision::{Answer, Decision};
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, Request, ThroughEndpoint};
use iamc_testkit::build::{BuildError, build_policies};
use std::path::Path;

/// Decides the request of the command line, or those of `--requests`.
pub(crate) fn run(args: &Decide, global: &Global) -> Result<Ending, Failure> {
    let settings = settings::read(global)?;
    if let (Some(requests), Some(org)) = (&args.requests, &args.org) {
        let form = bulk::form(global)?;
        let set = organization::open(std::slice::from_ref(org), global)?;
        let mode = if args.closed { Mode::Closed } else { Mode::Open };
        return bulk::run(requests, &bulk::Engine { set: &set, mode }, form, args.explain, global);
    }
    if !matches!(global.format(), Format::Human | Format::Json | Format::Ndjson) {
        let name = global.format().name();
        let message = format!("a single decision has no format `{name}`; it has human, json and ndjson");
        return Err(Failure::Usage(message));
    }
    let strictness = if settings.strict { Strictness::Strict } else { Strictness::Lenient };
    let mut request = request_options::read(args, strictness)?;
    if !args.request.session_policy.is_empty() && !takes_session_policies(&request) {
        return Err(Failure::Usage(format!("`--session-policy`: {}", no_session_policies(&request))));
    }
    let mut output = Output::open(global.output.as_deref())?;
    let (set, request) = match (&args.policies, &args.org) {
        (Some(file), _) => match from_policies(file, args, request, global, settings)? {
            Ok((world, request)) => {
                let tables = Tables::read(global.catalogue.as_deref())?;
                (organization::compile_world(world, tables.get())?, request)
            }
            Err(invalid) => return refuse(&invalid, global, output),
        },
        (None, Some(org)) => {
            let session = policies::read_session(&args.request.session_policy, strictness)?;
            request.session = (!session.is_empty()).then_some(session);
            (organization::open(std::slice::from_ref(org), global)?, request)
        }
        (None, None) => return Err(Failure::Usage("name an organization, or give `--policies FILE`".to_owned())),
    };
    match Asker::new(&set).explain(&request) {
        Ok(answer) => {
            write(&request, &answer, args.explain, global, &mut output)?;
            match output.finish() {
                // Whoever reads no further than the first line still gets the exit code of the decision.
                Ok(()) | Err(Failure::Closed) => Ok(ending(answer.decision, global.strict)),
                Err(failure) => Err(failure),
            }
        }
        Err(error) => refuse(
            &Invalid { message: error.to_string(), field: Some(error.field.to_owned()), drawn: false },
            global,
            output,
        ),
    }
}

/// Why no decision is given: `Invalid` in a decision case.
struct Invalid {
    message: String,
    field: Option<String>,
    /// What is wrong has been drawn already.
    drawn: bool,
}

/// World and request of `--policies`: what the file lacks does not exist.
fn from_policies(
    file: &Path,
    args: &Decide,
    request: Request,
    global: &Global,
    settings: iamc_policy::Settings,
) -> Result<Result<(World, Request), Invalid>, Failure> {
    let mut file = PoliciesFile::read(file, &args.request.session_policy)?;
    if matches!(request.endpoint, ThroughEndpoint::Id(_)) {
        // An endpoint whose policy is not in the file has none, which is to say AWS's default of full access.
        file.policies.vpc_endpoint.get_or_insert_default();
    }
    let strictness = if settings.strict { Strictness::Strict } else { Strictness::Lenient };
    if !global.quiet {
        file.check(&request, strictness, global.verbose);
    }
    let unknown = file.unknown(&request);
    if global.strict && !global.assume_complete && !unknown.is_empty() {
        let message = format!("the text of {} is not known, which `--strict` does not allow", unknown.join(", "));
        return Err(Failure::Input(message));
    }
    Ok(match build_policies(&file.policies, None, request, &settings) {
        Ok(both) => Ok(both),
        Err(BuildError::Invalid(messages)) => {
            Err(Invalid { message: messages.join("; "), field: Some("policies".to_owned()), drawn: !global.quiet })
        }
        Err(BuildError::Misfit(message)) => Err(Invalid { message, field: Some("policies".to_owned()), drawn: false }),
    })
}

/// Says why no decision is given: to people on standard error, to programs in place of the decision.
fn refuse(invalid: &Invalid, global: &Global, mut output: Output) -> Result<Ending, Failure> {
    if invalid.drawn {
        terminal::error("there is no decision: some policy has no meaning");
    } else {
        terminal::error(&terminal::clean(&invalid.message));
    }
    if global.format() != Format::Human {
        let body = ErrorBody { message: &invalid.message, field: invalid.field.as_deref() };
        let error = ErrorJson { id: &Id::None, error: body };
        let text = if global.format() == Format::Json { json::pretty(&error) } else { json::line(&error) + "\n" };
        output.bytes(text.as_bytes())?;
        output.finish()?;
    }
    Ok(Ending::Invalid)
}

fn write(
    request: &Request,
    answer: &Answer,
    explain: bool,
    global: &Global,
    output: &mut Output,
) -> Result<(), Failure> {
    let written = match global.format() {
        Format::Json => output.bytes(json::pretty(&AnswerJson::new(&Id::None, answer)).as_bytes()),
        Format::Ndjson => output.bytes((json::line(&AnswerJson::new(&Id::None, answer)) + "\n").as_bytes()),
        _ => output.text(&human::answer(request, answer, explain)),
    };
    match written {
        Err(Failure::Closed) => Ok(()),
        other => other,
    }
}

/// The exit code of one decision.
fn ending(decision: Decision, strict: bool) -> Ending {
    match decision {
        Decision::Allow => Ending::Done,
        Decision::ExplicitDeny | Decision::ImplicitDeny => Ending::No,
        Decision::Conditional(_) if strict => Ending::No,
        Decision::Conditional(_) => Ending::Open,
    }
}
