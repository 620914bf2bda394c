//! Folders and files of exports -> [`World`]: found, read side by side, joined in the order of their names.

use crate::assemble::Assembly;
use crate::collect::{self, Spot};
use crate::documents::Documents;
use crate::error::Errors;
use crate::file::{self, FileFacts};
use crate::input::{self, FileInput, Found, Input};
use crate::join::Joined;
use crate::report::{Progress, Read, Report};
use crate::{Options, conclude};
use iamc_policy::World;
use iamc_policy::world::{Gap, GapKind};
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};

/// Reads files and folders of exports as one inventory.
///
/// A folder is read whole, but for files and folders whose names begin with a dot. Each file is recognised by its
/// content, docs/inventory-format.md says how; gzip and Zstandard are undone. What is not recognised is in the report,
/// and so is what lies in a folder and cannot be read, such as a link that leads nowhere.
///
/// The result is the same whatever the order of `paths` and the number of threads; lists of the world are sorted by ARN
/// or id. `progress` is called once for each file, from the threads that read, one call at a time.
///
/// Errors: paths that cannot be read, damaged JSON, wrong types, contradictions between files, invalid policies where
/// [`Options`] asks for it; all of them, sorted by file and line. What is missing is no error but for
/// `strict_completeness`. Cost: O(bytes); each file is held in memory while it is read, its policies for good.
pub fn read_folder(
    paths: &[PathBuf],
    options: &Options,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Read, Errors> {
    read_inputs(paths.iter().cloned().map(Input::Path).collect(), options, progress)
}

/// Reads files, folders and texts as one inventory: [`read_folder`] for whoever has some of the content in memory.
///
/// ```
/// use iamc_inventory::{Input, Options, read_inputs};
/// let bytes = br#"{"Organization": {"Id": "o-exampleorgid", "MasterAccountId": "999999999999"}}"#.to_vec();
/// let input = Input::Bytes { name: "describe-organization.json".into(), bytes };
/// let read = read_inputs(vec![input], &Options::default(), &|_| {}).unwrap();
/// assert_eq!(read.world.organizations[0].id, "o-exampleorgid");
/// ```
///
/// Errors and cost: those of [`read_folder`].
pub fn read_inputs(
    inputs: Vec<Input>,
    options: &Options,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Read, Errors> {
    let Found { files, errors, unread } = input::find(inputs);
    let documents = Documents::new(options.strictness());
    let mut inputs: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut report = Report { n_files: files.len(), unread, ..Report::default() };
    let mut assembly = Assembly::default();
    assembly.errors = errors;
    let mut joined = Joined::default();
    let take = |file: FileFacts| {
        report.n_bytes += file.n_bytes;
        report.n_policies += file.notes.n_policies;
        report.n_warnings += file.notes.n_warnings;
        report.quarantined.extend(file.notes.quarantined);
        report.findings.extend(file.notes.findings);
        report.skipped.extend(file.skipped);
        file.inputs.into_iter().for_each(|(input, n)| *inputs.entry(input).or_default() += n);
        assembly.errors.extend(file.notes.mistakes.into_errors());
        file.facts.into_iter().for_each(|fact| joined.add(fact, &mut assembly));
    };
    read_all(&units(&files), &documents, options.threads, progress, take);
    report.inputs = inputs.into_iter().collect();
    joined.settle_config(&mut assembly);
    joined.hand_over(&mut assembly, &documents);
    joined.hand_over_key_uses(&mut assembly);
    // Nothing is parsed any more.
    drop(documents);
    let (mut world, errors) = assembly.finish(true, options.assume_complete, std::mem::take(&mut joined.shared));
    let gaps = joined.gaps(&world);
    add_gaps(&mut world, gaps);
    sort(&mut world);
    conclude(world, errors, report, options)
}

/// Files that are read together.
struct Unit<'i> {
    /// Where they lie in a store of iam-collect, if they lie in one.
    spot: Option<Spot>,
    files: Vec<&'i FileInput>,
}

/// Every file is read on its own, but for those of a store, of which a folder is one thing; in the order of the names
/// of their first files.
fn units<'i>(files: &'i [FileInput]) -> Vec<Unit<'i>> {
    let mut folders: HashMap<&str, usize> = HashMap::new();
    let mut units: Vec<Unit<'i>> = Vec::with_capacity(files.len());
    for file in files {
        let name = input::plain_name(&file.name);
        let spot = collect::spot(name);
        let folder = spot.as_ref().filter(|spot| collect::is_folder(spot)).and_then(|_| name.rsplit_once('/'));
        if let Some((folder, _)) = folder {
            match folders.entry(folder) {
                Entry::Occupied(at) => {
                    units[*at.get()].files.push(file);
                    continue;
                }
                Entry::Vacant(at) => drop(at.insert(units.len())),
            }
        }
        units.push(Unit { spot, files: vec![file] });
    }
    let is_metadata = |file: &&FileInput| input::plain_name(&file.name).ends_with(collect::METADATA);
    let is_whole =
        |unit: &Unit<'i>| !unit.spot.as_ref().is_some_and(collect::is_folder) || unit.files.iter().any(is_metadata);
    let alone = |file: &'i FileInput| Unit { spot: None, files: vec![file] };
    let split = |unit: Unit<'i>| if is_whole(&unit) { vec![unit] } else { unit.files.into_iter().map(alone).collect() };
    units.into_iter().flat_map(split).collect()
}

/// Bytes of files that a thread reads before it hands over what they say.
const BYTES_AT_ONCE: u64 = 256 << 10;

/// Reads every unit and hands over what each says, in the order of the units, whoever read it: what was read is joined
/// while others are read, so that no more than some units are held beside the world.
fn read_all(
    units: &[Unit<'_>],
    documents: &Documents,
    threads: Option<usize>,
    progress: &(dyn Fn(&Progress) + Sync),
    mut take: impl FnMut(FileFacts),
) {
    let all = || units.iter().flat_map(|unit| &unit.files);
    let (n_files, n_bytes) = (all().count(), all().map(|file| file.n_bytes).sum());
    let done = Mutex::new((0_usize, 0_u64));
    let read = |unit: &Unit<'_>| {
        let facts = read_unit(unit, documents);
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        for file in &unit.files {
            done.0 += 1;
            done.1 += file.n_bytes;
            progress(&Progress {
                n_done: done.0,
                n_files,
                bytes_done: done.1,
                bytes: n_bytes,
                file: file.name.clone(),
            });
        }
        facts
    };
    let portions = portions(units);
    let machine = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let n_threads = threads.unwrap_or(machine).clamp(1, portions.len().max(1));
    if n_threads == 1 {
        units.iter().for_each(|unit| take(read(unit)));
        return;
    }
    let next = AtomicUsize::new(0);
    let (sender, portions_read) = mpsc::sync_channel(n_threads);
    let work = |sender: SyncSender<(usize, Vec<FileFacts>)>| {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(portion) = portions.get(index) else { return };
            // Nobody takes it any more where the program is about to end by a panic.
            if sender.send((index, portion.iter().map(read).collect())).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..n_threads)
            .map(|_| {
                let sender = sender.clone();
                scope.spawn(|| work(sender))
            })
            .collect();
        drop(sender);
        // Those that were read before one that comes first.
        let mut early: BTreeMap<usize, Vec<FileFacts>> = BTreeMap::new();
        let mut due = 0;
        for (index, facts) in portions_read {
            early.insert(index, facts);
            while let Some(facts) = early.remove(&due) {
                facts.into_iter().for_each(&mut take);
                due += 1;
            }
        }
        for worker in workers {
            // A panic there is a defect of ours; it must not pass for an empty result.
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

/// The units in portions of some bytes, so that many small files are not handed over one by one.
fn portions<'u, 'i>(units: &'u [Unit<'i>]) -> Vec<&'u [Unit<'i>]> {
    let mut portions = Vec::new();
    let (mut first, mut n_bytes) = (0, 0);
    for (at, unit) in units.iter().enumerate() {
        n_bytes += unit.files.iter().map(|file| file.n_bytes).sum::<u64>();
        if n_bytes >= BYTES_AT_ONCE || at + 1 == units.len() {
            portions.push(&units[first..=at]);
            (first, n_bytes) = (at + 1, 0);
        }
    }
    portions
}

fn read_unit(unit: &Unit<'_>, documents: &Documents) -> FileFacts {
    let mut contents = Vec::with_capacity(unit.files.len());
    for file in &unit.files {
        match file.read() {
            Ok(bytes) => contents.push((file.name.clone(), bytes)),
            Err(error) => return FileFacts::unreadable(input::unreadable(file.name.clone(), &error)),
        }
    }
    match (&unit.spot, contents.as_slice()) {
        (Some(spot), contents) => file::read_store(spot, contents, documents),
        (None, [(name, bytes)]) => file::read(name, bytes, documents),
        // Only files of a store are read together.
        (None, contents) => file::read_store(&Spot::Index, contents, documents),
    }
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
    in_order_of(&mut world.organizations, |x| &x.id);
    in_order_of(&mut world.units, |x| &x.id);
    world.accounts.sort_by_key(|account| account.id);
    in_order_of(&mut world.guardrails, |x| &x.id);
    in_order_of(&mut world.policies, |x| &x.arn);
    in_order_of(&mut world.users, |x| &x.identity.arn);
    in_order_of(&mut world.groups, |x| &x.identity.arn);
    in_order_of(&mut world.roles, |x| &x.identity.arn);
    in_order_of(&mut world.resources, |x| &x.arn);
    in_order_of(&mut world.endpoints, |x| &x.id);
    in_order_of(&mut world.providers, |x| &x.arn);
    in_order_of(&mut world.instance_profiles, |x| &x.arn);
    in_order_of(&mut world.runs_as, |x| &x.resource);
    in_order_of(&mut world.shares, |x| &x.arn);
    in_order_of(&mut world.last_use, |x| &x.arn);
    world.gaps.sort();
    world.coverage.sort_by(|a, b| (a.account, &a.service).cmp(&(b.account, &b.service)));
}

/// Sorts by a key. What is sorted is numbers: the things themselves are large, and each is moved to its place at once.
fn in_order_of<T, K: Ord>(list: &mut [T], key: impl Fn(&T) -> &K) {
    let mut order: Vec<usize> = (0..list.len()).collect();
    order.sort_by(|a, b| key(&list[*a]).cmp(key(&list[*b])));
    // What belongs at `to` stands at `order[to]`: each cycle is walked once, its first thing taken along.
    for start in 0..list.len() {
        let mut to = start;
        while order[to] != start {
            let from = std::mem::replace(&mut order[to], to);
            list.swap(to, from);
            to = from;
        }
        order[to] = to;
    }
}

#[cfg(test)]
mod tests {
    use super::in_order_of;

    #[test]
    fn whatever_the_order_it_is_undone() {
        let mut seed = 1_u64;
        for n in 0..60 {
            let mut list: Vec<u64> = Vec::new();
            for _ in 0..n {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                list.push(seed >> 58);
            }
            let mut expected = list.clone();
            expected.sort();
            in_order_of(&mut list, |x| x);
            assert_eq!(list, expected);
        }
    }
}
