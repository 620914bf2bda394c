//! `iamc matrix`: many principals, actions and resources, as counts or cell by cell.

use super::args::Matrix;
use super::cells::Cells;
use super::counts::{Counts, Row};
use super::{Form, is_pattern};
use crate::args::Global;
use crate::ending::{Ending, Failure};
use crate::output::Output;
use crate::terminal::{clean, warning};
use crate::{inventory, organization, settings};
use iamc_policy::document::Strictness;
use iamc_policy::request::{RequestError, ResourceInRequest};
use iamc_policy::{AccountId, Action, Principal, Request};
use iamc_runtime::{CompiledPolicySet, Inverse, PreparedContext, PrincipalId, QuestionScratch, Scope, Tally, matrix};
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Pairs of action and resource that a thread answers before their answers are written.
const PAIRS: usize = 8;
/// Less than one account in so many is asked about by itself.
const SHARE: usize = 16;

/// Asks about every action on every resource.
pub(crate) fn run(args: &Matrix, global: &Global) -> Result<Ending, Failure> {
    let form = match super::form(global, "matrix")? {
        Form::Human if args.cells && global.format_asked.is_none() => Form::Lines,
        Form::Human | Form::Json if args.cells => {
            let name = global.format().name();
            return Err(Failure::Usage(format!("cells have no format `{name}`; they have ndjson, csv and parquet")));
        }
        form => form,
    };
    let settings = settings::read(global)?;
    let strictness = if settings.strict { Strictness::Strict } else { Strictness::Lenient };
    let accounts = super::accounts(&args.account)?;
    // Mistakes in options are told before anything is read.
    let request = |resource: &str| super::request(&args.request, args.closed, "s3:GetObject", resource, strictness);
    let is_covering = |resource: &str| resource != "*" && is_pattern(resource);
    let template = request("*")?;
    for resource in args.resource.iter().filter(|resource| !is_covering(resource)) {
        request(resource)?;
    }
    let named = args.action.iter().filter(|action| !is_pattern(action));
    named.map(|action| parse_action(action)).collect::<Result<Vec<Action>, Failure>>()?;

    let set = Arc::new(organization::open(&args.org, global)?);
    let mut actions = Vec::new();
    let names = super::actions(&set, &args.action)?;
    for name in &names {
        // Of many actions some do not fit the resource.
        let is_expanded = !args.action.iter().any(|action| action.eq_ignore_ascii_case(name));
        actions.push((parse_action(name)?, is_expanded));
    }
    let mut resources: Vec<(ResourceInRequest, bool)> = Vec::new();
    let mut known = HashSet::new();
    let mut add = |name: &str, is_expanded: bool| -> Result<(), Failure> {
        for resource in request(name)?.resources {
            if known.insert(resource.resource.to_string()) {
                resources.push((resource, is_expanded));
            }
        }
        Ok(())
    };
    for resource in &args.resource {
        if !is_covering(resource) {
            add(resource, false)?;
            continue;
        }
        // Users and roles are resources as well.
        let listed = set.resources_like(resource).into_iter().filter_map(|id| set.resource_arn(id));
        let principals = set.principals_like(resource).into_iter().filter_map(|id| set.principal_arn(id));
        let mut is_any = false;
        for arn in listed.chain(principals) {
            is_any = true;
            add(arn, true)?;
        }
        if !is_any {
            let message =
                format!("`--resource {resource}` matches no resource of the inventory; others are asked about by ARN");
            return Err(Failure::Input(message));
        }
    }
    let asked = Asked::new(&set, &args.principal, &accounts)?;
    let output = Output::open(global.output.as_deref())?;
    let writer = if args.cells {
        Writer::Cells(Box::new(Cells::new(&set, form, output)?), args.possible)
    } else {
        Writer::Counts(Counts::new(form, asked.n, output)?)
    };
    let walk = Walk { asked: &asked, actions: &actions, resources: &resources, wants_rows: args.cells, template };
    let inverse = Inverse::new(Arc::clone(&set));
    let done = walk.all(&inverse, writer, &progress(global), global.n_threads());
    if matches!(done, Err(Failure::Closed)) {
        return Ok(Ending::Done);
    }
    let Refused { n_left_out, n_failed, first } = done?;
    super::report_unknown(&set, &names, &accounts, global);
    if n_left_out > 0 && !global.quiet {
        warning(&format!("{n_left_out} pairs are left out, since the action does not fit the resource"));
    }
    if let Some(first) = first.filter(|_| !global.quiet) {
        warning(&clean(&format!("{n_failed} pairs cannot be asked about, the first since: {first}")));
    }
    Ok(if n_failed > 0 { Ending::Invalid } else { Ending::Done })
}

fn parse_action(text: &str) -> Result<Action, Failure> {
    text.parse().map_err(|error| Failure::Usage(format!("`--action`: {error}")))
}

/// A bar that shows how many cells are done, and how fast.
fn progress(global: &Global) -> ProgressBar {
    let bar = inventory::progress(global);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} pairs {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// The principals that are asked about.
struct Asked {
    /// One bit for each principal.
    bits: Vec<u64>,
    n: u64,
    /// Their accounts, where they are few; empty: all.
    accounts: Vec<AccountId>,
}

impl Asked {
    /// # Errors
    /// [`Failure::Input`]: a pattern matches nobody.
    fn new(set: &CompiledPolicySet, patterns: &[String], accounts: &[AccountId]) -> Result<Asked, Failure> {
        let n = set.n_principals();
        let mut ids: Vec<PrincipalId> = Vec::new();
        for pattern in patterns {
            let found = if is_pattern(pattern) {
                set.principals_like(pattern)
            } else {
                set.principal_id(pattern).into_iter().collect()
            };
            if found.is_empty() {
                let message = format!("`--principal {pattern}` is no user or role of the inventory");
                return Err(Failure::Input(message));
            }
            ids.extend(found);
        }
        if patterns.is_empty() {
            ids.extend((0..n).map(PrincipalId::new));
        }
        let account = |id: PrincipalId| set.caller(id, "session").and_then(|principal: Principal| principal.account());
        let mut bits = vec![0; n.div_ceil(64) as usize];
        let mut own = Vec::new();
        let is_everybody = patterns.is_empty() && accounts.is_empty();
        for id in ids {
            let of = if is_everybody { None } else { account(id) };
            if accounts.is_empty() || of.is_some_and(|of| accounts.contains(&of)) {
                bits[id.get() as usize / 64] |= 1 << (id.get() % 64);
                own.extend(of);
            }
        }
        own.sort_unstable();
        own.dedup();
        // Of an account that nobody was found in, nobody is asked.
        if !is_everybody && own.is_empty() {
            own.extend(accounts);
        }
        if own.len() * SHARE > set.tables().account_numbers.len() {
            own.clear();
        }
        let n = bits.iter().map(|word: &u64| u64::from(word.count_ones())).sum();
        Ok(Asked { bits, n, accounts: own })
    }

    fn scope(&self) -> Scope<'_> {
        if self.accounts.is_empty() { Scope::All } else { Scope::Accounts(&self.accounts) }
    }

    fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        self.bits.iter().zip(0u32..).flat_map(|(word, at)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros();
                    rest &= rest - 1;
                    at * 64 + bit
                })
            })
        })
    }
}

/// What was found about a pair.
struct Found {
    tally: Result<Tally, RequestError>,
    /// The rows of decisions, where cells are asked for.
    rows: [Vec<u64>; 3],
}

/// Pairs that cannot be asked about.
#[derive(Default)]
struct Refused {
    /// Of those that wildcards stand for.
    n_left_out: u64,
    /// Of those that were named.
    n_failed: u64,
    /// Why the first of them is refused.
    first: Option<String>,
}

enum Writer<'s> {
    Counts(Counts),
    /// Whether only possible ones are written.
    Cells(Box<Cells<'s>>, bool),
}

struct Walk<'a> {
    asked: &'a Asked,
    /// With whether a wildcard stands for it.
    actions: &'a [(Action, bool)],
    resources: &'a [(ResourceInRequest, bool)],
    wants_rows: bool,
    /// What the options say of every request.
    template: Request,
}

impl Walk<'_> {
    /// Asks about all pairs, resource by resource, and writes what was found in that order.
    fn all(
        &self,
        inverse: &Inverse,
        mut writer: Writer<'_>,
        bar: &ProgressBar,
        n_threads: usize,
    ) -> Result<Refused, Failure> {
        let context = PreparedContext::new(self.template.context.clone(), self.template.mode)
            .through(self.template.endpoint.clone())
            .with_facts(self.template.facts.clone());
        let actions: Vec<Action> = self.actions.iter().map(|(action, _)| action.clone()).collect();
        let mut parts = Vec::new();
        for resource in self.resources {
            parts.extend(
                self.actions
                    .chunks(PAIRS)
                    .zip(actions.chunks(PAIRS))
                    .map(|(flagged, actions)| (resource, flagged, actions)),
            );
        }
        bar.set_length((self.resources.len() * self.actions.len()) as u64);
        let mut refused = Refused::default();
        let mut scratches = vec![QuestionScratch::default(); n_threads.min(parts.len())];
        for wave in parts.chunks(scratches.len().max(1)) {
            let answered: Vec<Vec<Found>> = std::thread::scope(|scope| {
                let mut workers = wave.iter().zip(&mut scratches).map(|(((resource, _), _, actions), scratch)| {
                    let context = &context;
                    move || self.part(inverse, actions, resource, context, scratch)
                });
                if wave.len() == 1 {
                    return workers.next().into_iter().map(|mut work| work()).collect();
                }
                let workers: Vec<_> = workers.map(|work| scope.spawn(work)).collect();
                // A worker that panics ends the process in the panic hook, so joining never fails.
                workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
            });
            for (((resource, of_pattern), flagged, _), answered) in wave.iter().zip(answered) {
                let resource_name = resource.resource.to_string();
                for ((action, expanded), found) in flagged.iter().zip(answered) {
                    let is_expanded = *expanded || *of_pattern;
                    self.write(&mut writer, (&action.to_string(), &resource_name), is_expanded, &found, &mut refused)?;
                }
                bar.inc(flagged.len() as u64);
            }
            let seconds = bar.elapsed().as_secs_f64();
            if seconds > 0.0 {
                let n_cells = (bar.position() * self.asked.n) as f64;
                bar.set_message(format!("{:.1} M cells/s", n_cells / seconds / 1e6));
            }
        }
        bar.finish_and_clear();
        match writer {
            Writer::Counts(counts) => counts.finish()?,
            Writer::Cells(cells, _) => cells.finish()?,
        }
        Ok(refused)
    }

    /// Some actions on one resource.
    fn part(
        &self,
        inverse: &Inverse,
        actions: &[Action],
        resource: &ResourceInRequest,
        context: &PreparedContext,
        scratch: &mut QuestionScratch,
    ) -> Vec<Found> {
        let mut all = Vec::with_capacity(actions.len());
        let resource = std::slice::from_ref(resource);
        let _ = matrix(inverse, actions, resource, context, self.asked.scope(), scratch, |_, _, found| {
            all.push(match found {
                Ok(found) => Found {
                    tally: Ok(found.tally(&self.asked.bits)),
                    rows: if self.wants_rows { found.rows().map(<[u64]>::to_vec) } else { Default::default() },
                },
                Err(error) => Found { tally: Err(error), rows: Default::default() },
            });
            ControlFlow::Continue(())
        });
        all
    }

    fn write(
        &self,
        writer: &mut Writer<'_>,
        (action, resource): (&str, &str),
        is_expanded: bool,
        found: &Found,
        refused: &mut Refused,
    ) -> Result<(), Failure> {
        if let Err(error) = &found.tally {
            if is_expanded {
                refused.n_left_out += 1;
                return Ok(());
            }
            refused.n_failed += 1;
            refused.first.get_or_insert_with(|| format!("{action} on {resource}: {error}"));
        }
        match writer {
            Writer::Counts(counts) => counts.write(&Row { action, resource, tally: found.tally.as_ref().copied() }),
            Writer::Cells(..) if found.tally.is_err() => Ok(()),
            Writer::Cells(cells, possible) => {
                let is_written = |id: &u32| !*possible || found.rows[0][*id as usize / 64] >> (id % 64) & 1 == 1;
                cells.pair(action, resource, &found.rows, self.asked.ids().filter(is_written))
            }
        }
    }
}
