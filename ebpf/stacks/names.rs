//! Names of functions as people write them, and the language that they tell.

use std::sync::Arc;

use super::frame::Function;

/// What a name was made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C, or none that shows.
    Unknown,
    /// C++.
    Cpp,
    /// Rust.
    Rust,
}

/// Takes a linker's name apart; `place` is file, line and column.
pub fn function(linkage_name: &str, place: Place) -> (Function, Language) {
    let (name, language) = demangle(linkage_name);
    let Place { file, line, column } = place;
    let language = match &file {
        Some(file) if language == Language::Unknown && file.ends_with(".rs") => Language::Rust,
        _ => language,
    };
    let same = name.is_none();
    let function = Function {
        name: name.map_or_else(|| linkage_name.into(), Arc::from),
        linkage_name: (!same).then(|| linkage_name.into()),
        file,
        line,
        column,
    };
    (function, language)
}

/// Where in its source.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Path.
    pub file: Option<Arc<str>>,
    /// From 1; 0 is unknown.
    pub line: u32,
    /// From 1; 0 is unknown.
    pub column: u32,
}

fn demangle(name: &str) -> (Option<String>, Language) {
    if let Ok(demangled) = rustc_demangle::try_demangle(name) {
        // Without the hash.
        return (Some(format!("{demangled:#}")), Language::Rust);
    }
    if name.starts_with("_Z")
        && let Some(demangled) = cpp_demangle::Symbol::new(name).ok().and_then(|symbol| symbol.demangle().ok())
    {
        return (Some(demangled), Language::Cpp);
    }
    (None, Language::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart_by_their_language() {
        let rows = [
            ("main", "main", Language::Unknown),
            ("main.(*server).serve", "main.(*server).serve", Language::Unknown),
            ("_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place", Language::Rust),
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar", Language::Rust),
            (
                "_ZNSt6vectorIiSaIiEE9push_backERKi",
                "std::vector<int, std::allocator<int> >::push_back(int const&)",
                Language::Cpp,
            ),
            ("_Z", "_Z", Language::Unknown),
        ];
        for (linkage, wanted, language) in rows {
            let (function, found) = function(linkage, Place::default());
            assert_eq!((&*function.name, found), (wanted, language));
            assert_eq!(function.linkage_name.is_some(), linkage != wanted);
        }
    }
}
