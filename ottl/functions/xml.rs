//! XML as maps.

use std::collections::HashMap;

use pipeline::proto::common::v1::any_value::Value;
use pipeline::proto::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::Kind::Text;
use super::parsers::{entry, of_text};
use super::{Failure, Function, converter, need};
use crate::value::{Val, find_or_insert};

/// Deeper than this nothing is read, so that nobody's text can take the stack.
const DEEPEST: usize = 1_000;

pub static FUNCTIONS: &[Function] = &[
    converter(
        "ParseXML",
        &[need("target", Text)],
        "The map of an element: tag, content, attributes, children.",
        |args| {
            let text = args.text(0)?;
            match &*read(&text)? {
                [element] if text.ends_with('>') => Ok(Val::Map(full(element).into())),
                _ => Err(Failure::from("XML that is not one element")),
            }
        },
    ),
    converter(
        "ParseSimplifiedXML",
        &[need("target", Text)],
        "The map of elements by their tags; attributes, and text beside elements, are left out.",
        |args| {
            let text = args.text(0)?;
            if text.is_empty() {
                return Err(Failure::from("an empty text is no XML"));
            }
            Ok(Val::Map(simple(&read(&text)?).into()))
        },
    ),
];

/// One element.
#[derive(Default)]
struct Element {
    tag: String,
    attributes: Vec<(String, String)>,
    /// Texts in their order, as they are.
    texts: Vec<String>,
    children: Vec<Element>,
}

/// The elements that lie in no other.
fn read(text: &str) -> Result<Vec<Element>, Failure> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Element::default()];
    let mut after_entity = false;
    loop {
        let event = reader.read_event().map_err(|error| wrong(&error))?;
        let goes_on = std::mem::replace(&mut after_entity, matches!(event, Event::GeneralRef(_)));
        match event {
            Event::Start(start) if open.len() <= DEEPEST => open.push(begin(&start)?),
            Event::Start(_) => return Err(Failure::from("XML that is nested too deeply")),
            Event::Empty(start) => close(&mut open, begin(&start)?),
            Event::End(_) => {
                let element = open.pop().filter(|_| !open.is_empty());
                close(&mut open, element.ok_or_else(|| Failure::from("XML that ends what is not open"))?);
            }
            Event::Text(text) => say(&mut open, text.decode().map_err(|error| wrong(&error))?.into_owned(), goes_on),
            Event::CData(text) => say(&mut open, text.decode().map_err(|error| wrong(&error))?.into_owned(), false),
            Event::GeneralRef(name) => {
                let name = name.decode().map_err(|error| wrong(&error))?;
                let meant =
                    quick_xml::escape::unescape(&format!("&{name};")).map_err(|error| wrong(&error))?.into_owned();
                say(&mut open, meant, true);
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    match (open.pop(), open.is_empty()) {
        (Some(root), true) => Ok(root.children),
        _ => Err(Failure::from("XML that ends within an element")),
    }
}

fn wrong(error: &dyn std::fmt::Display) -> Failure {
    Failure::from(format!("no XML: {error}"))
}

fn begin(start: &BytesStart<'_>) -> Result<Element, Failure> {
    let name = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut element = Element { tag: name(start.local_name().as_ref()), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| wrong(&error))?;
        let value = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&value).map_err(|error| wrong(&error))?.into_owned();
        element.attributes.push((name(attribute.key.local_name().as_ref()), value));
    }
    Ok(element)
}

fn close(open: &mut [Element], element: Element) {
    if let Some(parent) = open.last_mut() {
        parent.children.push(element);
    }
}

/// What an entity stands for goes on with the text before it, and the text behind it does too.
fn say(open: &mut [Element], text: String, goes_on: bool) {
    let Some(element) = open.last_mut() else { return };
    match element.texts.last_mut().filter(|_| goes_on) {
        Some(last) => last.push_str(&text),
        None => element.texts.push(text),
    }
}

fn map(values: Vec<KeyValue>) -> AnyValue {
    AnyValue { value: Some(Value::KvlistValue(KeyValueList { values })) }
}

fn full(element: &Element) -> Vec<KeyValue> {
    let mut out = vec![entry("tag", of_text(&element.tag))];
    let content: String = element.texts.iter().map(|text| text.trim()).collect();
    if !content.is_empty() {
        out.push(entry("content", of_text(&content)));
    }
    if !element.attributes.is_empty() {
        let mut attributes = Vec::new();
        for (key, value) in &element.attributes {
            *find_or_insert(&mut attributes, key) = of_text(value);
        }
        out.push(entry("attributes", map(attributes)));
    }
    if !element.children.is_empty() {
        let values = element.children.iter().map(|child| map(full(child))).collect();
        out.push(entry("children", AnyValue { value: Some(Value::ArrayValue(ArrayValue { values })) }));
    }
    out
}

/// Elements of the same tag become a list, those without content nothing.
fn simple(children: &[Element]) -> Vec<KeyValue> {
    let mut tags: HashMap<&str, usize> = HashMap::new();
    for child in children {
        *tags.entry(&child.tag).or_default() += 1;
    }
    let (mut out, mut places): (Vec<KeyValue>, HashMap<&str, usize>) = Default::default();
    for child in children.iter().filter(|child| !child.texts.is_empty() || !child.children.is_empty()) {
        let value = match child.children.is_empty() {
            true => child.texts.first().filter(|text| !text.is_empty()).map(|text| of_text(text)),
            false => Some(simple(&child.children)).filter(|values| !values.is_empty()).map(map),
        };
        if tags.get(&*child.tag) == Some(&1) {
            out.extend(value.map(|value| entry(&child.tag, value)));
            continue;
        }
        let place = *places.entry(&child.tag).or_insert_with(|| {
            out.push(entry(&child.tag, AnyValue { value: Some(Value::ArrayValue(ArrayValue::default())) }));
            out.len() - 1
        });
        if let Some(Value::ArrayValue(list)) = out[place].value.as_mut().and_then(|value| value.value.as_mut()) {
            list.values.extend(value);
        }
    }
    out
}
