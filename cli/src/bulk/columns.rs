//! Rows of tables → request lines, so that a table is read by the reader of request lines.

use crate::ending::Failure;
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

/// The columns that a table of requests may have.
const COLUMNS: [(&str, Cell); 9] = [
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

/// The columns of a table, in its order.
#[derive(Debug)]
pub(super) struct Columns(Vec<(&'static str, Cell)>);

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
            Some(missing) => Err(Failure::Input(format!("`{file}` has no column `{missing}`"))),
            None => Ok(Columns(columns)),
        }
    }

    /// The number of columns.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &'static str {
        self.0.get(index).map_or("", |(name, _)| name)
    }

    /// One row as a request line; an empty cell says nothing.
    ///
    /// # Errors
    /// A message and the column, for a cell that should be JSON and is not.
    pub(super) fn line<'a>(
        &self,
        cells: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<String, (String, Option<String>)> {
        let mut line = String::from("{");
        for ((name, cell), text) in self.0.iter().zip(cells) {
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
        let line =
            columns.line([None, Some("anonymous"), Some("a:\"B"), Some("[\"*\"]"), Some("{\"k\":1}")].into_iter());
        let expected =
            "{\"principal\":\"anonymous\",\"action\":\"a:\\\"B\",\"resource\":[\"*\"],\"context\":{\"k\":1}}";
        assert_eq!(line.unwrap(), expected);
    }

    #[test]
    fn a_cell_cannot_add_fields() {
        let columns = columns(&["principal", "action", "resource", "context"]).unwrap();
        let cells = ["anonymous", "a:B", "*", "{}, \"facts\": {}"].map(Some);
        assert_eq!(columns.line(cells.into_iter()).unwrap_err().1.as_deref(), Some("context"));
    }

    #[test]
    fn headings_are_checked() {
        for names in [&["principal", "action"][..], &["principal", "action", "resource", "who"], &["action", "action"]]
        {
            assert!(columns(names).is_err(), "{names:?}");
        }
    }
}
