//! Rows of tables → request lines, so that a table is read by the reader of request lines.

use super::window::RowError;
use crate::ending::Failure;
use iamc_inventory::request::plain::PlainLine;
use serde_json::Value;
use serde_json::value::RawValue;

/// What stands in a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// A text.
    Text,
    /// A text, or the JSON of an object or list where it begins with a bracket, which no name of AWS does.
    TextOrJson,
    /// JSON.
    Json,
}

/// The number of columns that there are.
pub(super) const COLUMNS_MAX: usize = 9;

/// The columns that a table of requests may have.
const COLUMNS: [(&str, Cell); COLUMNS_MAX] = [
    ("id", Cell::Text),
    ("principal", Cell::TextOrJson),
    ("action", Cell::Text),
    ("resource", Cell::TextOrJson),
    ("resource_account", Cell::Text),
    ("context", Cell::Json),
    ("session", Cell::Json),
    ("vpc_endpoint", Cell::Text),
    ("facts", Cell::Json),
];

const NEEDED: [&str; 3] = ["principal", "action", "resource"];

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Columns {
    /// In the order of the table.
    columns: Vec<(&'static str, Cell)>,
    /// By column: its position in [`COLUMNS`].
    places: Vec<usize>,
}

/// The cells of a row, in the order of its table; an empty one says nothing.
pub(super) type Cells<'a> = [Option<&'a str>];

impl Columns {
    /// # Errors
    /// [`Failure::Input`] for a column that does not exist, stands twice or is missing; `file` is the table's name.
    pub(super) fn new<'a>(file: &str, names: impl Iterator<Item = &'a str>) -> Result<Columns, Failure> {
        let mut columns: Vec<(&'static str, Cell)> = Vec::new();
        let all = || COLUMNS.map(|(name, _)| name).join(", ");
        for name in names {
            let Some(column) = COLUMNS.into_iter().find(|(known, _)| *known == name) else {
                let message = format!("`{file}` has a column `{name}`; requests have the columns {}", all());
                return Err(Failure::Input(message));
            };
            if columns.contains(&column) {
                return Err(Failure::Input(format!("`{file}` has the column `{name}` twice")));
            }
            columns.push(column);
        }
        match NEEDED.into_iter().find(|needed| !columns.iter().any(|(name, _)| name == needed)) {
            Some(missing) => Err(Failure::Input(format!(
                "`{file}` has no column `{missing}`; requests have the columns {}, of which {} are needed",
                all(),
                NEEDED.join(", ")
            ))),
            None => {
                let place = |(name, _): &(&str, Cell)| COLUMNS.iter().position(|(known, _)| known == name);
                Ok(Columns { places: columns.iter().filter_map(place).collect(), columns })
            }
        }
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &'static str {
        self.columns.get(index).map_or("", |(name, _)| name)
    }

    /// One row as a plain request line; `None`: only [`Columns::line`] can tell.
    pub(super) fn plain<'a>(&self, cells: &Cells<'a>) -> Option<PlainLine<'a>> {
        let mut values = [None; COLUMNS.len()];
        for (place, text) in self.places.iter().zip(cells) {
            values[*place] = text.filter(|text| !text.is_empty());
        }
        let [id, principal, action, resource, resource_account, context, session, vpc_endpoint, facts] = values;
        let named = |text: Option<&'a str>| text.filter(|text| !text.starts_with(['{', '[']));
        if session.is_some() || vpc_endpoint.is_some() || facts.is_some() {
            return None;
        }
        let mut shared = [None; PlainLine::SHARED.len()];
        shared[0] = context;
        let (principal, resource) = (named(principal)?, named(resource)?);
        Some(PlainLine { id, principal, action: action?, resource, resource_account, session: None, shared })
    }

    /// One row as a request line.
    ///
    /// # Errors
    /// A message and the column, for a cell that should be JSON and is not.
    pub(super) fn line(&self, cells: &Cells<'_>) -> Result<String, RowError> {
        let mut line = String::from("{");
        for ((name, cell), text) in self.columns.iter().zip(cells) {
            let Some(text) = text.filter(|text| !text.is_empty()) else { continue };
            if line.len() > 1 {
                line.push(',');
            }
            line.push_str(&format!("\"{name}\":"));
            let is_json = match cell {
                Cell::Text => false,
                Cell::TextOrJson => text.starts_with(['{', '[']),
                Cell::Json => true,
            };
            if is_json {
                // Checked before it becomes a part of the line: a cell must not be able to add fields.
                let raw: &RawValue = serde_json::from_str(text)
                    .map_err(|error| (format!("not valid JSON: {error}"), Some((*name).to_owned())))?;
                line.push_str(raw.get());
            } else {
                line.push_str(&Value::String(text.to_owned()).to_string());
            }
        }
        line.push('}');
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Result<Columns, Failure> {
        Columns::new("t.csv", names.iter().copied())
    }

    #[test]
    fn cells_become_fields_and_empty_ones_do_not() {
        let columns = columns(&["id", "principal", "action", "resource", "context"]).unwrap();
        let line = columns.line(&[None, Some("anonymous"), Some("a:\"B"), Some("[\"*\"]"), Some("{\"k\":1}")]);
        let expected =
            "{\"principal\":\"anonymous\",\"action\":\"a:\\\"B\",\"resource\":[\"*\"],\"context\":{\"k\":1}}";
        assert_eq!(line.unwrap(), expected);
    }

    #[test]
    fn a_cell_cannot_add_fields() {
        let columns = columns(&["principal", "action", "resource", "context"]).unwrap();
        let cells = ["anonymous", "a:B", "*", "{}, \"facts\": {}"].map(Some);
        assert_eq!(columns.line(&cells).unwrap_err().1.as_deref(), Some("context"));
    }

    #[test]
    fn headings_are_checked() {
        for names in [&["principal", "action"][..], &["principal", "action", "resource", "who"], &["action", "action"]]
        {
            assert!(columns(names).is_err(), "{names:?}");
        }
    }
}
