//! Folders and files of exports -> [`World`]: found, read side by side, joined in the order of their names.

use crate::assemble::Assembly;
use crate::documents::Documents;
use crate::error::{Errors, InputError};
use crate::file::{self, FileFacts};
use crate::join::Joined;
use crate::report::{Progress, Read, Report};
use crate::{Options, conclude};
use iamc_policy::World;
use iamc_policy::world::{Gap, GapKind};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A file to be read.
struct Input {
    /// As the user named it, with `/` between folders.
    name: Arc<str>,
    path: PathBuf,
    bytes: u64,
}

/// Reads files and folders of exports as one inventory.
///
/// A folder is read whole, but for files and folders whose names begin with a dot. Each file is recognised by its
/// content: our own JSON Lines, account authorization details, outputs of `aws organizations …`, wrapped outputs of the
/// commands that fetch resource policies (docs/inventory-format.md lists them). What is not recognised is in the report.
///
/// The result is the same whatever the order of `paths` and the number of threads; lists of the world are sorted by ARN
/// or id. `progress` is called once for each file, from the threads that read, one call at a time.
///
/// Errors: files that cannot be read, damaged JSON, wrong types, contradictions between files, invalid policies where
/// [`Options`] asks for it; all of them, sorted by file and line. What is missing is no error but for
/// `strict_completeness`. Cost: O(bytes); each file is held in memory while it is read, its policies for good.
pub fn read_folder(
    paths: &[PathBuf],
    options: &Options,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Read, Errors> {
    let (inputs, errors) = find(paths);
    let documents = Documents::new(options.strictness());
    let files = read_all(&inputs, &documents, options.threads, progress);
    join(files, errors, &documents, options)
}

/// Every file below `paths`, sorted by name.
fn find(paths: &[PathBuf]) -> (Vec<Input>, Vec<InputError>) {
    // By name, and by path where two names that are no UTF-8 look the same.
    let mut found: BTreeMap<(String, PathBuf), u64> = BTreeMap::new();
    let mut errors = Vec::new();
    let mut fail = |path: &Path, error: std::io::Error| {
        let help = Some("check the path and its permissions".to_owned());
        let message = format!("cannot be read: {error}");
        errors.push(InputError { file: name_of(path).into(), line: 1, column: 1, message, help });
    };
    // Links may lead in circles: no folder is entered twice.
    let mut entered: BTreeSet<PathBuf> = BTreeSet::new();
    let mut sorted: Vec<&PathBuf> = paths.iter().collect();
    sorted.sort();
    let mut waiting: Vec<PathBuf> = sorted.into_iter().rev().cloned().collect();
    while let Some(path) = waiting.pop() {
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) => {
                fail(&path, error);
                continue;
            }
        };
        if !metadata.is_dir() {
            // Of what lies in a folder only plain files are read: a pipe there would wait for ever.
            if metadata.is_file() || paths.contains(&path) {
                found.insert((name_of(&path), path), metadata.len());
            }
            continue;
        }
        let entries = path.canonicalize().and_then(|real| {
            if !entered.insert(real) {
                return Ok(Vec::new());
            }
            std::fs::read_dir(&path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()
        });
        match entries {
            Ok(mut entries) => {
                entries
                    .retain(|entry| !entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")));
                // The last one in is the first one out.
                entries.sort_by(|a, b| b.cmp(a));
                waiting.append(&mut entries);
            }
            Err(error) => fail(&path, error),
        }
    }
    let inputs = found.into_iter().map(|((name, path), bytes)| Input { name: name.into(), path, bytes }).collect();
    (inputs, errors)
}

/// The name of a path as positions show it.
fn name_of(path: &Path) -> String {
    let name = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { name.into_owned() } else { name.replace(std::path::MAIN_SEPARATOR, "/") }
}

/// Reads every file; `result[i]` is what `inputs[i]` says, whoever read it.
fn read_all(
    inputs: &[Input],
    documents: &Documents,
    threads: Option<usize>,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Vec<FileFacts> {
    let machine = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let n_threads = threads.unwrap_or(machine).clamp(1, inputs.len().max(1));
    let next = AtomicUsize::new(0);
    let n_bytes: u64 = inputs.iter().map(|input| input.bytes).sum();
    let done = Mutex::new((0_usize, 0_u64));
    let work = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(input) = inputs.get(index) else { return results };
            let facts = match std::fs::read(&input.path) {
                Ok(bytes) => file::read(&input.name, &bytes, documents),
                Err(error) => FileFacts::unreadable(input.name.clone(), &error.to_string()),
            };
            results.push((index, facts));
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.0 += 1;
            done.1 += input.bytes;
            progress(&Progress {
                n_done: done.0,
                n_files: inputs.len(),
                bytes_done: done.1,
                bytes: n_bytes,
                file: input.name.clone(),
            });
        }
    };
    let mut results = std::thread::scope(|scope| {
        let others: Vec<_> = (1..n_threads).map(|_| scope.spawn(work)).collect();
        let mut results = work();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                // A panic there is a defect of ours; it must not pass for an empty result.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, facts)| facts).collect()
}

fn join(
    files: Vec<FileFacts>,
    errors: Vec<InputError>,
    documents: &Documents,
    options: &Options,
) -> Result<Read, Errors> {
    let mut report = Report { n_files: files.len(), ..Report::default() };
    let mut inputs: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut assembly = Assembly::default();
    assembly.errors = errors;
    let mut joined = Joined::default();
    for file in files {
        report.n_bytes += file.n_bytes;
        report.n_policies += file.notes.n_policies;
        report.n_warnings += file.notes.n_warnings;
        report.quarantined.extend(file.notes.quarantined);
        report.findings.extend(file.notes.findings);
        report.skipped.extend(file.skipped);
        file.inputs.into_iter().for_each(|(input, n)| *inputs.entry(input).or_default() += n);
        assembly.errors.extend(file.notes.mistakes.into_errors());
        file.facts.into_iter().for_each(|fact| joined.add(fact, &mut assembly));
    }
    report.inputs = inputs.into_iter().collect();
    joined.hand_over(&mut assembly, documents);
    let (mut world, errors) = assembly.finish(true);
    let gaps = joined.gaps(&world);
    add_gaps(&mut world, gaps);
    sort(&mut world);
    conclude(world, errors, report, options)
}

/// Adds gaps; of several about the same thing the first one stays.
fn add_gaps(world: &mut World, gaps: Vec<Gap>) {
    let mut known: BTreeSet<(GapKind, String)> = world.gaps.iter().map(|gap| (gap.kind, gap.subject.clone())).collect();
    for gap in gaps {
        if known.insert((gap.kind, gap.subject.clone())) {
            world.gaps.push(gap);
        }
    }
}

/// The order in which files happen to be named says nothing: lists are sorted by ARN or id.
fn sort(world: &mut World) {
    world.organizations.sort_by(|a, b| a.id.cmp(&b.id));
    world.units.sort_by(|a, b| a.id.cmp(&b.id));
    world.accounts.sort_by_key(|account| account.id);
    world.guardrails.sort_by(|a, b| a.id.cmp(&b.id));
    world.policies.sort_by(|a, b| a.arn.cmp(&b.arn));
    world.users.sort_by(|a, b| a.identity.arn.cmp(&b.identity.arn));
    world.groups.sort_by(|a, b| a.identity.arn.cmp(&b.identity.arn));
    world.roles.sort_by(|a, b| a.identity.arn.cmp(&b.identity.arn));
    world.resources.sort_by(|a, b| a.arn.cmp(&b.arn));
    world.endpoints.sort_by(|a, b| a.id.cmp(&b.id));
    world.providers.sort_by(|a, b| a.arn.cmp(&b.arn));
    world.gaps.sort();
    world.coverage.sort_by(|a, b| (a.account, &a.service).cmp(&(b.account, &b.service)));
}
