//! A module: what a layer declares.

use alloc::vec::Vec;

use toml::de::DeTable;

use super::{Condition, Param};
use crate::document::Document;

/// The parameters that a layer declares, and what must hold between them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Module {
    /// In the order written.
    pub params: Vec<Param>,
    /// In the order written.
    pub conditions: Vec<Condition>,
}

impl Module {
    /// Reads `param` and `require` of a layer's file; `None` where it has neither.
    pub(crate) fn read<'t>(document: &mut Document<'t>, table: &DeTable<'t>) -> Option<Self> {
        let params = super::declarations(document, table, "param", "param.");
        let conditions = super::conditions(document, table, &params);
        let declares = table.contains_key("param") || table.contains_key("require");
        declares.then_some(Self { params, conditions })
    }
}
