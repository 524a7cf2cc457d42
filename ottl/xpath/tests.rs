//! Expressions against one document.

use super::{Place, XPath};
use crate::xml::Tree;

const DOCUMENT: &str = r#"<shop id="s"><item n="1" kind="a">pen<!-- blue --></item><item n="2">ink<x:tag xmlns:x="urn:x" x:y="z"/></item>
  <box><item n="3">cap</item><![CDATA[raw]]></box></shop>"#;

fn select(text: &str) -> Vec<String> {
    let tree = Tree::read(DOCUMENT).unwrap();
    let shown = |place: Place| {
        let node = tree.node(place.node);
        match place.attribute {
            Some(index) => format!("@{}", node.attributes[index].name),
            None => format!("{}={}", node.data.trim(), tree.text(place.node).replace(char::is_whitespace, "")),
        }
    };
    XPath::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}")).select(&tree).into_iter().map(shown).collect()
}

#[test]
fn an_expression_selects_what_it_says() {
    for (text, found) in [
        ("/shop/item", vec!["item=pen", "item=ink"]),
        ("//item[@n='3']", vec!["item=cap"]),
        ("//item[1]", vec!["item=pen", "item=cap"]),
        ("(//item)[1]", vec!["item=pen"]),
        ("//item[last()]", vec!["item=ink", "item=cap"]),
        ("//item[position() < 2 and @kind]", vec!["item=pen"]),
        ("//item[@n > 1]/@n", vec!["@n", "@n"]),
        ("//item[not(@kind)][contains(., 'ap')]", vec!["item=cap"]),
        ("//box/ancestor::*", vec!["shop=peninkcapraw"]),
        ("//item[@n=2]/preceding-sibling::item/@kind", vec!["@kind"]),
        ("//item[@n=2]/following::item", vec!["item=cap"]),
        ("//x:tag | //box", vec!["tag=", "box=capraw"]),
        ("//x:*/@x:y", vec!["@y"]),
        ("//x:tag/@xmlns:x", vec!["@x"]),
        ("//*[local-name()='tag' and namespace-uri()='urn:x']/..", vec!["item=ink"]),
        ("//comment()", vec!["blue="]),
        ("//box/text()", vec!["raw=raw"]),
        ("//item[starts-with(@n, '1') or substring(., 2, 1) = 'a']", vec!["item=pen", "item=cap"]),
        ("//item[@n = count(//item) * 1 - 1]", vec!["item=ink"]),
        ("//item[matches(., '^p.n$')]", vec!["item=pen"]),
        ("reverse(/shop/item)", vec!["item=ink", "item=pen"]),
        ("//nothing", vec![]),
        ("count(//item)", vec![]),
        ("/", vec!["=peninkcapraw"]),
    ] {
        assert_eq!(select(text), found, "{text}");
    }
}

#[test]
fn a_wrong_expression_is_told_with_its_place() {
    for (text, said) in [
        ("", "expected a name at byte 0"),
        ("//item[", "expected a name at byte 7"),
        ("//item]", "expected the end at byte 6"),
        ("upper::item", "expected an axis, such as child or ancestor at byte 0"),
        ("//item[lower-cas(.) = 'x']", "XPath function \"lower-cas\" does not exist; did you mean \"lower-case\"?"),
        ("//item[contains(.)]", "XPath function contains does not take 1 arguments"),
        ("//item[matches(., '(')]", "\"(\" in matches is no regular expression"),
        ("//a['x]", "a text that is not closed at byte 4"),
        ("//a[$x]", "variables have no value here"),
        ("a # b", "'#' at byte 2 means nothing here"),
    ] {
        assert_eq!(XPath::parse(text).err().as_deref(), Some(said), "{text}");
    }
    let deep = format!("{}a{}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(XPath::parse(&deep).err().as_deref(), Some("more than 64 expressions in each other"));
}
