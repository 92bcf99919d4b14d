//! A TOML document read key by key, so that every mistake in it is found and none stops the reading.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use super::FORMAT;
use super::mistake::{Located, Mistakes, Place};

/// A table of the document; keys that are taken are known, the rest are mistakes.
pub(super) struct Section<'t> {
    text: &'t str,
    place: Place,
    table: DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    /// Parses `text` and checks its `format`. A document of a later format is not looked into any further.
    pub(super) fn parse(file: &str, text: &'t str, mistakes: &mut Mistakes) -> Option<Self> {
        let place = Place { file: Arc::from(file), line: 0, key: String::new() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            mistakes.add(&Place { line, ..place.clone() }, error.message().replace('\n', ", "), "");
        }
        // What was recovered from broken syntax may be anything: judging it would only add noise.
        if !errors.is_empty() {
            return None;
        }
        let mut document = Self { text, place, table: table.into_inner(), known: Vec::new() };
        document.format_is_known(mistakes).then_some(document)
    }

    fn format_is_known(&mut self, mistakes: &mut Mistakes) -> bool {
        let Some(format) = self.take::<u64>("format", mistakes) else { return true };
        if format.value == 0 {
            mistakes.add(&format.place, "there is no format 0", format!("write format = {FORMAT}"));
        }
        if format.value > FORMAT {
            let what = format!("format {} needs a later cosmos than {}", format.value, env!("CARGO_PKG_VERSION"));
            mistakes.add(&format.place, what, format!("this one reads format {FORMAT}: install the later one"));
        }
        format.value <= FORMAT
    }

    /// Returns the place of `key`, for what is missing.
    pub(super) fn place_of(&self, key: &str) -> Place {
        let key = if self.place.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place.key) };
        Place { key, ..self.place.clone() }
    }

    fn remove(&mut self, key: &'static str) -> Option<(Place, Spanned<DeValue<'t>>)> {
        self.known.push(key);
        let (name, value) = self.table.remove_entry(key)?;
        let line = line_of(self.text, name.span().start);
        Some((Place { line, ..self.place_of(key) }, value))
    }

    /// Takes the value of `key`. Absent or ill-typed gives `None`, the latter with a mistake.
    pub(super) fn take<T: DeserializeOwned>(
        &mut self,
        key: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<Located<T>> {
        let (place, value) = self.remove(key)?;
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(Located { value, place }),
            Err(error) => {
                mistakes.add(&place, error.message(), "");
                None
            }
        }
    }

    /// Takes a text that must not be empty: an empty value never means "off" (T17).
    pub(super) fn take_text(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<Located<String>> {
        let text = self.take::<String>(key, mistakes)?;
        if text.value.is_empty() {
            mistakes.add(&text.place, "an empty value", "leave the key out to get its default");
            return None;
        }
        Some(text)
    }

    /// Takes the table `key`.
    pub(super) fn section(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Option<Self> {
        let (place, value) = self.remove(key)?;
        self.table_at(place, value, mistakes)
    }

    /// Takes the array of tables `key`, each named with its number from 1.
    pub(super) fn sections(&mut self, key: &'static str, mistakes: &mut Mistakes) -> Vec<Self> {
        let Some((place, value)) = self.remove(key) else { return Vec::new() };
        let DeValue::Array(tables) = value.into_inner() else {
            mistakes.add(&place, "not an array of tables", format!("write [[{key}]]"));
            return Vec::new();
        };
        let several = tables.len() > 1;
        let numbered = tables.into_iter().enumerate().filter_map(|(index, table)| {
            let line = line_of(self.text, table.span().start);
            let name = if several { format!("{}[{}]", place.key, index + 1) } else { place.key.clone() };
            self.table_at(Place { line, key: name, ..place.clone() }, table, mistakes)
        });
        numbered.collect()
    }

    fn table_at(&self, place: Place, value: Spanned<DeValue<'t>>, mistakes: &mut Mistakes) -> Option<Self> {
        if let DeValue::Table(table) = value.into_inner() {
            return Some(Self { text: self.text, place, table, known: Vec::new() });
        }
        mistakes.add(&place, "not a table", format!("write [{}] above its keys", place.key));
        None
    }

    /// Reports every key that nobody took.
    pub(super) fn finish(self, mistakes: &mut Mistakes) {
        for name in self.table.keys() {
            let line = line_of(self.text, name.span().start);
            let shown = cosmos_model::escape::for_terminal(name.get_ref().as_bytes());
            let place = Place { line, ..self.place_of(&shown) };
            mistakes.add(&place, "unknown key", format!("known here: {}", self.known.join(", ")));
        }
    }
}

/// Returns the line, from 1, of a byte offset.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}
