//! `Resource` and `NotResource`.

use super::findings::Grade;
use super::{Elements, Reader, is_empty_list, opening};
use crate::document::{PolicyKind, ResourceElement};
use crate::json::{Node, shown};
use crate::template::{Piece, Template};
use std::borrow::Cow;
use std::fmt;

impl Reader {
    pub(super) fn resource_element(&mut self, statement: Node<'_>, elements: &Elements<'_>) -> Option<ResourceElement> {
        use PolicyKind::{Key, Resource, Trust};
        let Some((negated, entry)) = self.either(elements, "Resource", "NotResource") else {
            if !matches!(self.kind, Trust | Key | Resource) {
                let message = "the statement has neither `Resource` nor `NotResource`";
                let help = "write `\"Resource\": \"*\"` for every resource, or the ARNs";
                self.report(Grade::Invalid, ("element-missing", "R-1.13"), opening(statement), message, help);
            }
            return None;
        };
        if self.kind == Trust {
            // Kept in the policy, so that printing it loses nothing; engines ignore it, as the resource is the role.
            let message = format!("`{}` is not allowed in a trust policy", entry.key);
            let help = "remove it: the resource is the role that carries the policy";
            self.report(Grade::Tolerated, ("element-not-allowed", "R-1.13"), entry.key_span, message, help);
        }
        let strings = self.strings("R-1.13", &entry.key, entry.value);
        let span = entry.value.span();
        if is_empty_list(entry.value) {
            let (grade, message) = if negated {
                // Section 1 is silent on this one; by nothing is excluded.
                (Grade::Tolerated, "`NotResource` is an empty list, so every resource is meant")
            } else {
                (Grade::Warning, "`Resource` is an empty list, so the statement matches nothing")
            };
            self.report(grade, ("empty-list", "R-1.13"), span, message, "name the resources");
        }
        let mut patterns = Vec::with_capacity(strings.len());
        for (node, text) in strings {
            patterns.push(self.resource(node, text));
        }
        Some(ResourceElement { negated, patterns, span })
    }

    fn resource(&mut self, node: Node<'_>, text: Cow<'_, str>) -> Template {
        let template = self.template(node, text);
        let text = template.text();
        // Nearly all resources are in order: no text is made for them.
        let quoted = Shown(text);
        let span = node.span();
        if template.fault().is_some() || (!text.is_empty() && text.bytes().all(|b| b == b'*')) {
            return template;
        }
        if !text.starts_with("arn:") {
            if self.kind == PolicyKind::Resource && text.starts_with("execute-api:/") {
                return template;
            }
            let message = format!("resource `{quoted}` is neither `*` nor an ARN");
            self.report(Grade::Unmatched, ("resource-form", "R-2.17"), span, message, arn_help(text));
            return template;
        }
        let (segments, n_segments) = segments(&template);
        if n_segments < 6 {
            self.partial_arn(node, &template, n_segments);
            return template;
        }
        let service = &segments[2];
        if segments[..5].iter().any(|segment| segment.has_variable) {
            let message = format!("a policy variable stands before the fifth colon of `{quoted}`");
            let help = "AWS documents variables for the last component only";
            self.report(Grade::Warning, ("arn-variable", "R-3.5"), span, message, help);
        }
        if service.text.contains(['*', '?']) {
            let message = format!("the service of `{quoted}` holds a wildcard");
            let help = "name the service: the pattern may cover services that nobody thought of";
            self.report(Grade::Warning, ("arn-wildcard", "R-2.18"), span, message, help);
        }
        if segments[5].text.is_empty() && !segments[5].has_variable {
            let message = format!("`{quoted}` has nothing behind its fifth colon");
            let help = format!("write `{quoted}NAME`, or `{quoted}*` for all of them");
            self.report(Grade::Warning, ("arn-empty", "R-2.11"), span, message, help);
        } else if let Some((word, _)) = segments[5].text.split_once(['/', ':']) {
            // In S3 and API Gateway the slash belongs to names, and there are no words for types.
            let typeless = matches!(&*service.text, "s3" | "s3express" | "execute-api" | "apigateway" | "sns");
            if !typeless && word.len() > 1 && word.contains(['*', '?']) {
                let message = format!("the resource type in `{quoted}` holds a wildcard");
                let help = "AWS documents wildcards behind the type only";
                self.report(Grade::Warning, ("arn-wildcard", "R-2.18"), span, message, help);
            }
        }
        template
    }

    ///
    fn partial_arn(&mut self, node: Node<'_>, template: &Template, n_segments: usize) {
        use PolicyKind::{Boundary, Endpoint, Identity, Key, Rcp, Resource, Scp, Session, Trust};
        let wildcards = template.pieces().any(|piece| matches!(piece, Piece::Literal(t) if t.contains(['*', '?'])));
        let ends_in_star = matches!(template.pieces().last(), Some(Piece::Literal(t)) if t.ends_with('*'));
        let (grade, so) = match self.kind {
            Identity | Boundary | Session | Trust => (Grade::Warning, "the rest counts as `*`"),
            Resource | Key | Endpoint if wildcards => (Grade::Warning, "the rest counts as `*`"),
            Resource | Key | Endpoint => (Grade::Dead, "it matches nothing"),
            Scp if ends_in_star => (Grade::Warning, "the rest counts as `*`"),
            Scp => (Grade::Invalid, "in an scp it must end in `*`"),
            Rcp => (Grade::Invalid, "an rcp takes whole ARNs only"),
        };
        let text = template.text();
        let message = format!("`{}` has {n_segments} of the six components of an ARN; {so}", shown(text));
        self.report(grade, ("partial-arn", "R-2.16"), node.span(), message, arn_help(text));
    }

    /// A text in a place that supports variables, if the policy's version does.
    pub(super) fn template(&mut self, node: Node<'_>, text: Cow<'_, str>) -> Template {
        if !self.variables {
            if text.contains("${") {
                let message = format!("policy variables do not work here: `{}`", shown(&text));
                let help = "write `\"Version\": \"2012-10-17\"`; without it `${` is plain text";
                self.report(Grade::Warning, ("variables-off", "R-1.5"), node.span(), message, help);
            }
            return Template::literal(text);
        }
        let template = Template::with_variables(text);
        if let Some(fault) = template.fault() {
            let message = format!("malformed policy variable: {}", shown(fault));
            let help = "write `${key}`, or `${key, 'default'}` with exactly one space";
            self.report(Grade::Unmatched, ("variable-form", "R-3.3"), node.span(), message, help);
        }
        template
    }
}

/// One segment of an ARN pattern, variables and escapes left out of its text.
#[derive(Debug, Default)]
struct Segment<'t> {
    text: Cow<'t, str>,
    has_variable: bool,
}

/// At most six segments and their number, divided at the first five colons that stand outside variables.
fn segments(template: &Template) -> ([Segment<'_>; 6], usize) {
    let mut segments: [Segment<'_>; 6] = Default::default();
    let mut last = 0;
    for piece in template.pieces() {
        match piece {
            Piece::Literal(text) => {
                for (i, part) in text.splitn(6 - last, ':').enumerate() {
                    last += usize::from(i > 0);
                    segments[last].text += part;
                }
            }
            Piece::Variable(_) => segments[last].has_variable = true,
            Piece::Escape(_) => {}
        }
    }
    (segments, last + 1)
}

/// [`shown`], when it is asked for.
struct Shown<'t>(&'t str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.0))
    }
}

fn arn_help(text: &str) -> String {
    // `arn:aws:s3:bucket/*`: the colons of the empty Region and account were left out.
    match text.splitn(6, ':').collect::<Vec<_>>().as_slice() {
        ["arn", partition, "s3", name] | ["arn", partition, "s3", "", name] if !name.is_empty() => {
            shown(&format!("write `arn:{partition}:s3:::{name}`")).replace('…', "…`")
        }
        [name] if !name.is_empty() && !name.starts_with('<') && !name.contains("${") && name.contains('/') => {
            "write an ARN, for example `arn:aws:s3:::BUCKET/*`".to_owned()
        }
        _ => "write `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, with all five colons".to_owned(),
    }
}
