//! Any text as a configuration: it is taken or refused, and what is taken is taken again as `print-config` shows it.
#![no_main]

use config::{Environment, Secrets};
use libfuzzer_sys::fuzz_target;
use pipeline::{Settings, Tables};

/// No files, no pages and one variable.
struct Outside;

impl Environment for Outside {
    fn variable(&self, name: &str) -> Option<String> {
        (name == "SET").then(|| "1".to_owned())
    }

    fn file(&self, path: &str) -> std::io::Result<String> {
        Err(std::io::Error::other(path.to_owned()))
    }

    fn page(&self, url: &str) -> Result<String, String> {
        Err(url.to_owned())
    }
}

fn tables() -> Tables {
    Tables {
        receivers: receivers::ALL,
        processors: processors::ALL,
        exporters: exporters::ALL,
        connectors: connectors::ALL,
        extensions: extensions::ALL,
    }
}

fuzz_target!(|text: &str| {
    let Ok(mut tree) = config::parse(text, &"fuzz".into()) else { return };
    config::merge(&mut tree, config::parse(text, &"again".into()).expect("it was parsed before"));
    if config::expand(&mut tree, &Outside).is_err() {
        return;
    }
    let Ok(settings) = Settings::decode(&tree, tables()) else { return };
    let shown = config::to_yaml(&settings.encode(Secrets::Revealed)).expect("settings can be shown");
    let tree = config::parse(&shown, &"shown".into()).expect("what is shown can be parsed");
    let again = Settings::decode(&tree, tables()).unwrap_or_else(|errors| panic!("{errors:?}\n{shown}"));
    assert_eq!(config::to_yaml(&again.encode(Secrets::Revealed)).expect("settings can be shown"), shown);
});
