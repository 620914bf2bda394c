//! `--policies FILE`: a `policies` object of docs/case-format.md, or one policy document.

use crate::ending::Failure;
use crate::excerpt::{self, Drawing};
use crate::input::Input;
use crate::terminal;
use iamc_inventory::request::node::{FieldError, Node};
use iamc_lint::document_findings;
use iamc_policy::diagnostic::{Diagnostic, Severity};
use iamc_policy::document::{Policy, PolicyKind, Strictness};
use iamc_policy::request::{Request, RequestResource};
use iamc_policy::source::{LineIndex, Place, Span};
use iamc_policy::world::NamedPolicy;
use iamc_testkit::case::{CasePolicy, CaseText, Policies, ResourcePolicies, read_policies};
use std::path::Path;

/// The policies of a request with the texts they came from.
pub(crate) struct PoliciesFile {
    inputs: Vec<Input>,
    /// As the file gives them, session policies of the command line included.
    pub(crate) policies: Policies,
}

impl PoliciesFile {
    /// Reads the file; what stands in the documents is not looked at yet.
    ///
    /// A JSON object with a `Statement` is one policy document, which is then an identity policy named after the file.
    ///
    /// # Errors
    /// The file cannot be read, or is neither of the two; where it is wrong is drawn on standard error.
    pub(crate) fn read(path: &Path, session: &[impl AsRef<Path>]) -> Result<PoliciesFile, Failure> {
        let input = Input::read(path)?;
        let text = input.text()?;
        let place = Place { file: input.name.as_str().into(), line: 1 };
        let fields = Node::parse(text).and_then(|node| node.fields()).map_err(|error| refuse(&error, &input, text))?;
        let is_document = fields.iter().any(|(name, _)| name == "Statement");
        let mut policies = if is_document {
            Policies { identity: vec![document(&input, text)], ..Policies::default() }
        } else {
            let node = Node::parse(text).map_err(|error| refuse(&error, &input, text))?;
            read_policies(&node, &place).map_err(|error| refuse(&error, &input, text))?
        };
        let mut inputs = vec![input];
        for path in session {
            let input = Input::read(path.as_ref())?;
            policies.session.get_or_insert_default().push(document(&input, input.text()?));
            inputs.push(input);
        }
        Ok(PoliciesFile { inputs, policies })
    }

    /// Draws what is wrong with the documents: errors, and with `warnings` everything. True iff some document has no
    /// meaning, or its text is not known.
    pub(crate) fn check(&self, request: &Request, strictness: Strictness, warnings: bool) {
        for (kind, policy) in self.documents(request) {
            let (CaseText::Document(text) | CaseText::Text(text)) = &policy.text else { continue };
            let diagnostics = document_findings(kind, strictness, text);
            for diagnostic in diagnostics.iter().filter(|d| warnings || d.severity == Severity::Error) {
                self.draw(kind, policy, text, diagnostic);
            }
        }
    }

    /// Names of the policies whose text is not known.
    pub(crate) fn unknown(&self, request: &Request) -> Vec<String> {
        let unknown = self.documents(request).into_iter().filter(|(_, policy)| policy.text == CaseText::Unknown);
        unknown.map(|(kind, policy)| format!("{}/{}", kind.field(), policy.name)).collect()
    }

    /// Every policy with the kind that it is read as.
    fn documents(&self, request: &Request) -> Vec<(PolicyKind, &CasePolicy)> {
        let policies = &self.policies;
        let mut all: Vec<(PolicyKind, &CasePolicy)> = Vec::new();
        all.extend(policies.identity.iter().map(|policy| (PolicyKind::Identity, policy)));
        all.extend(policies.boundary.iter().flatten().map(|policy| (PolicyKind::Boundary, policy)));
        all.extend(policies.session.iter().flatten().map(|policy| (PolicyKind::Session, policy)));
        match &policies.resource {
            ResourcePolicies::None => {}
            ResourcePolicies::One(list) => {
                let arn = request.resources.first().map(|resource| match &resource.resource {
                    RequestResource::Arn(arn) => arn.as_str(),
                    RequestResource::Star => "",
                });
                all.extend(list.iter().map(|policy| (kind_of_policy_of(arn.unwrap_or("")), policy)));
            }
            ResourcePolicies::Several(lists) => {
                all.extend(lists.iter().flat_map(|(arn, list)| list.iter().map(|p| (kind_of_policy_of(arn), p))));
            }
        }
        all.extend(policies.vpc_endpoint.iter().flatten().map(|policy| (PolicyKind::Endpoint, policy)));
        all.extend(policies.scp.iter().flatten().flatten().map(|policy| (PolicyKind::Scp, policy)));
        all.extend(policies.rcp.iter().flatten().flatten().map(|policy| (PolicyKind::Rcp, policy)));
        all
    }

    /// Draws a finding in the file where the document stands as it is, else in the document.
    fn draw(&self, kind: PolicyKind, policy: &CasePolicy, text: &str, diagnostic: &Diagnostic) {
        let note = format!("in the policy `{}/{}`", kind.field(), policy.name);
        let drawing = stderr_drawing();
        let found = policy.place.as_ref().and_then(|place| {
            let source = self.inputs.iter().find(|input| input.name == *place.file)?.text().ok()?;
            let line_start = source.split_inclusive('\n').take(place.line as usize - 1).map(str::len).sum::<usize>();
            let offset = line_start + source.get(line_start..)?.find(text)?;
            Some((place, source, offset))
        });
        match found {
            Some((place, source, offset)) => {
                let span = Span::new(offset + diagnostic.span.start, offset + diagnostic.span.end);
                // Only the line is used for drawing; the column follows from the span.
                let position = (place.line.saturating_add(diagnostic.position.0 - 1), diagnostic.position.1);
                let moved = Diagnostic { span, position, ..diagnostic.clone() };
                terminal::say(&excerpt::draw(&moved, &place.file, source, Some(&note), drawing));
            }
            None => terminal::say(&excerpt::draw(diagnostic, &policy.name, text, Some(&note), drawing)),
        }
    }
}

/// The session policies of `--session-policy` for a request to an organization.
///
/// # Errors
/// A file cannot be read, or holds no valid policy (R-1.36: a policy in hand is refused); what is wrong is drawn.
pub(crate) fn read_session(paths: &[impl AsRef<Path>], strictness: Strictness) -> Result<Vec<NamedPolicy>, Failure> {
    let mut session = Vec::new();
    let mut n_invalid = 0;
    for path in paths {
        let input = Input::read(path.as_ref())?;
        let text = input.text()?;
        let CasePolicy { name, place, .. } = document(&input, text);
        for diagnostic in document_findings(PolicyKind::Session, strictness, text) {
            if diagnostic.severity == Severity::Error {
                terminal::say(&excerpt::draw(&diagnostic, &input.name, text, None, stderr_drawing()));
            }
        }
        match Policy::parse(PolicyKind::Session, strictness, text).policy {
            Some(policy) => session.push(NamedPolicy { place, verbatim: true, ..NamedPolicy::new(name, policy) }),
            None => n_invalid += 1,
        }
    }
    match n_invalid {
        0 => Ok(session),
        n => Err(Failure::Reported(format!("{n} of the session policies have no meaning"))),
    }
}

/// A file that is one policy document, named after the file without folder and extension.
fn document(input: &Input, text: &str) -> CasePolicy {
    let stem = Path::new(&input.name).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.filter(|stem| !stem.is_empty() && stem != "<stdin>").unwrap_or_else(|| "policy".to_owned());
    let place = Place { file: input.name.as_str().into(), line: 1 };
    CasePolicy { name, text: CaseText::Document(text.to_owned()), place: Some(place) }
}

/// The kind of the policy of a resource, by its ARN; it only chooses which findings are drawn.
fn kind_of_policy_of(arn: &str) -> PolicyKind {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next().unwrap_or(""), parts.nth(2).unwrap_or(""));
    match service {
        "iam" if resource.starts_with("role/") => PolicyKind::Trust,
        "kms" if resource.starts_with("key/") => PolicyKind::Key,
        _ => PolicyKind::Resource,
    }
}

/// Draws where a text is not what it should be.
fn refuse(error: &FieldError, input: &Input, text: &str) -> Failure {
    let (line, column) = error.position();
    let line_start = text.split_inclusive('\n').take(line as usize - 1).map(str::len).sum::<usize>();
    let start = (line_start + column as usize - 1).min(text.len());
    // Positions count from the first byte that is wrong; how far it reaches is not known.
    let end = text.get(start..).and_then(|rest| rest.chars().next()).map_or(start, |c| start + c.len_utf8());
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        code: "policies",
        rule: "R-1.1",
        message: error.to_string(),
        help: Some("write the `policies` object of a decision case, or one policy document".to_owned()),
        span: Span::new(start, end),
        position: LineIndex::new(text).position(start),
        invalidates: true,
    };
    terminal::say(&excerpt::draw(&diagnostic, &input.name, text, None, stderr_drawing()));
    Failure::Reported(format!("`{}` holds no policies", input.name))
}

/// How findings are drawn on standard error.
pub(crate) fn stderr_drawing() -> Drawing {
    if terminal::stderr_is_terminal() { Drawing::Boxes } else { Drawing::Ascii }
}
