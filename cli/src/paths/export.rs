//! Edges for other programs: Parquet for tables, GraphML for graphs.

use crate::ending::Failure;
use crate::output::Output;
use crate::questions::rows::Rows;
use iamc_analysis::{Edge, Reach};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::borrow::Cow;
use std::collections::HashMap;
use std::io;
use std::path::Path;

/// What stands in each edge beside its ends.
const ABOUT: [&str; 4] = ["effect", "row", "family", "holds"];

/// How edges are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Parquet,
    GraphMl,
}

impl Format {
    /// By the ending of the file's name.
    ///
    /// # Errors
    /// [`Failure::Usage`]: it is neither.
    pub(crate) fn of(path: &Path) -> Result<Format, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("parquet") => Ok(Format::Parquet),
            Some("graphml") => Ok(Format::GraphMl),
            _ => Err(Failure::Usage(format!(
                "`--export {}`: the name ends with .parquet or .graphml, which says what is written",
                path.display()
            ))),
        }
    }
}

/// Writes every edge of the world as it is.
///
/// # Errors
/// [`Failure::Output`]; [`Failure::Input`]: the inventory cannot be compiled.
pub(crate) fn write(reach: &mut Reach, path: &Path, format: Format) -> Result<(), Failure> {
    let output = Output::open(Some(path))?;
    match format {
        Format::Parquet => {
            let columns: Vec<&str> = ["from", "to"].into_iter().chain(ABOUT).collect();
            let mut rows = Rows::parquet(output, &columns)?;
            reach.for_each_edge(&mut |edge| -> Result<(), Failure> {
                let cells = [edge.from, edge.to].into_iter().chain(about(&edge));
                rows.write(cells.map(|cell| Some(cell.to_owned())).collect())
            })?;
            rows.finish()
        }
        Format::GraphMl => graph(reach, output),
    }
}

/// In the order of [`ABOUT`].
fn about(edge: &Edge<'_>) -> [&'static str; 4] {
    let holds = if edge.definite { "definite" } else { "possible" };
    [edge.effect, edge.row, edge.family.as_str(), holds]
}

/// Each node stands before the first edge that it is an end of.
fn graph(reach: &mut Reach, output: Output) -> Result<(), Failure> {
    let mut xml = Writer::new_with_indent(output, b' ', 1);
    let begun = begin(&mut xml);
    begun.map_err(|error| xml.get_mut().failure(error))?;
    let mut nodes: HashMap<String, usize> = HashMap::new();
    reach.for_each_edge(&mut |edge| -> Result<(), Failure> {
        let put = put(&mut xml, &mut nodes, &edge);
        put.map_err(|error| xml.get_mut().failure(error))
    })?;
    let ended = ["graph", "graphml"].into_iter().try_for_each(|name| xml.write_event(Event::End(BytesEnd::new(name))));
    ended.map_err(|error| xml.get_mut().failure(error))?;
    let mut output = xml.into_inner();
    output.bytes(b"\n")?;
    output.finish()
}

fn begin(xml: &mut Writer<Output>) -> io::Result<()> {
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let namespace = ("xmlns", "http://graphml.graphdrawing.org/xmlns");
    xml.write_event(Event::Start(BytesStart::new("graphml").with_attributes([namespace])))?;
    let keys = [("name", "node")].into_iter().chain(ABOUT.map(|key| (key, "edge")));
    for (key, of) in keys {
        let attributes = [("id", key), ("for", of), ("attr.name", key), ("attr.type", "string")];
        xml.write_event(Event::Empty(BytesStart::new("key").with_attributes(attributes)))?;
    }
    let attributes = [("id", "edges"), ("edgedefault", "directed")];
    xml.write_event(Event::Start(BytesStart::new("graph").with_attributes(attributes)))
}

fn put(xml: &mut Writer<Output>, nodes: &mut HashMap<String, usize>, edge: &Edge<'_>) -> io::Result<()> {
    let mut ends = [String::new(), String::new()];
    for (end, name) in ends.iter_mut().zip([edge.from, edge.to]) {
        let next = nodes.len();
        let known = nodes.get(name).copied();
        *end = format!("n{}", known.unwrap_or(next));
        if known.is_none() {
            nodes.insert(name.to_owned(), next);
            xml.write_event(Event::Start(BytesStart::new("node").with_attributes([("id", end.as_str())])))?;
            data(xml, "name", name)?;
            xml.write_event(Event::End(BytesEnd::new("node")))?;
        }
    }
    let [source, target] = &ends;
    let attributes = [("source", source.as_str()), ("target", target.as_str())];
    xml.write_event(Event::Start(BytesStart::new("edge").with_attributes(attributes)))?;
    for (key, value) in ABOUT.into_iter().zip(about(edge)) {
        data(xml, key, value)?;
    }
    xml.write_event(Event::End(BytesEnd::new("edge")))
}

fn data(xml: &mut Writer<Output>, key: &str, text: &str) -> io::Result<()> {
    let element = xml.create_element("data").with_attribute(("key", key));
    element.write_text_content(BytesText::new(&without_controls(text))).map(|_| ())
}

/// XML has no sign for most control characters, however they are written.
fn without_controls(text: &str) -> Cow<'_, str> {
    let is_none = |sign: char| sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_none) { text.replace(is_none, "\u{fffd}").into() } else { text.into() }
}
