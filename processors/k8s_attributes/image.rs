//! References to container images: `registry:5000/path/name:tag@sha256:digest`.

use std::sync::LazyLock;

use regex::Regex;

/// The grammar of the OCI distribution's references.
static REFERENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let domain = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
    let part = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*";
    let digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
    let reference =
        format!(r"^((?:{domain}/)?{part}(?:/{part})*)(?::([0-9A-Za-z_][0-9A-Za-z_.-]{{0,127}}))?(?:@({digest}))?$");
    Regex::new(&reference).ok()
});

/// A name may have this many characters.
const NAME_LENGTH: usize = 255;

/// The parts of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Registry and path.
    pub name: &'a str,
    /// As written.
    pub tag: Option<&'a str>,
    /// Algorithm and value.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes a reference apart; `None` when it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts = REFERENCE.as_ref()?.captures(text)?;
        let part = |index| parts.get(index).map(|part| part.as_str());
        let image = Self { name: part(1)?, tag: part(2), digest: part(3) };
        (image.name.len() <= NAME_LENGTH).then_some(image)
    }

    /// `service.version` by the semantic conventions: tag and digest, or the one there is.
    pub fn version(&self) -> Option<String> {
        match (self.tag, self.digest) {
            (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
            (None, Some(one)) | (Some(one), None) => Some(one.to_owned()),
            (None, None) => None,
        }
    }
}

/// A reference with a digest in its full form: `nginx@sha256:...` is `docker.io/library/nginx@sha256:...`.
/// `None` for anything without a name or digest.
pub fn canonical(text: &str) -> Option<String> {
    let (first, rest) = text.split_once('/').unwrap_or(("", text));
    let is_domain = first.contains(['.', ':']) || first == "localhost" || first.to_lowercase() != first;
    let (domain, path) = if is_domain { (first, rest) } else { ("docker.io", text) };
    let domain = if domain == "index.docker.io" { "docker.io" } else { domain };
    let official = if domain == "docker.io" && !path.contains('/') { "library/" } else { "" };
    let full = format!("{domain}/{official}{path}");
    let digest = Image::parse(&full)?.digest?;
    let hash = digest.strip_prefix("sha256:").unwrap_or(digest);
    let well_formed = !digest.starts_with("sha256:") || (hash.len() == 64 && hash == hash.to_lowercase());
    well_formed.then_some(full)
}
