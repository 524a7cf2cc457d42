//! The documents of a batch, as the bodies of bulk requests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::json::Json;
use super::route::Index;

/// What a batch becomes. Made once, for all attempts.
#[derive(Debug, Default)]
pub struct Documents {
    /// Bodies of bounded size.
    pub bulks: Vec<Arc<Bulk>>,
    /// Items that make no document, by reason.
    pub dropped: BTreeMap<&'static str, u32>,
}

/// The body of one bulk request.
#[derive(Debug, Default)]
pub struct Bulk {
    /// Two lines for each document: the action, and the document.
    pub plain: Bytes,
    /// The documents in it.
    pub documents: Vec<Document>,
    /// As it is sent.
    pub packed: OnceLock<Bytes>,
    /// Whether it may have been taken before without an answer.
    pub was_tried: AtomicBool,
}

/// Where a document ends in its body, and of which items of the batch it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub end: usize,
    pub items: Box<[u32]>,
}

impl Bulk {
    /// Notes that it is sent now, and says whether it was before.
    pub fn try_now(&self) -> bool {
        self.was_tried.swap(true, Ordering::Relaxed)
    }

    /// The same note, for a copy.
    pub fn was_tried(&self) -> AtomicBool {
        AtomicBool::new(self.was_tried.load(Ordering::Relaxed))
    }

    /// Both lines of the document at `at`.
    pub fn lines(&self, at: usize) -> Bytes {
        let start = at.checked_sub(1).map_or(0, |before| self.documents[before].end);
        self.plain.slice(start..self.documents[at].end)
    }

    /// A body with only these documents.
    pub fn part(&self, numbers: impl Iterator<Item = usize>) -> Self {
        let (mut plain, mut documents) = (Vec::new(), Vec::new());
        for at in numbers {
            plain.extend_from_slice(&self.lines(at));
            documents.push(Document { end: plain.len(), items: self.documents[at].items.clone() });
        }
        Self { plain: plain.into(), documents, packed: OnceLock::new(), was_tried: self.was_tried() }
    }
}

/// What stands in the first line beside the index.
#[derive(Debug, Default)]
pub struct Action<'a> {
    /// The id that the document gets; Elasticsearch makes one otherwise.
    pub id: Option<&'a str>,
    /// The document's own ingest pipeline.
    pub pipeline: Option<&'a str>,
    /// Field and dynamic template.
    pub templates: &'a [(String, &'static str)],
}

/// Collects documents.
#[derive(Debug)]
pub struct Builder {
    bytes_at_most: usize,
    json: Json,
    documents: Vec<Document>,
    done: Documents,
}

impl Builder {
    /// `bytes_at_most` is the size of a body; one document alone may be larger.
    pub fn new(bytes_at_most: usize) -> Self {
        Self { bytes_at_most, json: Json::default(), documents: Vec::new(), done: Documents::default() }
    }

    /// Adds a document that was made of `items`.
    pub fn add(&mut self, index: &Index, action: &Action<'_>, items: &[u32], write: impl FnOnce(&mut Json)) {
        let start = self.json.len();
        self.json.object(|json| {
            json.key("create");
            json.object(|json| write_action(json, index, action));
        });
        self.json.newline();
        self.json.object(write);
        self.json.newline();
        if start > 0 && self.json.len() > self.bytes_at_most {
            let late = self.json.split_off(start);
            self.end_bulk();
            self.json = Json::from(late);
        }
        self.documents.push(Document { end: self.json.len(), items: items.into() });
    }

    /// Counts items that make no document.
    pub fn drop(&mut self, reason: &'static str, items: u32) {
        *self.done.dropped.entry(reason).or_default() += items;
    }

    /// Everything that was added.
    pub fn finish(mut self) -> Documents {
        if !self.documents.is_empty() {
            self.end_bulk();
        }
        self.done
    }

    fn end_bulk(&mut self) {
        let plain = std::mem::take(&mut self.json).into_bytes().into();
        let documents = std::mem::take(&mut self.documents);
        self.done.bulks.push(Arc::new(Bulk { plain, documents, ..Bulk::default() }));
    }
}

fn write_action(json: &mut Json, index: &Index, action: &Action<'_>) {
    json.text_member("_index", &index.name);
    json.text_member("_id", action.id.unwrap_or_default());
    json.text_member("pipeline", action.pipeline.unwrap_or_default());
    if index.stream.as_ref().is_some_and(|stream| stream.dataset.ends_with(".otel")) {
        // Without a template Elasticsearch would make a plain index of that name, and keep it.
        json.key("require_data_stream");
        json.plain(true);
    }
    if !action.templates.is_empty() {
        json.key("dynamic_templates");
        json.object(|json| action.templates.iter().for_each(|(field, template)| json.text_member(field, template)));
    }
}
