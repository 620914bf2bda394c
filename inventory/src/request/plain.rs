//! Request lines in the form that nearly all have, read without copying: for logs of millions of lines.
//!
//! A line that is not in this form may be one all the same: then [`super::read_line`] reads it, or says what is wrong.

use super::quick::{Value, Walk};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A request line whose fields are what they mostly are. Its values are not judged: a principal is any text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainLine<'a> {
    /// `id`, if it is a text.
    pub id: Option<&'a str>,
    /// `principal`, if it is a text.
    pub principal: &'a str,
    /// `action`.
    pub action: &'a str,
    /// `resource`, if it is a text.
    pub resource: &'a str,
    /// `resource_account`.
    pub resource_account: Option<&'a str>,
    /// The JSON of `session`.
    pub session: Option<&'a str>,
    /// The JSON of the fields that many lines have in common ([`PlainLine::SHARED`]), where they are there.
    pub shared: [Option<&'a str>; PlainLine::SHARED.len()],
}

const NAMES: [&str; 6] = ["id", "principal", "action", "resource", "resource_account", "session"];

impl<'a> PlainLine<'a> {
    /// Fields whose meaning depends on no other field, and that together say in which context a line is to be decided.
    pub const SHARED: [&'static str; 6] = ["context", "absent", "present", "unknown", "mode", "vpc_endpoint"];

    /// Reads a line. `None`: it is in another form, or it is no request line; [`super::read_line`] says which.
    ///
    /// Cost: O(bytes), one pass, without allocation.
    ///
    /// ```
    /// use iamc_inventory::request::plain::PlainLine;
    /// let line = PlainLine::read(r#"{"principal": "a", "action": "s3:GetObject", "resource": "*", "mode": "open"}"#);
    /// assert_eq!(line.unwrap().shared, [None, None, None, None, Some("\"open\""), None]);
    /// assert_eq!(PlainLine::read(r#"{"principal": "a", "action": "s3:GetObject", "resource": ["*"]}"#), None);
    /// ```
    pub fn read(text: &'a str) -> Option<PlainLine<'a>> {
        PlainLine::quick(text.strip_suffix('\r').unwrap_or(text)).or_else(|| PlainLine::any(text))
    }

    /// Reads a line that has nothing unusual in it.
    fn quick(text: &'a str) -> Option<PlainLine<'a>> {
        let mut names = [None; NAMES.len() - 1];
        let mut shared = [None; PlainLine::SHARED.len()];
        let mut walk = Walk::new(text)?;
        walk.object(|walk, name| {
            let (place, value) = match NAMES[..NAMES.len() - 1].iter().position(|known| *known == name) {
                Some(at) => match walk.single()? {
                    Value::Text { text, .. } => (&mut names[at], text),
                    _ => return None,
                },
                None => {
                    let at = PlainLine::SHARED.iter().position(|known| *known == name)?;
                    match walk.value()? {
                        Value::Text { json, .. } | Value::Scalar(json) | Value::Object(json) => (&mut shared[at], json),
                    }
                }
            };
            place.replace(value).is_none().then_some(())
        })?;
        walk.end()?;
        let [id, principal, action, resource, resource_account] = names;
        let (principal, action, resource) = (principal?, action?, resource?);
        Some(PlainLine { id, principal, action, resource, resource_account, session: None, shared })
    }

    fn any(text: &'a str) -> Option<PlainLine<'a>> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let fields = reader.deserialize_map(Fields).ok()?;
        reader.end().ok()?;
        let [id, principal, action, resource, resource_account, session] = fields.names;
        let text_of = |value: Option<&'a str>| match value {
            None => Some(None),
            Some(json) => plain_text(json).map(Some),
        };
        Some(PlainLine {
            id: text_of(id)?,
            principal: plain_text(principal?)?,
            action: plain_text(action?)?,
            resource: plain_text(resource?)?,
            resource_account: text_of(resource_account)?,
            session,
            shared: fields.shared,
        })
    }
}

/// The keys of a `context` in which each has one value.
#[derive(Debug, Clone, Copy)]
pub struct Singles<'a> {
    keys: [(&'a str, &'a str); Singles::MAX],
    len: usize,
}

impl<'a> Singles<'a> {
    /// The largest number of keys.
    pub const MAX: usize = 16;

    /// Reads the JSON of a `context`. `None`: it has lists, escapes or more keys, or it is none; [`super::read_line`]
    /// says which.
    ///
    /// Cost: O(bytes), one pass, without allocation.
    ///
    /// ```
    /// use iamc_inventory::request::plain::Singles;
    /// let context = Singles::read(r#"{"aws:SourceIp": "10.0.0.1", "s3:max-keys": 10}"#).unwrap();
    /// assert_eq!(context.keys(), [("aws:SourceIp", "10.0.0.1"), ("s3:max-keys", "10")]);
    /// assert!(Singles::read(r#"{"aws:TagKeys": ["a"]}"#).is_none());
    /// ```
    pub fn read(json: &'a str) -> Option<Singles<'a>> {
        Singles::quick(json).or_else(|| Singles::any(json))
    }

    fn quick(json: &'a str) -> Option<Singles<'a>> {
        let mut singles = Singles { keys: [("", ""); Singles::MAX], len: 0 };
        let mut walk = Walk::new(json)?;
        walk.object(|walk, name| {
            let (Value::Text { text: value, .. } | Value::Scalar(value)) = walk.single()? else { return None };
            *singles.keys.get_mut(singles.len)? = (name, value);
            singles.len += 1;
            Some(())
        })?;
        walk.end()?;
        Some(singles)
    }

    fn any(json: &'a str) -> Option<Singles<'a>> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let singles = reader.deserialize_map(SingleKeys).ok()?;
        reader.end().ok()?;
        Some(singles)
    }

    /// Names, as they are written, and values, in the order in which they are written. A name may stand twice.
    pub fn keys(&self) -> &[(&'a str, &'a str)] {
        &self.keys[..self.len]
    }
}

struct SingleKeys;

impl<'de> Visitor<'de> for SingleKeys {
    type Value = Singles<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("keys with one value each")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let other = || serde::de::Error::custom("not a plain context");
        let mut singles = Singles { keys: [("", ""); Singles::MAX], len: 0 };
        while let Some((name, value)) = map.next_entry::<&str, &RawValue>()? {
            let json = value.get();
            let value = match json.as_bytes().first() {
                Some(b'"') => plain_text(json).ok_or_else(other)?,
                Some(b'-' | b'0'..=b'9' | b't' | b'f') => json,
                _ => return Err(other()),
            };
            *singles.keys.get_mut(singles.len).ok_or_else(other)? = (name, value);
            singles.len += 1;
        }
        Ok(singles)
    }
}

/// The text of a JSON string without escapes.
fn plain_text(json: &str) -> Option<&str> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.as_bytes().contains(&b'\\')).then_some(inner)
}

/// The JSON of the known fields, each once.
struct Collected<'a> {
    names: [Option<&'a str>; NAMES.len()],
    shared: [Option<&'a str>; PlainLine::SHARED.len()],
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Collected<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain request line")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let other = || serde::de::Error::custom("not a plain request line");
        let mut fields = Collected { names: [None; NAMES.len()], shared: [None; PlainLine::SHARED.len()] };
        while let Some((name, value)) = map.next_entry::<&str, &RawValue>()? {
            let place = match NAMES.iter().position(|known| *known == name) {
                Some(at) => &mut fields.names[at],
                None => match PlainLine::SHARED.iter().position(|known| *known == name) {
                    Some(at) => &mut fields.shared[at],
                    None => return Err(other()),
                },
            };
            if place.replace(value.get()).is_some() {
                return Err(other());
            }
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::read_line;
    use iamc_policy::condition::ConditionKey;
    use iamc_policy::document::Strictness;
    use iamc_policy::request::{Context, KeyState, Mode};

    #[test]
    fn what_is_plain_is_read_as_everywhere() {
        let text = r#" {"id": "a", "principal": "arn:aws:iam::111122223333:user/ana", "action": "s3:GetObject",
            "resource": "arn:aws:s3:::bkt/é", "resource_account": "111122223333", "context": {"aws:SourceIp": "1.2.3.4"},
            "vpc_endpoint": null} "#;
        let plain = PlainLine::read(text).unwrap();
        let line = read_line(text, Mode::Open, Strictness::Lenient).unwrap();
        assert_eq!(plain.id, line.id.as_deref());
        assert_eq!(plain.principal, line.request.principal.to_string());
        assert_eq!(plain.action, line.request.action.to_string());
        assert_eq!(plain.resource, line.request.resources[0].resource.to_string());
        assert_eq!(plain.resource_account, Some("111122223333"));
        assert_eq!((plain.shared[0], plain.shared[5]), (Some(r#"{"aws:SourceIp": "1.2.3.4"}"#), Some("null")));
    }

    #[test]
    fn singles_are_read_as_everywhere() {
        let context = r#" {"aws:SourceIp": "é", "b:n" : -1.50e3, "b:t":true,"b:f":false, "b:e": ""} "#;
        let text = format!(r#"{{"principal": "anonymous", "action": "a:b", "resource": "*", "context": {context}}}"#);
        let line = read_line(&text, Mode::Open, Strictness::Lenient).unwrap();
        let singles = Singles::read(context).unwrap();
        let read: Context =
            singles.keys().iter().map(|(key, value)| (ConditionKey::new(key), KeyState::one(*value))).collect();
        assert_eq!((singles.keys().len(), read), (5, line.request.context));
        let many: Vec<String> = (0..=Singles::MAX).map(|n| format!("\"k:{n}\":1")).collect();
        assert!(Singles::read(&format!("{{{}}}", many[1..].join(","))).is_some());
        let many = format!("{{{}}}", many.join(","));
        for other in [
            &*many,
            "",
            "null",
            "[]",
            "{}x",
            r#"{"a":null}"#,
            r#"{"a":[]}"#,
            r#"{"a":{}}"#,
            r#"{"a":"\n"}"#,
            r#"{"\n":1}"#,
        ] {
            assert!(Singles::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn the_quick_way_reads_what_the_other_reads() {
        let fields = r#""principal": "é", "action": "b:c", "resource": "*""#;
        for (more, quick) in [
            ("", true),
            (r#","mode":"open","context":{"a:b":"c" , "d" : -1.5e3,"e":true},"id":"""#, true),
            (r#", "context": {} , "vpc_endpoint" : "vpce-1""#, true),
            (r#", "context": "text", "absent": 1, "present": true"#, true),
            (r#", "context": {"a": [1]}"#, false),
            (r#", "context": {"a": null}"#, false),
            (r#", "context": {"a": "\\"}"#, false),
            (r#", "absent": ["a"], "vpc_endpoint": null"#, false),
            (r#", "session": {}"#, false),
        ] {
            for (before, after) in [("", ""), (" ", " "), ("", "\r"), ("\t", "")] {
                let text = format!("{before}{{{fields}{more}}}{after}");
                let expected = PlainLine::any(&text);
                assert!(expected.is_some(), "{text}");
                assert_eq!(PlainLine::read(&text), expected, "{text}");
                assert_eq!(PlainLine::quick(text.trim_end_matches('\r')).is_some(), quick && before != "\t", "{text}");
            }
        }
        // Every line with a byte left out or changed is the same to both, or the quick way leaves it alone.
        let text = format!(r#" {{{fields}, "mode":"open","id":"1","context":{{"a:b":"c","d":-1.5e3,"e":false}}}} "#);
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at) && text.is_char_boundary(at + 1)) {
            for byte in ["", " ", "\"", ",", ":", "{", "}", "0", "e", "-", "\\", "\t", "x"] {
                let changed = format!("{}{byte}{}", &text[..at], &text[at + 1..]);
                if let quick @ Some(_) = PlainLine::quick(&changed) {
                    assert_eq!(quick, PlainLine::any(&changed), "{changed}");
                }
                if let Some(quick) = Singles::quick(&changed) {
                    assert_eq!(Singles::any(&changed).unwrap().keys(), quick.keys(), "{changed}");
                }
                let context = changed.split_once("context\":").map_or("", |(_, context)| context.trim_end());
                let context = context.strip_suffix('}').unwrap_or(context);
                if let Some(quick) = Singles::quick(context) {
                    assert_eq!(Singles::any(context).unwrap().keys(), quick.keys(), "{context}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        let fields = r#""principal": "a", "action": "b:c", "resource": "*""#;
        assert!(PlainLine::read(&format!("{{{fields}}}")).is_some());
        for more in [
            r#", "facts": {}"#,
            r#", "additional": []"#,
            r#", "id": 1"#,
            r#", "id": null"#,
            r#", "id": "\n""#,
            r#", "resource_account": null"#,
            r#", "principal": "a""#,
            r#", "acton": "a""#,
            r#", "\u006dode": "open""#,
            ",",
            "} {",
        ] {
            assert_eq!(PlainLine::read(&format!("{{{fields}{more}}}")), None, "{more}");
        }
        for text in ["", "null", "[]", "{", r#"{"principal": {"service": "x"}, "action": "b:c", "resource": "*"}"#] {
            assert_eq!(PlainLine::read(text), None, "{text}");
        }
    }
}
