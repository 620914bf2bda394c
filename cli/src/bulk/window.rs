//! A window of rows: most of them as numbers, the others as requests, and what each row is called.

use super::{Engine, RowText, id_of, row_error};
use crate::organization::{self, Asker};
use crate::render::json::Id;
use iamc_inventory::request;
use iamc_inventory::request::plain::{PlainLine, Singles};
use iamc_policy::document::Strictness;
use iamc_policy::request::{Mode, Request};
use iamc_policy::{AccountId, Decision};
use iamc_runtime::batch::{
    BatchScratch, FoundRow, NamedRow, NotARow, RowContext, RowsBuilder, SessionPoliciesId, Unknown, decide_batch,
};
use iamc_runtime::{DecisionCode, Scratch, decide_with};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Why a row has no decision, and the field that is to blame.
pub(super) type RowError = (String, Option<String>);

/// What a row is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowId<'w> {
    Text(&'w str),
    /// Its number, counted from 1.
    Line(u64),
}

impl From<RowId<'_>> for Id {
    fn from(id: RowId<'_>) -> Id {
        match id {
            RowId::Text(text) => Id::Text(text.to_owned()),
            RowId::Line(number) => Id::Line(number),
        }
    }
}

/// What a row gets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Got<'w> {
    Decision(Decision),
    Error(&'w RowError),
}

/// A row that is none of numbers.
enum Other {
    Request(Box<Request>),
    Answer(Result<Decision, RowError>),
}

/// Session policies, by their JSON, are forgotten beyond so many bytes.
const POLICIES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// So are names, contexts and sessions of the builder.
const TABLE_BYTES_MAX: usize = 128 * 1024 * 1024;

/// A plain line that may be a row of numbers.
struct Plain<'a> {
    line: PlainLine<'a>,
    owner: Option<AccountId>,
    /// Where the JSON of what says its context stands among the labels.
    label: Range<usize>,
}

impl<'a> Plain<'a> {
    fn new(line: PlainLine<'a>, labels: &mut Vec<u8>) -> Option<Plain<'a>> {
        if line.session.is_some() {
            // Whom session policies may limit is for the reader of lines to say.
            return None;
        }
        let owner = match line.resource_account {
            Some(account) => Some(account.parse::<AccountId>().ok()?),
            None => None,
        };
        let start = labels.len();
        for part in line.shared {
            if let Some(part) = part {
                labels.extend_from_slice(part.as_bytes());
            }
            // No JSON has this byte, so that parts cannot be taken for others.
            labels.push(0);
        }
        Some(Plain { line, owner, label: start..labels.len() })
    }
}

/// Rows, their numbers and their answers. Filled, decided, written, and filled again.
pub(super) struct Window<'s> {
    engine: &'s Engine<'s>,
    strictness: Strictness,
    builder: RowsBuilder<'s>,
    /// Rows of the builder so far are before this one, which is the next.
    kinds: Vec<Kind>,
    others: Vec<Other>,
    ids: String,
    id_ends: Vec<usize>,
    /// The number of the first row.
    first: u64,
    policies: HashMap<Box<str>, SessionPoliciesId>,
    policies_bytes: usize,
    /// Of rows that are taken in together: the JSON of what says their contexts, and what their names stand for.
    labels: Vec<u8>,
    found: Vec<Result<FoundRow, NotARow>>,
    codes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A row of the builder, by position.
    Row(u32),
    /// One of the others, by position.
    Other(u32),
}

impl<'s> Window<'s> {
    pub(super) fn new(engine: &'s Engine<'s>) -> Window<'s> {
        let strictness = if engine.set.settings().strict { Strictness::Strict } else { Strictness::Lenient };
        Window {
            engine,
            strictness,
            builder: RowsBuilder::new(engine.set),
            kinds: Vec::new(),
            others: Vec::new(),
            ids: String::new(),
            id_ends: Vec::new(),
            first: 1,
            policies: HashMap::new(),
            policies_bytes: 0,
            labels: Vec::new(),
            found: Vec::new(),
            codes: Vec::new(),
        }
    }

    /// Takes the rows out; the next one has the number `first`.
    pub(super) fn begin(&mut self, first: u64) {
        self.first = first;
        self.kinds.clear();
        self.others.clear();
        self.ids.clear();
        self.id_ends.clear();
        self.codes.clear();
        self.builder.clear_rows();
        if self.policies_bytes > POLICIES_BYTES_MAX || self.builder.heap_bytes() > TABLE_BYTES_MAX {
            self.builder.clear();
            self.policies = HashMap::new();
            self.policies_bytes = 0;
        }
    }

    /// The number of rows.
    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Bytes that grow with each row.
    pub(super) fn heap_bytes(&self) -> usize {
        // A request by itself takes some kilobytes.
        self.ids.len() + self.policies_bytes + self.builder.heap_bytes() + self.others.len() * 2_048
    }

    fn number(&self) -> u64 {
        self.first + self.len() as u64
    }

    // ---- rows come in ----

    /// Takes rows in.
    pub(super) fn push(&mut self, rows: Vec<RowText<'_>>) {
        let plain: Vec<Option<Plain<'_>>> = (rows.iter())
            .map(|row| match row {
                RowText::Line(line) => PlainLine::read(line),
                RowText::Cells(columns, cells) => columns.plain(cells),
                RowText::Error(_) => None,
            })
            .map(|plain| plain.and_then(|line| Plain::new(line, &mut self.labels)))
            .collect();
        let labels = std::mem::take(&mut self.labels);
        let named: Vec<NamedRow<'_>> = (plain.iter().flatten())
            .map(|Plain { line, owner, label }| NamedRow {
                principal: line.principal,
                action: line.action,
                resource: line.resource,
                owner: *owner,
                label: &labels[label.clone()],
            })
            .collect();
        self.builder.look_up(&named, &mut self.found);
        let mut n_looked_up = 0;
        for (row, plain) in rows.into_iter().zip(plain) {
            if let Some(Plain { line, label, .. }) = plain {
                let found = self.found[n_looked_up];
                n_looked_up += 1;
                if let Ok(found) = found
                    && let Some(context) = found.context.or_else(|| self.context(&line, &labels[label]))
                {
                    self.builder.push(found.principal, found.action, found.resource, context);
                    self.kinds.push(Kind::Row(self.builder.len() as u32 - 1));
                    self.end_row(line.id);
                    continue;
                }
            }
            match row {
                RowText::Line(line) => self.push_request(line),
                RowText::Cells(columns, cells) => match columns.line(cells) {
                    Ok(line) => self.push_request(&line),
                    Err(error) => self.push_error(error),
                },
                RowText::Error(error) => self.push_error(error),
            }
        }
        self.labels = labels;
        self.labels.clear();
    }

    /// A row that cannot be read.
    fn push_error(&mut self, error: RowError) {
        self.push_other(Other::Answer(Err(error)), None);
    }

    /// The context of a row, which is noted under its label; `None`: the line has to be looked at as a whole.
    fn context(&mut self, plain: &PlainLine<'_>, label: &[u8]) -> Option<u32> {
        // A row a few before may have brought it.
        if let known @ Some(_) = self.builder.labelled_context(label) {
            return known;
        }
        let context = self.singles(plain).or_else(|| self.other_context(plain))?;
        self.builder.label_context(label, context);
        Some(context)
    }

    /// The context of a row that says nothing but keys with one value each; `None`: it says more.
    fn singles(&mut self, plain: &PlainLine<'_>) -> Option<u32> {
        let [context, absent, present, unknown, mode, endpoint] = plain.shared;
        if [absent, present, unknown, endpoint].iter().any(Option::is_some) {
            return None;
        }
        let mode = match mode {
            None => self.engine.mode,
            Some("\"closed\"") => Mode::Closed,
            Some("\"open\"") => Mode::Open,
            Some(_) => return None,
        };
        self.builder.context_of_singles(mode, Singles::read(context?)?.keys())
    }

    /// The context that the shared fields say; `None`: they say none.
    fn other_context(&mut self, plain: &PlainLine<'_>) -> Option<u32> {
        let mut line = String::from(r#"{"principal":"anonymous","action":"a:b","resource":"*""#);
        for (name, json) in PlainLine::SHARED.iter().zip(plain.shared) {
            if let Some(json) = json {
                // A cell of a table must not be able to add fields.
                let json: &RawValue = serde_json::from_str(json).ok()?;
                line.push_str(&format!(",\"{name}\":{json}"));
            }
        }
        line.push('}');
        let request = request::read_line(&line, self.engine.mode, self.strictness).ok()?.request;
        Some(self.builder.context(RowContext::of(&request)))
    }

    /// Any line, whatever is in it.
    fn push_request(&mut self, line: &str) {
        let read = match request::read_line(line, self.engine.mode, self.strictness) {
            Ok(read) => read,
            Err(error) => {
                let field = Some(error.field().to_owned()).filter(|field| !field.is_empty());
                let id = id_of(line, self.number());
                let id = if let Id::Text(text) = &id { Some(text.as_str()) } else { None };
                return self.push_other(Other::Answer(Err((error.message().to_owned(), field))), id);
            }
        };
        let request = read.request;
        let policies = match self.session_policies(line, &request) {
            Ok(policies) => policies,
            Err(error) => return self.push_other(Other::Answer(Err(error)), read.id.as_deref()),
        };
        if self.builder.push_request(&request, policies).is_ok() {
            self.kinds.push(Kind::Row(self.builder.len() as u32 - 1));
            return self.end_row(read.id.as_deref());
        }
        self.push_other(Other::Request(Box::new(request)), read.id.as_deref());
    }

    /// The compiled session policies of a request, by their JSON where the line is plain.
    fn session_policies(&mut self, line: &str, request: &Request) -> Result<Option<SessionPoliciesId>, RowError> {
        let Some(policies) = &request.session else { return Ok(None) };
        let json = PlainLine::read(line).and_then(|plain| plain.session);
        if let Some(known) = json.and_then(|json| self.policies.get(json)) {
            return Ok(Some(*known));
        }
        let compiled = organization::session(self.engine.set, policies).map_err(row_error)?;
        let id = self.builder.add_policies(compiled);
        if let Some(json) = json {
            self.policies_bytes += json.len();
            self.policies.insert(json.into(), id);
        }
        Ok(Some(id))
    }

    fn push_other(&mut self, other: Other, id: Option<&str>) {
        self.kinds.push(Kind::Other(self.others.len() as u32));
        self.others.push(other);
        self.end_row(id);
    }

    /// Notes what the row is called that was added last.
    fn end_row(&mut self, id: Option<&str>) {
        // A text behind a byte that says whether there is one: an id may be empty.
        if let Some(id) = id {
            self.ids.push('.');
            self.ids.push_str(id);
        }
        self.id_ends.push(self.ids.len());
    }

    // ---- rows are decided ----

    /// Decides every row, on so many threads.
    pub(super) fn decide(&mut self, scratch: &mut BatchScratch, n_threads: usize) {
        self.codes.resize(self.builder.len(), 0);
        let (rows, tables) = (self.builder.rows(), self.builder.tables());
        decide_batch(self.engine.set, &rows, tables, scratch, &mut self.codes)
            .expect("the builder's columns are of one length, and its tables were made for this set");
        // A code says that a row is refused; people want to read why.
        let refused: Vec<(usize, usize)> = (self.kinds.iter().enumerate())
            .filter_map(|(index, kind)| match kind {
                Kind::Row(row) if self.decision(*row).is_none() => Some((index, *row as usize)),
                _ => None,
            })
            .collect();
        for (index, row) in refused {
            let tables = self.builder.tables();
            let Some((request, session)) = tables.request(self.engine.set, &self.builder.rows(), row) else { continue };
            let other = match session {
                None => Other::Request(Box::new(request)),
                Some(_) => {
                    let result = decide_with(self.engine.set, &request, session, &mut Scratch::new(self.engine.set));
                    Other::Answer(result.map_err(row_error))
                }
            };
            self.kinds[index] = Kind::Other(self.others.len() as u32);
            self.others.push(other);
        }
        self.decide_others(n_threads);
    }

    /// Decides the requests that are no rows of numbers.
    fn decide_others(&mut self, n_threads: usize) {
        let next = AtomicUsize::new(0);
        let (others, engine) = (&self.others, self.engine);
        let work = || {
            let mut asker = Asker::new(engine.set);
            let mut done = Vec::new();
            while let Some((index, other)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                others.get(index).map(|other| (index, other))
            } {
                if let Other::Request(request) = other {
                    done.push((index, asker.decide(request).map_err(row_error)));
                }
            }
            done
        };
        let n_workers = n_threads.min(others.len()).max(1);
        let done: Vec<(usize, Result<Decision, RowError>)> = if others.is_empty() {
            Vec::new()
        } else {
            std::thread::scope(|scope| {
                let workers: Vec<_> = (1..n_workers).map(|_| scope.spawn(work)).collect();
                let mut done = work();
                // A worker that panics ends the process in the panic hook, so joining never fails.
                done.extend(workers.into_iter().filter_map(|worker| worker.join().ok()).flatten());
                done
            })
        };
        for (index, result) in done {
            self.others[index] = Other::Answer(result);
        }
    }

    // ---- answers go out ----

    fn decision(&self, row: u32) -> Option<Decision> {
        DecisionCode::from_bits(*self.codes.get(row as usize)?)?.decision()
    }

    /// What the row at that position is called.
    pub(super) fn id(&self, index: usize) -> RowId<'_> {
        let start = if index == 0 { 0 } else { self.id_ends[index - 1] };
        match self.ids[start..self.id_ends[index]].strip_prefix('.') {
            Some(text) => RowId::Text(text),
            None => RowId::Line(self.first + index as u64),
        }
    }

    /// What the row at that position got; `None`: nobody decided it.
    pub(super) fn got(&self, index: usize) -> Option<Got<'_>> {
        match self.kinds[index] {
            Kind::Row(row) => self.decision(row).map(Got::Decision),
            Kind::Other(other) => match &self.others[other as usize] {
                Other::Answer(Ok(decision)) => Some(Got::Decision(*decision)),
                Other::Answer(Err(error)) => Some(Got::Error(error)),
                Other::Request(_) => None,
            },
        }
    }

    /// What was unknown in the rows of this window.
    pub(super) fn take_unknown(&mut self) -> (Unknown, Unknown) {
        self.builder.take_unknown()
    }
}
