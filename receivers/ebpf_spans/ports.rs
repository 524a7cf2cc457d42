//! A port, or a range of them.

use config::{Decode, Decoder, Node, Secrets};

/// `80` or `8000-8999`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    /// Every port of the range.
    pub fn ports(&self) -> impl Iterator<Item = u16> + use<> {
        self.first..=self.last
    }

    fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? };
        (range.first > 0 && range.first <= range.last).then_some(range)
    }
}

impl Decode for PortRange {
    fn decode(node: &Node, default: Self, decoder: &mut Decoder) -> Self {
        let text = match node.value {
            config::Value::Int(port) => port.to_string(),
            _ => String::decode(node, String::new(), decoder),
        };
        Self::parse(&text).unwrap_or_else(|| {
            decoder.error(format!("{text:?} is no port and no range of ports, e.g. 80 or 8000-8999"));
            default
        })
    }

    fn encode(&self, _: Secrets) -> Node {
        match self.first == self.last {
            true => Node::text(self.first.to_string()),
            false => Node::text(format!("{}-{}", self.first, self.last)),
        }
    }
}
