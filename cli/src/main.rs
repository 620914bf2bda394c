//! `iamc`, the IAM compiler on the command line.
//!
//! In go arguments, files and standard input; results go to standard output or `-o FILE`, everything else to standard
//! error. No other crate prints. One file a command: [`decide`] (and [`bulk`]),
//! [`questions`], [`export`], [`lint`], [`conform`], [`bench`](mod@bench); [`render`] writes decisions,
//! [`excerpt`] draws findings, [`output`] keeps files whole, [`ending`] knows the exit codes.

mod args;
mod audit;
mod bench;
mod bulk;
mod compile;
mod conform;
mod decide;
mod ending;
mod excerpt;
mod export;
mod input;
mod inventory;
mod lint;
mod organization;
mod output;
mod paths;
mod policies;
mod questions;
mod render;
mod request_options;
mod settings;
mod terminal;

use crate::args::{Cli, Colour, Command};
use crate::ending::{Ending, Failure};
use crate::inventory::Tables;
use crate::output::Output;
use anstream::ColorChoice;
use clap::{CommandFactory, FromArgMatches};
use iamc_catalogue::Catalogue;
use std::ffi::OsString;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The edition of docs/semantics.md that the engines implement.
const SEMANTICS_VERSION: u32 = iamc_runtime::image::SEMANTICS;

fn main() -> ExitCode {
    ending::own_up_to_panics();
    output::tidy_up_on_signals();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    terminal::choose_colour(colour_before_parsing(&arguments));
    let ending = match parse(arguments) {
        Ok(cli) => run(&cli).unwrap_or_else(Failure::report),
        Err(ending) => ending,
    };
    ending.into()
}

/// The arguments, or how a run ends that only shows help or says what is wrong with them.
fn parse(arguments: Vec<OsString>) -> Result<Cli, Ending> {
    let colour = match ColorChoice::global() {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => clap::ColorChoice::Always,
        ColorChoice::Never => clap::ColorChoice::Never,
        ColorChoice::Auto => clap::ColorChoice::Auto,
    };
    let matches = Cli::command().color(colour).try_get_matches_from(arguments);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| {
        // Where the stream is closed there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() { Ending::Usage } else { Ending::Done }
    })
}

/// `--color` as it stands in the arguments: messages about wrong arguments obey it too.
fn colour_before_parsing(arguments: &[OsString]) -> ColorChoice {
    let mut choice = ColorChoice::Auto;
    let mut arguments = arguments.iter().skip(1).map(|argument| argument.to_string_lossy());
    while let Some(argument) = arguments.next() {
        let value = match argument.strip_prefix("--color") {
            _ if argument == "--" => break,
            Some("") => arguments.next().map(|value| value.into_owned()),
            Some(rest) => rest.strip_prefix('=').map(str::to_owned),
            None => None,
        };
        choice = match value.as_deref() {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            Some("auto") => ColorChoice::Auto,
            _ => choice,
        };
    }
    choice
}

fn run(cli: &Cli) -> Result<Ending, Failure> {
    terminal::choose_colour(match cli.global.color {
        Colour::Auto => ColorChoice::Auto,
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    });
    if cli.version {
        return print(&version(Tables::read(cli.global.catalogue.as_deref())?.get()));
    }
    match &cli.command {
        Some(Command::Decide(args)) => decide::run(args, &cli.global),
        Some(Command::WhoCan(args)) => questions::who_can(args, &cli.global),
        Some(Command::WhatCan(args)) => questions::what_can(args, &cli.global),
        Some(Command::Matrix(args)) => questions::matrix(args, &cli.global),
        Some(Command::Paths(args)) => paths::run(args, &cli.global),
        Some(Command::Audit(args)) => audit::run(args, &cli.global),
        Some(Command::Compile(args)) => compile::compile(args, &cli.global),
        Some(Command::Inspect(args)) => compile::inspect(args, &cli.global),
        Some(Command::Export(args)) => export::run(args, &cli.global),
        Some(Command::Lint(args)) => lint::run(args, &cli.global),
        Some(Command::Conform(args)) => conform::run(args, &cli.global),
        Some(Command::Bench(args)) => bench::run(args, &cli.global),
        Some(Command::Completions(args)) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "iamc", &mut script);
            let mut output = Output::open(cli.global.output.as_deref())?;
            output.bytes(&script)?;
            output.finish()?;
            Ok(Ending::Done)
        }
        None => {
            terminal::say(&Cli::command().render_help().ansi().to_string());
            Ok(Ending::Usage)
        }
    }
}

fn print(text: &str) -> Result<Ending, Failure> {
    let mut output = Output::open(None)?;
    output.bytes(text.as_bytes())?;
    output.finish()?;
    Ok(Ending::Done)
}

/// Version, version of the semantics, date of the catalogue.
fn version(catalogue: &Catalogue) -> String {
    let edition = catalogue.date().unwrap_or("without date");
    format!("iamc {} (semantics {SEMANTICS_VERSION}, catalogue {edition})\n", env!("CARGO_PKG_VERSION"))
}
