//! Reader of AWS's service reference: one JSON document for each service.
//!
//! The form has no marks for required resource types and no dependent actions. `required` is therefore `false`
//! throughout; and where an operation carries the name of an action, the other actions that authorize it are that
//! action's dependent ones.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::load::{Files, json_files};
use crate::tolerant::{Texts, Values, arn_templates};
use crate::{
    AccessLevel, ActionEntry, ActionResource, Edition, KeyEntry, KeyFacts, LoadError, ResourceTypeEntry, ServiceEntry,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    name: String,
    #[serde(default)]
    actions: Values<ActionJson>,
    #[serde(default)]
    resources: Values<ResourceTypeJson>,
    #[serde(default)]
    condition_keys: Values<KeyJson>,
    #[serde(default)]
    operations: Values<OperationJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionJson {
    name: String,
    #[serde(default)]
    action_condition_keys: Texts,
    #[serde(default)]
    resources: Values<ActionResourceJson>,
    annotations: Option<Annotations>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionResourceJson {
    name: String,
    #[serde(default)]
    condition_keys: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Annotations {
    properties: Option<Properties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Properties {
    #[serde(default)]
    is_list: bool,
    #[serde(default)]
    is_permission_management: bool,
    #[serde(default)]
    is_tagging_only: bool,
    #[serde(default)]
    is_write: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceTypeJson {
    name: String,
    #[serde(default, rename = "ARNFormats")]
    arn_formats: Texts,
    #[serde(default)]
    condition_keys: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyJson {
    name: String,
    #[serde(default)]
    types: Texts,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OperationJson {
    #[serde(default)]
    name: String,
    #[serde(default)]
    authorized_actions: Values<AuthorizedActionJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AuthorizedActionJson {
    #[serde(default)]
    name: String,
    #[serde(default)]
    service: String,
}

/// How deep folders are searched: `v1/s3/s3.json` is how the files are published.
const DEPTH_MAX: usize = 8;

/// Reads all documents of a folder. Files that hold no service document, such as the list of services, are passed over.
pub(crate) fn read_folder(path: &Path, files: &mut Files) -> Result<Edition, LoadError> {
    let mut edition = empty();
    for file in json_files(path, DEPTH_MAX)? {
        let bytes = files.read(&file)?;
        for document in documents(&file, &bytes)? {
            add(&mut edition, document);
        }
    }
    Ok(edition)
}

/// Reads one file; `None` if it holds no service document.
pub(crate) fn read_file(path: &Path, bytes: &[u8]) -> Result<Option<Edition>, LoadError> {
    let mut edition = empty();
    for document in documents(path, bytes)? {
        add(&mut edition, document);
    }
    Ok((edition != empty()).then_some(edition))
}

fn empty() -> Edition {
    Edition { name: "AWS service reference".to_owned(), ..Edition::default() }
}

fn documents(path: &Path, bytes: &[u8]) -> Result<Vec<Document>, LoadError> {
    let read = match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
        Some(b'[') => serde_json::from_slice(bytes),
        _ => serde_json::from_slice(bytes).map(|document| vec![document]),
    };
    let documents: Vec<Document> = read.map_err(|source| LoadError::Json { path: path.to_owned(), source })?;
    let is_service = |d: &Document| !d.actions.0.is_empty() || !d.condition_keys.0.is_empty();
    Ok(documents.into_iter().filter(is_service).collect())
}

fn add(edition: &mut Edition, document: Document) {
    let keys = document
        .condition_keys
        .0
        .into_iter()
        .map(|k| KeyEntry { facts: k.types.0.iter().find_map(|t| KeyFacts::parse(t)), name: k.name });
    if document.actions.0.is_empty() {
        // The consolidated list of global keys belongs to no service.
        edition.keys.extend(keys);
        return;
    }
    let mut operations: Operations = BTreeMap::new();
    for operation in &document.operations.0 {
        operations.entry(operation.name.to_ascii_lowercase()).or_default().extend(&operation.authorized_actions.0);
    }
    let actions = document.actions.0.into_iter().map(|a| action(a, &document.name, &operations));
    edition.services.push(ServiceEntry {
        name: String::new(),
        actions: actions.collect(),
        resource_types: document
            .resources
            .0
            .into_iter()
            .map(|t| ResourceTypeEntry {
                name: t.name,
                arn_templates: arn_templates(&t.arn_formats.0),
                keys: t.condition_keys.0,
            })
            .collect(),
        keys: keys.collect(),
        prefix: document.name,
    });
}

/// The actions that authorize an operation, by its name in ASCII lower case.
type Operations<'a> = BTreeMap<String, Vec<&'a AuthorizedActionJson>>;

fn action(action: ActionJson, service: &str, operations: &Operations<'_>) -> ActionEntry {
    let own =
        |a: &AuthorizedActionJson| a.service.eq_ignore_ascii_case(service) && a.name.eq_ignore_ascii_case(&action.name);
    let authorized = operations.get(&action.name.to_ascii_lowercase()).map_or(&[][..], Vec::as_slice);
    let others = authorized.iter().filter(|a| !own(a) && !a.name.is_empty());
    let dependent_actions = others.map(|a| format!("{}:{}", a.service, a.name)).collect();
    ActionEntry {
        access_level: action.annotations.and_then(|a| a.properties).map(level),
        resources: action
            .resources
            .0
            .into_iter()
            .map(|r| ActionResource { resource_type: r.name, required: false, keys: r.condition_keys.0 })
            .collect(),
        keys: action.action_condition_keys.0,
        dependent_actions,
        name: action.name,
    }
}

fn level(properties: Properties) -> AccessLevel {
    if properties.is_permission_management {
        AccessLevel::PermissionsManagement
    } else if properties.is_tagging_only {
        AccessLevel::Tagging
    } else if properties.is_write {
        AccessLevel::Write
    } else if properties.is_list {
        AccessLevel::List
    } else {
        AccessLevel::Read
    }
}
