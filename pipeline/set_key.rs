//! Keys of sets of attributes: equal bytes for equal sets, whatever their order.

use crate::proto::common::v1::any_value::Value;
use crate::proto::common::v1::{AnyValue, KeyValue};

/// A key that grows part by part; every part says its own length, so that no two lists of parts are the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetKey(Vec<u8>);

impl SetKey {
    /// The key of one set.
    pub fn of(attributes: &[KeyValue]) -> Self {
        let mut key = Self::default();
        key.attributes(attributes);
        key
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Appends text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Appends a number.
    pub fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// Appends a set of attributes. Of a key that stands twice, both count.
    pub fn attributes(&mut self, attributes: &[KeyValue]) {
        let mut sorted: Vec<_> = attributes.iter().collect();
        sorted.sort_by(|one, other| one.key.cmp(&other.key));
        self.length(sorted.len());
        for attribute in sorted {
            self.text(&attribute.key);
            self.value(attribute.value.as_ref());
        }
    }

    /// Appends a value; of another kind it is another value, and maps have no order.
    pub fn value(&mut self, value: Option<&AnyValue>) {
        match value.and_then(|value| value.value.as_ref()) {
            None => self.0.push(0),
            Some(Value::StringValue(text)) => self.kind(1).text(text),
            Some(Value::BoolValue(truth)) => self.kind(2).0.push((*truth).into()),
            Some(Value::IntValue(int)) => self.kind(3).number(*int),
            Some(Value::DoubleValue(double)) => self.kind(4).number(double.to_bits() as i64),
            Some(Value::BytesValue(bytes)) => self.kind(5).bytes(bytes),
            Some(Value::ArrayValue(list)) => {
                self.kind(6).length(list.values.len());
                list.values.iter().for_each(|value| self.value(Some(value)));
            }
            Some(Value::KvlistValue(map)) => self.kind(7).attributes(&map.values),
            Some(Value::StringValueStrindex(index)) => self.kind(8).number((*index).into()),
        }
    }

    fn kind(&mut self, kind: u8) -> &mut Self {
        self.0.push(kind);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn length(&mut self, length: usize) {
        crate::otlp::wire::put_varint(&mut self.0, length as u64);
    }
}
