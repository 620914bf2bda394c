//! JSON shapes that vary between editions, read as the one thing they mean.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A list of texts, written as `null`, as one text (with commas between several), or as an array.
#[derive(Debug, Default)]
pub(crate) struct Texts(pub(crate) Vec<String>);

/// Values in document order, written as an array, as the values of an object, or as `null`.
///
/// `serde_json`'s own map sorts or keeps order depending on a feature that any crate of a build may switch on; the
/// order of resource types is a fact (R-9.4), so it is read by hand.
#[derive(Debug)]
pub(crate) struct Values<T>(pub(crate) Vec<T>);

impl<T> Default for Values<T> {
    fn default() -> Self {
        Values(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextsVisitor;
        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or an array of texts")
            }

            fn visit_unit<E>(self) -> Result<Texts, E> {
                Ok(Texts::default())
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(Texts(parts.map(str::to_owned).collect()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element::<String>()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(TextsVisitor)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Values<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ValuesVisitor<T> {
            type Value = Values<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_unit<E>(self) -> Result<Values<T>, E> {
                Ok(Values::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values<T>, A::Error> {
                let mut values = Vec::new();
                while let Some((IgnoredAny, value)) = map.next_entry()? {
                    values.push(value);
                }
                Ok(Values(values))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Values<T>, A::Error> {
                let mut values = Vec::new();
                while let Some(value) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Values(values))
            }
        }
        deserializer.deserialize_any(ValuesVisitor(PhantomData))
    }
}

/// Cuts texts that hold several ARN templates with commas between. A comma belongs to a template unless another
/// template begins behind it.
pub(crate) fn arn_templates(texts: &[String]) -> Vec<String> {
    let mut templates: Vec<String> = Vec::new();
    for text in texts {
        let mut open = false;
        for part in text.split(',') {
            match templates.last_mut() {
                Some(last) if open && !part.trim_start().starts_with("arn:") => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => templates.push(part.to_owned()),
            }
            open = true;
        }
    }
    templates.into_iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_be_texts() {
        let texts = |json: &str| serde_json::from_str::<Texts>(json).unwrap().0;
        assert_eq!(texts(r#""a, b""#), ["a", "b"]);
        assert_eq!(texts(r#"["a, b"]"#), ["a, b"]);
        assert!(texts("null").is_empty() && texts(r#""""#).is_empty());
        assert!(serde_json::from_str::<Texts>("7").is_err());
    }

    #[test]
    fn objects_keep_their_order() {
        let values = |json: &str| serde_json::from_str::<Values<u8>>(json).unwrap().0;
        assert_eq!(values(r#"{"z": 1, "a": 2, "m": 3}"#), [1, 2, 3]);
        assert_eq!(values("[1, 2]"), [1, 2]);
        assert!(values("null").is_empty());
    }

    #[test]
    fn joined_templates_are_cut_at_the_next_template() {
        let cut = |text: &str| arn_templates(&[text.to_owned()]);
        assert_eq!(cut("arn:a:b:::c, arn:a:b:::d"), ["arn:a:b:::c", "arn:a:b:::d"]);
        assert_eq!(cut("arn:a:b:::c,d"), ["arn:a:b:::c,d"]);
        assert!(cut("").is_empty());
        assert_eq!(arn_templates(&["arn:x".into(), "b".into()]), ["arn:x", "b"]);
    }
}
