//! `iamc compile` and `iamc inspect`: an organization becomes an image, and what an image consists of.

use crate::args::{Compile, Format, Global, Inspect};
use crate::ending::{Ending, Failure};
use crate::inventory::{self, Tables};
use crate::organization::{self, compile_world};
use crate::output::Output;
use crate::render::json;
use crate::terminal::{HEAD, clean_line, paint};
use crate::{settings, terminal};
use iamc_compiler::{CompileReport, Strategies, report, strategies};
use iamc_runtime::CompiledPolicySet;
use std::time::Instant;

/// Reads, checks, compiles, writes; says on standard error what came of it.
pub(crate) fn compile(args: &Compile, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`compile` has no format `{name}`; its summary has human and json")));
    }
    let Some(target) = global.output.as_deref() else {
        return Err(Failure::Usage("`compile` writes a file: give `-o FILE.iamc`".to_owned()));
    };
    let start = Instant::now();
    let tables = Tables::read(global.catalogue.as_deref())?;
    let read = inventory::read_all(&args.org, global, settings::read(global)?)?;
    let account = inventory::account(&read);
    let set = compile_world(read.world, tables.get())?;
    let bytes = set.to_bytes();
    let mut output = Output::open(Some(target))?;
    output.bytes(&bytes)?;
    output.finish()?;
    if !global.quiet {
        let seconds = start.elapsed().as_secs_f64();
        let summary = report(&set);
        let text = if global.format() == Format::Json {
            json::pretty(&Summary::new(&set, &summary, bytes.len(), None))
        } else {
            let mut text = terminal::clean(&account).into_owned();
            text.push_str(&overview(&summary));
            text.push_str(&format!("{} bytes in {seconds:.1} s\n", bytes.len()));
            text
        };
        terminal::say(text.trim_end());
    }
    Ok(Ending::Done)
}

/// Header, sections, sizes, sharing, and which strategy serves how many patterns.
pub(crate) fn inspect(args: &Inspect, global: &Global) -> Result<Ending, Failure> {
    if !matches!(global.format(), Format::Human | Format::Json) {
        let name = global.format().name();
        return Err(Failure::Usage(format!("`inspect` has no format `{name}`; it has human and json")));
    }
    let set = organization::load(&args.image)?;
    let n_bytes = set.to_bytes().len();
    let summary = report(&set);
    let strategies = strategies(&set);
    let mut output = Output::open(global.output.as_deref())?;
    if global.format() == Format::Json {
        output.text(&json::pretty(&Summary::new(&set, &summary, n_bytes, Some(&strategies))))?;
    } else {
        output.text(&page(&set, &summary, &strategies, n_bytes))?;
    }
    output.finish()?;
    Ok(Ending::Done)
}

fn overview(report: &CompileReport) -> String {
    format!(
        "{} accounts, {} principals, {} resources, {} endpoints\n\
         {} policies ({} of unknown text), {} distinct, with {} statements, {} distinct\n\
         {} resource patterns for {} entries, {} condition atoms for {} uses\n",
        report.n_accounts,
        report.n_principals,
        report.n_resources,
        report.n_endpoints,
        report.n_policies,
        report.n_unknown_policies,
        report.n_bodies,
        report.n_statement_uses,
        report.n_statements,
        report.n_patterns,
        report.n_pattern_uses,
        report.n_atoms,
        report.n_atom_uses,
    )
}

fn page(set: &CompiledPolicySet, report: &CompileReport, strategies: &Strategies, n_bytes: usize) -> String {
    let mut text = String::new();
    text.push_str(&format!("{}\n", paint(HEAD, "compiled policy set")));
    text.push_str(&format!("  content {:016x}, {n_bytes} bytes\n", set.content_hash()));
    let edition = set.catalogue().date().unwrap_or("without date");
    text.push_str(&format!("  catalogue {} ({edition})\n", clean_line(set.catalogue().name())));
    let switched: Vec<String> = set
        .settings()
        .entries()
        .into_iter()
        .zip(iamc_policy::Settings::default().entries())
        .filter(|(own, default)| own != default)
        .map(|((name, value), _)| format!("{name}={value}"))
        .collect();
    let switched = if switched.is_empty() { "all as the semantics chooses".to_owned() } else { switched.join(", ") };
    text.push_str(&format!("  settings {switched}\n"));
    let complete = if set.assume_complete() { "what the input lacked does not exist" } else { "gaps are unknown" };
    text.push_str(&format!("  {complete}\n"));
    text.push_str(&format!("\n{}\n", paint(HEAD, "contents")));
    for line in overview(report).lines() {
        text.push_str(&format!("  {line}\n"));
    }
    let [whole, few, bitmap] = report.n_action_sets;
    text.push_str(&format!("  action sets: {whole} whole services, {few} of up to four actions, {bitmap} bitmaps\n"));
    text.push_str(&format!(
        "  {} attachments, {} sets of guardrails, {} rows of the service index\n",
        report.n_attachments, report.n_guardrail_sets, report.n_rules
    ));
    let counts = |map: &std::collections::BTreeMap<&'static str, usize>| {
        map.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
    };
    text.push_str(&format!("  principal tests by level: {}\n", counts(&report.n_tests_by_level)));
    text.push_str(&format!("  condition atoms by what they depend on: {}\n", counts(&report.n_atoms_by_dependence)));
    for (head, counts) in [
        ("resource patterns, by how they are found", &strategies.for_patterns()[..]),
        ("texts of action sets, by how unknown actions are compared", &strategies.for_action_texts()),
        ("built when first needed", &strategies.facts()),
    ] {
        text.push_str(&format!("\n{}\n", paint(HEAD, head)));
        for (name, count) in counts {
            text.push_str(&format!("  {:<24} {count:>12}\n", name.replace('_', " ")));
        }
    }
    text.push_str(&format!("\n{}\n", paint(HEAD, "sections, in memory")));
    for (name, bytes) in &report.sections {
        text.push_str(&format!("  {name:<24} {bytes:>12} bytes\n"));
    }
    text
}

/// The summary for machines.
#[derive(serde::Serialize)]
struct Summary<'a> {
    content: String,
    bytes: usize,
    catalogue_date: Option<&'a str>,
    settings: std::collections::BTreeMap<&'static str, &'static str>,
    assume_complete: bool,
    accounts: usize,
    principals: usize,
    resources: usize,
    endpoints: usize,
    policies: usize,
    unknown_policies: usize,
    distinct_policies: usize,
    statements: usize,
    distinct_statements: usize,
    patterns: usize,
    conditions: usize,
    /// Bytes in memory; an image packs them.
    sections: std::collections::BTreeMap<&'static str, usize>,
    /// Of `inspect` alone: counting builds what a compilation does not need.
    #[serde(skip_serializing_if = "Option::is_none")]
    strategies: Option<StrategyCounts>,
}

/// How many patterns each strategy serves, by name.
#[derive(serde::Serialize)]
struct StrategyCounts {
    resource_patterns: std::collections::BTreeMap<&'static str, usize>,
    action_texts: std::collections::BTreeMap<&'static str, usize>,
    built: std::collections::BTreeMap<&'static str, usize>,
}

impl<'a> Summary<'a> {
    fn new(
        set: &'a CompiledPolicySet,
        report: &CompileReport,
        bytes: usize,
        strategies: Option<&Strategies>,
    ) -> Summary<'a> {
        Summary {
            content: format!("{:016x}", set.content_hash()),
            bytes,
            catalogue_date: set.catalogue().date(),
            settings: set.settings().entries().into_iter().collect(),
            assume_complete: set.assume_complete(),
            accounts: report.n_accounts,
            principals: report.n_principals,
            resources: report.n_resources,
            endpoints: report.n_endpoints,
            policies: report.n_policies,
            unknown_policies: report.n_unknown_policies,
            distinct_policies: report.n_bodies,
            statements: report.n_statement_uses,
            distinct_statements: report.n_statements,
            patterns: report.n_patterns,
            conditions: report.n_atoms,
            sections: report.sections.iter().copied().collect(),
            strategies: strategies.map(|strategies| StrategyCounts {
                resource_patterns: strategies.for_patterns().into(),
                action_texts: strategies.for_action_texts().into(),
                built: strategies.facts().into(),
            }),
        }
    }
}
