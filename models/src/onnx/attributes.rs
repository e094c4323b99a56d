//! The attributes of a node, by name and type.

use super::generated::AttributeProto;
use super::generated::attribute_proto::AttributeType;
use super::reader::NodeReader;
use crate::float::ops::OpError;

impl<'a> NodeReader<'a> {
    pub(crate) fn attribute(
        &mut self,
        name: &'static str,
        kind: AttributeType,
    ) -> Result<Option<&'a AttributeProto>, OpError> {
        self.asked.push(name);
        let Some(a) = self.node.attribute.iter().find(|a| a.name() == name) else {
            return Ok(None);
        };
        if a.r#type() != kind || !a.ref_attr_name().is_empty() {
            return Err(OpError::new(format!(
                "attribute `{name}` has type {}, needs {}",
                a.r#type().as_str_name(),
                kind.as_str_name()
            )));
        }
        Ok(Some(a))
    }

    /// Integer attribute, if given.
    pub fn int_if(&mut self, name: &'static str) -> Result<Option<i64>, OpError> {
        Ok(self.attribute(name, AttributeType::Int)?.map(|a| a.i()))
    }

    /// Integer attribute with its default.
    pub fn int(&mut self, name: &'static str, default: i64) -> Result<i64, OpError> {
        Ok(self.int_if(name)?.unwrap_or(default))
    }

    /// Integer attribute that is 0 or 1; any other is refused.
    pub fn flag(&mut self, name: &'static str, default: bool) -> Result<bool, OpError> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(OpError::new(format!("attribute `{name}` is {other}, not 0 or 1"))),
        }
    }

    /// Float attribute with its default; refuses NaN and infinity.
    pub fn number(&mut self, name: &'static str, default: f32) -> Result<f32, OpError> {
        let x = self.attribute(name, AttributeType::Float)?.map_or(default, |a| a.f());
        if x.is_finite() {
            return Ok(x);
        }
        Err(OpError::new(format!("attribute `{name}` is {x}, not a finite number")))
    }

    /// List of integers, if given.
    pub fn ints(&mut self, name: &'static str) -> Result<Option<&'a [i64]>, OpError> {
        Ok(self.attribute(name, AttributeType::Ints)?.map(|a| a.ints.as_slice()))
    }

    /// List of floats, if given; refuses NaN and infinity.
    pub fn numbers(&mut self, name: &'static str) -> Result<Option<&'a [f32]>, OpError> {
        let list = self.attribute(name, AttributeType::Floats)?.map(|a| a.floats.as_slice());
        match list.and_then(|list| list.iter().find(|x| !x.is_finite())) {
            Some(x) => Err(OpError::new(format!("attribute `{name}` holds {x}, not a finite number"))),
            None => Ok(list),
        }
    }

    /// Text attribute, if given.
    pub fn text(&mut self, name: &'static str) -> Result<Option<&'a str>, OpError> {
        let Some(a) = self.attribute(name, AttributeType::String)? else {
            return Ok(None);
        };
        match std::str::from_utf8(a.s()) {
            Ok(s) => Ok(Some(s)),
            Err(_) => Err(OpError::new(format!("attribute `{name}` is not UTF-8"))),
        }
    }

    /// Notes an attribute that does not change inference.
    pub fn ignore(&mut self, name: &'static str) {
        self.asked.push(name);
    }

    /// Integers that older opsets give as attribute and newer ones as operand `i`.
    pub fn ints_from(&mut self, name: &'static str, i: usize) -> Result<Option<Vec<i64>>, OpError> {
        if let Some(v) = self.ints(name)? {
            return Ok(Some(v.to_vec()));
        }
        Ok(self.const_ints(i)?.map(|t| t.data.clone()))
    }

    /// The first attribute that no one asked for, with the list of those supported.
    pub(super) fn unknown_attribute(&self) -> Option<(String, String)> {
        let unknown = self.node.attribute.iter().map(AttributeProto::name);
        let name = unknown.into_iter().find(|n| !self.asked.contains(n))?;
        Some((name.to_owned(), self.asked.join(", ")))
    }
}
