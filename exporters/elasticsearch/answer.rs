//! What an answer to a bulk request says of its documents.

use serde_json::Value;
use transport::{Answer, StatusCode};

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status of HTTP that it alone would have had.
    pub status: u16,
    /// The server's name of the fault; empty if there is none.
    pub kind: String,
    /// The server's explanation.
    pub reason: String,
    /// Where it went or should have gone.
    pub index: String,
    /// Whether the server put it into the data stream's failure store instead.
    pub is_in_failure_store: bool,
}

impl Verdict {
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A document of that id is there already.
    pub fn is_duplicate(&self) -> bool {
        self.status == StatusCode::CONFLICT.as_u16()
    }
}

/// One verdict for each document, in their order.
///
/// # Errors
/// An answer that is none, or with another number of documents.
pub fn verdicts(answer: &Answer, documents: usize) -> Result<Vec<Verdict>, String> {
    let tree: Value = serde_json::from_slice(&answer.body).map_err(|e| format!("its answer cannot be read: {e}"))?;
    let items = tree["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() != documents {
        return Err(format!("its answer has {} items for {documents} documents", items.len()));
    }
    items.iter().map(|item| verdict(item).ok_or_else(|| "its answer has an item without a status".to_owned())).collect()
}

/// `{"create": {"status": 201}}`
fn verdict(item: &Value) -> Option<Verdict> {
    let (_, item) = item.as_object()?.iter().next()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(Verdict {
        status: u16::try_from(item["status"].as_u64()?).ok()?,
        kind: text(&item["error"]["type"]),
        reason: text(&item["error"]["reason"]),
        index: text(&item["_index"]),
        is_in_failure_store: item["failure_store"] == "used",
    })
}

/// The server's own words on a request that failed as a whole.
pub fn explanation(answer: &Answer) -> String {
    let tree: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &tree["error"];
    match (error["type"].as_str(), error["reason"].as_str(), error.as_str()) {
        (Some(kind), Some(reason), _) => format!(": {kind}: {reason}"),
        (_, _, Some(text)) => format!(": {text}"),
        _ => String::new(),
    }
}
