use std::sync::Arc;

use pipeline::component::BuildContext;
use pipeline::{Credentials, Telemetry};

fn credentials(text: &str) -> Arc<dyn Credentials> {
    let mut decoder = config::Decoder::default();
    let config = (super::FACTORY.decode)(&config::parse(text, &"test".into()).unwrap(), &mut decoder);
    assert_eq!(decoder.finish().to_string(), "");
    let cx = BuildContext::new("bearer_token_auth".parse().unwrap(), Telemetry::new("test"));
    config.build(cx).unwrap().credentials().unwrap()
}

#[test]
fn the_token_stands_behind_its_scheme() {
    assert_eq!(credentials("token: abc").header().unwrap(), ("authorization".into(), "Bearer abc".into()));
    let other = credentials("{token: abc, scheme: '', header: X-Token}");
    assert_eq!(other.header().unwrap(), ("x-token".into(), "abc".into()));
}

#[test]
fn a_token_that_is_renewed_in_its_file_counts_from_the_next_request_on() {
    let file = std::env::temp_dir().join(format!("kpulse-token-{}", std::process::id()));
    std::fs::write(&file, "first\n").unwrap();
    let credentials = credentials(&format!("filename: {}", file.display()));
    assert_eq!(credentials.header().unwrap().1, "Bearer first");
    std::fs::write(&file, "second\n").unwrap();
    assert_eq!(credentials.header().unwrap().1, "Bearer second");
    std::fs::remove_file(&file).unwrap();
    assert!(credentials.header().unwrap_err().contains("cannot read"));
}
