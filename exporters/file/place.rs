//! Paths made of what resources say, which never lead out of the place that the configuration names.

use std::path::PathBuf;

/// A path with one `*`.
#[derive(Clone, Debug)]
pub struct Place {
    prefix: String,
    suffix: String,
}

impl Place {
    /// The place that `path` names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(path: &str) -> Result<Self, &'static str> {
        let (prefix, suffix) = match path.split_once('*') {
            Some((_, suffix)) if suffix.contains('*') => return Err("must have one *, with group_by enabled"),
            Some(("", _)) => return Err("must not begin with *, with group_by enabled"),
            Some(parts) => parts,
            None => return Err("must have a * where the attribute's value is to stand, with group_by enabled"),
        };
        let directory = if prefix.ends_with('/') && prefix != "/" { "/" } else { "" };
        Ok(Self { prefix: clean(prefix) + directory, suffix: suffix.to_owned() })
    }

    /// The file of one value. Values with `..` stay below the prefix, as in the Collector.
    pub fn of(&self, segment: &str) -> PathBuf {
        let segment = match segment {
            _ if segment.starts_with("./") => &segment[1..],
            _ if segment.starts_with("../") => &segment[2..],
            _ => segment,
        };
        let path = clean(&format!("{}{segment}{}", self.prefix, self.suffix));
        if path.starts_with(&self.prefix) {
            return path.into();
        }
        let below = clean(&format!("/{segment}{}", self.suffix));
        clean(&format!("{}{below}", self.prefix)).into()
    }
}

/// The shortest equal path by text alone: no `.`, no `..` but in front of a relative one, no doubled slashes.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => drop(parts.pop()),
            ("..", None) if rooted => {}
            _ => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(place: &str, segment: &str) -> String {
        Place::new(place).unwrap().of(segment).display().to_string()
    }

    #[test]
    fn the_value_stands_for_the_star_and_may_have_directories() {
        assert_eq!(path("./out/*.json", "a"), "out/a.json");
        assert_eq!(path("/out/x-*/b.json", "deep/er"), "/out/x-deep/er/b.json");
        assert_eq!(path("out/*.json", ""), "out/.json");
        assert_eq!(path("out/*", "/rooted"), "out/rooted");
    }

    #[test]
    fn no_value_leads_out_of_the_prefix() {
        for (segment, wanted) in [
            ("../../etc/passwd", "/out/etc/passwd.json"),
            ("./../../x", "/out/x.json"),
            ("a/../../../../x", "/out/x.json"),
            ("..", "/out/...json"),
            ("../x", "/out/x.json"),
        ] {
            assert_eq!(path("/out/*.json", segment), wanted, "{segment}");
        }
        assert_eq!(path("out/pre-*", "a/../../../secret"), "out/pre-/secret");
    }

    #[test]
    fn paths_without_one_star_inside_are_refused() {
        for bad in ["out/x", "*.json", "out/*/*"] {
            assert!(Place::new(bad).is_err(), "{bad}");
        }
    }
}
