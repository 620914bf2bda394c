//! One file -> [`Fact`]s: what is in it is recognised by its content, with the names of its folders as a hint.

use crate::aws::{Asked, Reader, commands, details, kebab, organization, resources, shares};
use crate::collect::{self, Member, Spot};
use crate::config;
use crate::documents::{Documents, Notes};
use crate::error::{InputError, shorten};
use crate::fact::{Fact, Origin};
use crate::input::plain_name;
use crate::json::{Fields, Node, Source};
use crate::lines::LineReader;
use crate::report::{Skipped, Skips};
use iamc_policy::ids::AccountId;
use iamc_policy::source::{LineIndex, Place};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one file said.
pub(crate) struct FileFacts {
    pub(crate) n_bytes: u64,
    pub(crate) facts: Vec<Fact>,
    pub(crate) notes: Notes,
    pub(crate) skipped: Vec<Skipped>,
    /// How many values of each kind of input were read.
    pub(crate) inputs: BTreeMap<&'static str, usize>,
}

impl FileFacts {
    /// A file that could not be read.
    pub(crate) fn unreadable(error: InputError) -> FileFacts {
        let mut notes = Notes::default();
        notes.mistakes.push(error);
        FileFacts { n_bytes: 0, facts: Vec::new(), notes, skipped: Vec::new(), inputs: BTreeMap::new() }
    }
}

/// Reads a file of any kind that we know.
pub(crate) fn read(file: &Arc<str>, bytes: &[u8], documents: &Documents) -> FileFacts {
    let mut notes = Notes::default();
    let reader = Reader { documents, notes: &mut notes, facts: Vec::new(), skipped: Skips::default() };
    let mut dispatch = Dispatch { reader, hint: hint(file), named: None, inputs: BTreeMap::new() };
    match decode(file, bytes) {
        Ok(text) => dispatch.text(file, &text),
        Err(why) => dispatch.reader.notes.mistakes.push(why),
    }
    let Dispatch { reader, inputs, .. } = dispatch;
    let Reader { mut facts, skipped, .. } = reader;
    // They are held until the last file is read.
    facts.shrink_to_fit();
    FileFacts { n_bytes: bytes.len() as u64, facts, notes, skipped: skipped.into_listed(), inputs }
}

/// Reads files of a store of iam-collect that belong together.
pub(crate) fn read_store(spot: &Spot, files: &[(Arc<str>, Cow<'_, [u8]>)], documents: &Documents) -> FileFacts {
    let mut notes = Notes::default();
    let mut reader = Reader { documents, notes: &mut notes, facts: Vec::new(), skipped: Skips::default() };
    let mut texts = Vec::with_capacity(files.len());
    for (file, bytes) in files {
        match decode(file, bytes) {
            Ok(text) => texts.push((file, text)),
            Err(why) => reader.notes.mistakes.push(why),
        }
    }
    let stem = |name: &'_ str| -> usize { plain_name(name).strip_suffix(".json").unwrap_or(name).len() };
    let members: Vec<Member<'_>> = texts
        .iter()
        .map(|(file, text)| {
            let path = &file[..stem(file)];
            Member { stem: path.rsplit('/').next().unwrap_or(path), file: (*file).clone(), text }
        })
        .collect();
    let read = collect::read(&mut reader, spot, &members);
    let inputs = read.map(|name| (name, 1)).into_iter().collect();
    let Reader { mut facts, skipped, .. } = reader;
    // They are held until the last file is read.
    facts.shrink_to_fit();
    let n_bytes = files.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    FileFacts { n_bytes, facts, notes, skipped: skipped.into_listed(), inputs }
}

/// UTF-8, or the UTF-16 that some shells write when output is redirected; without its byte order mark.
fn decode<'b>(file: &Arc<str>, bytes: &'b [u8]) -> Result<Cow<'b, str>, InputError> {
    let fail = |(line, column): (u32, u32), message: &str| InputError {
        file: file.clone(),
        line,
        column,
        message: message.into(),
        help: Some("save the file as UTF-8".into()),
    };
    let units = |from: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks(2).map(|pair| from([pair[0], pair.get(1).copied().unwrap_or(0)]));
        char::decode_utf16(pairs).collect::<Result<String, _>>()
    };
    let wide = match bytes {
        [0xff, 0xfe, ..] => Some(units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(units(u16::from_be_bytes)),
        _ => None,
    };
    if let Some(text) = wide {
        return text.map(Cow::Owned).map_err(|_| fail((1, 1), "not valid UTF-16"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text))),
        Err(error) => {
            // What comes before the fault is valid, so that its lines can be counted.
            let before = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or("");
            if looks_like_json(file, before) {
                Err(fail(LineIndex::new(before).position(before.len()), "not valid UTF-8"))
            } else {
                // Neither text nor JSON: an image, an archive. It is skipped like any other file we do not know.
                Ok(Cow::Borrowed(""))
            }
        }
    }
}

const LINE_EXTENSIONS: &[&str] = &["jsonl", "ndjson"];

fn extension(file: &str) -> &str {
    let file = plain_name(file);
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn looks_like_json(file: &str, text: &str) -> bool {
    let named = extension(file) == "json" || LINE_EXTENSIONS.contains(&extension(file));
    named || text.trim_start().starts_with(['{', '['])
}

fn is_account(text: &str) -> Option<AccountId> {
    text.parse().ok()
}

/// Every command that has a reader, with its service.
fn all_commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    let organizations = organization::COMMANDS.iter().map(|command| ("organizations", *command));
    let iam = [("iam", "get-account-authorization-details"), ("iam", "get-policy-version")];
    let config = config::COMMANDS.iter().map(|command| ("configservice", *command));
    let ram = shares::COMMANDS.iter().map(|command| ("ram", *command));
    organizations.chain(iam).chain(config).chain(ram).chain(commands::commands())
}

/// Fills in the service where the command alone says it.
fn complete(service: &str, command: &str) -> Option<(String, String)> {
    let mut known = all_commands().filter(|(s, c)| *c == command && (service.is_empty() || *s == service));
    let (service, command) = known.next()?;
    // Two services have a command of this name, and nothing says which of them was asked.
    if known.next().is_some() { None } else { Some((service.to_owned(), command.to_owned())) }
}

/// What the path of a file says: `…/SERVICE/COMMAND/ID.json`, `…/COMMAND.json`, folders named after accounts.
fn hint(file: &str) -> Asked<'static> {
    let mut asked = Asked::default();
    let parts: Vec<&str> = plain_name(file).split('/').collect();
    let Some((name, folders)) = parts.split_last() else { return asked };
    let stem = name.rsplit_once('.').map_or(*name, |(stem, _)| stem);
    let folder = |up: usize| folders.len().checked_sub(up).and_then(|at| folders.get(at)).copied().unwrap_or("");
    let known = |service: &str, command: &str| complete(service, command).or_else(|| complete("", command));
    let first = stem.split('.').next().unwrap_or(stem);
    if let Some((service, command)) = known(folder(2), folder(1)) {
        (asked.service, asked.command, asked.id) = (service, command, Some(stem.to_owned()));
    } else if let Some((service, command)) = known(folder(1), first) {
        (asked.service, asked.command) = (service, command);
    }
    asked.account = folders.iter().rev().find_map(|folder| is_account(folder));
    asked.file_account =
        stem.get(..12).filter(|_| !stem[12..].starts_with(|c: char| c.is_ascii_digit())).and_then(is_account);
    asked
}

struct Dispatch<'r> {
    reader: Reader<'r>,
    hint: Asked<'static>,
    /// The account that the last wrapper named.
    named: Option<AccountId>,
    inputs: BTreeMap<&'static str, usize>,
}

impl Dispatch<'_> {
    fn text(&mut self, file: &Arc<str>, text: &str) {
        let source = Source::new(file.clone(), text, (1, 1));
        if text.trim().is_empty() || !looks_like_json(file, text) && !starts_with_comment(text) {
            let why = if text.trim().is_empty() { "empty, or no text" } else { "not JSON" };
            self.reader.skipped.push(Skipped { place: Place { file: file.clone(), line: 1 }, why: why.into() });
            return;
        }
        if LINE_EXTENSIONS.contains(&extension(file)) || starts_with_comment(text) {
            return self.lines(&source, text);
        }
        let (nodes, error) = source.parse_stream(text);
        match error {
            // One damaged line must not hide the mistakes of the others.
            Some(_) if is_lines(&source, text) => return self.lines(&source, text),
            Some(error) => self.reader.notes.mistakes.push(error),
            None => {}
        }
        nodes.into_iter().for_each(|node| self.value(node));
    }

    fn lines<'s>(&mut self, source: &'s Source<'s>, text: &'s str) {
        for line in crate::lines_of(text) {
            match source.parse(line) {
                Ok(node) => self.value(node),
                Err(error) => self.reader.notes.mistakes.push(error),
            }
        }
    }

    fn count(&mut self, input: &'static str) {
        *self.inputs.entry(input).or_default() += 1;
    }

    /// A value of a file, or of the list that a file is.
    fn value(&mut self, node: Node<'_>) {
        if node.is_list() {
            // A bundle: one list of outputs. Lists in it are nothing we know.
            for item in node.list(self.reader.mistakes()).unwrap_or_default() {
                if item.is_object() {
                    self.object(item);
                } else {
                    self.reader.skip(item, format!("{} in a list is nothing we know", item.type_name()));
                }
            }
        } else if node.is_object() {
            self.object(node);
        } else {
            self.reader.skip(node, format!("{} is nothing we know", node.type_name()));
        }
    }

    fn object(&mut self, node: Node<'_>) {
        let Some(mut fields) = node.fields(self.reader.mistakes()) else { return };
        if fields.get("kind").is_some_and(Node::is_string) {
            self.count("iamc inventory lines");
            let documents = self.reader.documents;
            let item = LineReader { documents, notes: self.reader.notes }.item(node);
            self.reader.facts.extend(item.map(Fact::Item));
        } else if fields.get("command").is_some() {
            self.wrapper(&mut fields);
        } else if config::recognises(&fields) {
            config::read(&mut self.reader, &fields, &self.hint);
            self.count("AWS Config files");
        } else {
            let asked = self.hint.clone();
            self.output(&mut fields, &asked);
        }
    }

    /// `{"command": …, "arguments": {…}, "account": …, "region": …, "output": {…} or "error": …}`.
    fn wrapper(&mut self, f: &mut Fields<'_>) {
        let node = f.node;
        let mut asked = Asked { account: self.hint.account, file_account: self.hint.file_account, ..Asked::default() };
        let Some(words) = f.need_string("command", self.reader.mistakes()) else { return };
        let words: Vec<&str> = words.split_whitespace().filter(|word| *word != "aws").collect();
        let (service, command) = match words[..] {
            [command] => ("", command),
            [service, command, ..] => (service, command),
            [] => ("", ""),
        };
        if let Some(account) = f.get("account").and_then(|node| self.reader.account_id(node)) {
            asked.account = Some(account);
            // A file of outputs says the same of every line.
            if self.named.replace(account) != Some(account) {
                self.reader.facts.push(Fact::Account { id: account, origin: Origin::Outputs, place: node.place() });
            }
        }
        asked.region = f.get_string("region", self.reader.mistakes());
        if let Some(arguments) = f.get("arguments").and_then(|node| node.fields(self.reader.mistakes())) {
            let arguments = arguments.all().iter().filter(|field| !field.value.is_null());
            asked.arguments = arguments.map(|field| (kebab(&field.name), field.value)).collect();
        }
        asked.error = f.get("error").map(|node| self.error_code(node));
        let Some((service, command)) = complete(service, command) else {
            let shown = shorten(&words.join(" "));
            self.reader.skip(node, format!("there is no reader for the command `{shown}`"));
            return;
        };
        (asked.service, asked.command) = (service, command);
        match f.get("output") {
            _ if asked.error.is_some() => self.command(&mut Fields::empty(node), &asked),
            // The commands of SQS print nothing where there is nothing to say; others always print something, so that
            // taking this for an empty answer would make "none" of what nobody fetched.
            None if asked.service == "sqs" => self.command(&mut Fields::empty(node), &asked),
            None => {
                let error = node.error(
                    "the wrapper has neither `output` nor `error`",
                    "write what the command printed as `output`, or the error in which it ended as `error`",
                );
                self.reader.mistakes().push(error);
            }
            Some(output) => {
                if let Some(mut fields) = output.fields(self.reader.mistakes()) {
                    self.command(&mut fields, &asked);
                }
            }
        }
    }

    /// The code of an error: `{"code": …}`, or the line that the command line prints, with the code in parentheses.
    fn error_code(&mut self, node: Node<'_>) -> String {
        if node.is_string() {
            let text = node.string(self.reader.mistakes()).unwrap_or_default();
            let code = text.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map(|(code, _)| code);
            return code.unwrap_or(&text).to_owned();
        }
        let Some(mut fields) = node.fields(self.reader.mistakes()) else { return String::new() };
        let code = ["code", "Code"].into_iter().find_map(|name| fields.get_string(name, self.reader.mistakes()));
        code.unwrap_or_default()
    }

    /// The output of a command, known or to be guessed from its fields.
    fn output(&mut self, f: &mut Fields<'_>, asked: &Asked<'_>) {
        if !asked.command.is_empty() {
            return self.command(f, asked);
        }
        if self.bundle(f) {
            return;
        }
        let shapes = shapes(f);
        if shapes.is_empty() {
            let names: Vec<String> = f.all().iter().take(8).map(|field| shorten(&field.name)).collect();
            let dots = if f.all().len() > names.len() { ", …" } else { "" };
            self.reader.skip(f.node, format!("not recognised; its fields are {}{dots}", names.join(", ")));
        }
        for (service, command) in shapes {
            let asked = Asked { service: service.into(), command: command.into(), ..asked.clone() };
            self.command(f, &asked);
        }
    }

    /// An object whose fields are named after commands: `{"list-roots": {…}, "describe-policy": {"p-…": {…}}}`.
    fn bundle(&mut self, f: &Fields<'_>) -> bool {
        let mut found = false;
        for field in f.all() {
            let words: Vec<&str> = field.name.split_whitespace().filter(|word| *word != "aws").collect();
            let (service, command) = match words[..] {
                [command] => ("", command),
                [service, command] => (service, command),
                _ => continue,
            };
            let Some((service, command)) = complete(service, command) else { continue };
            found = true;
            let asked = Asked { service, command, ..self.hint.clone() };
            self.bundled(field.value, &asked);
        }
        found
    }

    /// One output, a list of pages, or an object id -> output.
    fn bundled(&mut self, node: Node<'_>, asked: &Asked<'_>) {
        if node.is_list() {
            for page in node.list(self.reader.mistakes()).unwrap_or_default() {
                if let Some(mut fields) = page.fields(self.reader.mistakes()) {
                    self.command(&mut fields, asked);
                }
            }
            return;
        }
        let Some(mut fields) = node.fields(self.reader.mistakes()) else { return };
        let is_output = fields.all().iter().any(|field| field.name.starts_with(|c: char| c.is_ascii_uppercase()));
        if is_output || fields.all().is_empty() {
            return self.command(&mut fields, asked);
        }
        for field in fields.all() {
            let id = field.name.to_string();
            let asked = Asked { file_account: is_account(&id), id: Some(id), ..asked.clone() };
            if field.value.is_list() {
                self.bundled(field.value, &asked);
            } else if let Some(mut fields) = field.value.fields(self.reader.mistakes()) {
                self.command(&mut fields, &asked);
            }
        }
    }

    fn command(&mut self, f: &mut Fields<'_>, asked: &Asked<'_>) {
        let reader = &mut self.reader;
        let before = (reader.facts.len(), reader.skipped.len());
        let input = match (asked.service.as_str(), asked.command.as_str()) {
            ("organizations", command) => {
                match (&asked.error, asked.account) {
                    (Some(code), Some(account)) if code == "AWSOrganizationsNotInUseException" => {
                        reader.facts.push(resources::not_in_use(account));
                    }
                    (Some(_), _) => resources::failed(reader, f, asked),
                    (None, _) => organization::read(reader, f, asked),
                }
                debug_assert!(organization::COMMANDS.contains(&command));
                "organization outputs"
            }
            ("ram", _) if asked.error.is_some() => {
                resources::failed(reader, f, asked);
                "resource shares"
            }
            ("ram", _) => {
                shares::read(reader, f, asked);
                "resource shares"
            }
            ("configservice", _) if asked.error.is_some() => {
                resources::failed(reader, f, asked);
                "AWS Config files"
            }
            ("configservice", _) => {
                config::read(reader, f, asked);
                "AWS Config files"
            }
            ("iam", "get-account-authorization-details" | "get-policy-version") if asked.error.is_some() => {
                resources::failed(reader, f, asked);
                "account authorization details"
            }
            ("iam", "get-account-authorization-details") => {
                details::read(reader, f, asked);
                "account authorization details"
            }
            ("iam", "get-policy-version") => {
                details::read_policy_version(reader, f, asked);
                "policy versions"
            }
            _ => {
                resources::read(reader, f, asked);
                "resource outputs"
            }
        };
        // An output of which nothing could be used was not read, it was skipped.
        let after = (self.reader.facts.len(), self.reader.skipped.len());
        if after.0 > before.0 || after.1 == before.1 {
            self.count(input);
        }
    }
}

/// The commands whose output an object can be, by its fields.
fn shapes(f: &mut Fields<'_>) -> Vec<(&'static str, &'static str)> {
    let has = |f: &Fields<'_>, name: &str| f.all().iter().any(|field| field.name == name);
    let mut found = Vec::new();
    if ["UserDetailList", "GroupDetailList", "RoleDetailList"].into_iter().any(|name| has(f, name)) {
        found.push(("iam", "get-account-authorization-details"));
    } else if let Some(policies) = f.get("Policies") {
        // Listings of IAM and of Organizations look alike from outside.
        let text = policies.raw();
        if text.contains("\"PolicyVersionList\"") {
            found.push(("iam", "get-account-authorization-details"));
        } else if text.contains("\"Type\"") {
            found.push(("organizations", "list-policies"));
        }
    }
    const FIELDS: &[(&str, &str, &str)] = &[
        ("Organization", "organizations", "describe-organization"),
        ("Roots", "organizations", "list-roots"),
        ("Accounts", "organizations", "list-accounts"),
        ("OrganizationalUnits", "organizations", "list-organizational-units-for-parent"),
        ("Targets", "organizations", "list-targets-for-policy"),
        ("Children", "organizations", "list-children"),
        ("Parents", "organizations", "list-parents"),
        ("DelegatedAdministrators", "organizations", "list-delegated-administrators"),
        ("DelegatedServices", "organizations", "list-delegated-services-for-account"),
        ("VpcEndpoints", "ec2", "describe-vpc-endpoints"),
        ("OpenIDConnectProviderList", "iam", "list-open-id-connect-providers"),
        ("SAMLProviderList", "iam", "list-saml-providers"),
        ("KeyMetadata", "kms", "describe-key"),
        ("Grants", "kms", "list-grants"),
        ("InstanceProfiles", "iam", "list-instance-profiles"),
        ("resourceShares", "ram", "get-resource-shares"),
        ("resourceShareAssociations", "ram", "get-resource-share-associations"),
        ("Buckets", "s3api", "list-buckets"),
        ("ResourceTagMappingList", "resourcegroupstaggingapi", "get-resources"),
        ("ResourcePolicy", "secretsmanager", "get-resource-policy"),
        ("policyText", "ecr", "get-repository-policy"),
    ];
    found.extend(FIELDS.iter().filter(|(name, _, _)| has(f, name)).map(|(_, service, command)| (*service, *command)));
    if f.get("Policy").is_some_and(|node| node.is_object() && node.raw().contains("\"PolicySummary\"")) {
        found.push(("organizations", "describe-policy"));
    }
    if let Some(attributes) = f.get("Attributes") {
        if attributes.raw().contains("\"QueueArn\"") {
            found.push(("sqs", "get-queue-attributes"));
        } else if attributes.raw().contains("\"TopicArn\"") {
            found.push(("sns", "get-topic-attributes"));
        }
    }
    if ["UserId", "Account", "Arn"].into_iter().all(|name| has(f, name)) {
        found.push(("sts", "get-caller-identity"));
    }
    found
}

/// Whether a text begins as our own format may: with a comment.
fn starts_with_comment(text: &str) -> bool {
    text.trim_start().starts_with("//")
}

/// Whether the first line is a value of its own and not the last.
fn is_lines<'s>(source: &'s Source<'s>, text: &'s str) -> bool {
    let mut lines = crate::lines_of(text);
    let (Some(first), Some(_)) = (lines.next(), lines.next()) else { return false };
    first.starts_with('{') && first.ends_with('}') && source.parse(first).is_ok()
}

#[cfg(test)]
mod tests {
    use super::all_commands;
    use std::path::Path;

    /// Names and contents of all files of a folder.
    fn texts(folder: &Path, out: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            out.push_str(&format!("/{}\n", path.display()));
            if path.is_dir() {
                texts(&path, out);
            } else {
                out.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
            }
        }
    }

    /// A command that is read is documented, and stands in an export that some test reads.
    #[test]
    fn every_command_is_tried_and_documented() {
        let docs = include_str!("../../docs/inventory-format.md");
        let mut exports = String::new();
        texts(Path::new("tests/exports"), &mut exports);
        let is_tried = |service: &str, command: &str| {
            let spellings = [format!("\"{service} {command}\""), format!("\"{command}\""), format!("/{command}")];
            spellings.iter().any(|spelling| exports.contains(spelling))
        };
        let lacking = |holds: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
            let lacking = all_commands().filter(|(service, command)| !holds(service, command));
            lacking.map(|(service, command)| format!("{service} {command}")).collect()
        };
        assert_eq!(lacking(&is_tried), [""; 0], "no test reads them");
        assert_eq!(lacking(&|_, command| docs.contains(command)), [""; 0], "they are not documented");
    }
}
