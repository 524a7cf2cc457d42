//! From a tree to text.

use std::fmt::Write as _;

use super::{Id, Kind, Tree};

/// What lies in these nodes and they themselves; of a document only what lies in it.
pub fn write(tree: &Tree, nodes: &[Id]) -> String {
    let mut out = String::new();
    for id in nodes {
        put(tree, *id, true, &mut out);
    }
    out
}

fn put(tree: &Tree, id: Id, keep_space: bool, out: &mut String) {
    let node = tree.node(id);
    let space = node.attributes.iter().find(|attribute| attribute.prefix == "xml" && attribute.name == "space");
    let keep_space = match space.map(|attribute| &*attribute.value) {
        Some("preserve") => true,
        Some("default") => false,
        _ => keep_space,
    };
    // Writing into a string does not fail.
    let _ = match node.kind {
        Kind::Document => {
            node.children.iter().for_each(|child| put(tree, *child, keep_space, out));
            Ok(())
        }
        Kind::Text => {
            escape(if keep_space { &node.data } else { node.data.trim() }, out);
            Ok(())
        }
        Kind::Data => write!(out, "<![CDATA[{}]]>", node.data),
        Kind::Comment => write!(out, "<!--{}-->", node.data),
        Kind::Directive => write!(out, "<!{}>", node.data),
        Kind::Instruction if node.instruction.is_empty() => write!(out, "<?{}?>", node.data),
        Kind::Instruction => write!(out, "<?{} {}?>", node.data, node.instruction),
        Kind::Declaration => {
            out.push_str("<?");
            begin(tree, id, out);
            write!(out, "?>")
        }
        Kind::Element => {
            out.push('<');
            begin(tree, id, out);
            out.push('>');
            node.children.iter().for_each(|child| put(tree, *child, keep_space, out));
            out.push_str("</");
            name(&node.prefix, &node.data, out);
            write!(out, ">")
        }
    };
}

/// A name with the attributes behind it.
fn begin(tree: &Tree, id: Id, out: &mut String) {
    let node = tree.node(id);
    name(&node.prefix, &node.data, out);
    for attribute in &node.attributes {
        out.push(' ');
        name(&attribute.prefix, &attribute.name, out);
        out.push_str("=\"");
        escape(&attribute.value, out);
        out.push('"');
    }
}

fn name(prefix: &str, name: &str, out: &mut String) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(name);
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}
