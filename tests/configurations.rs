//! `validate` and `print-config` on files: good ones pass in silence, bad ones show every fault with its path.
//! The faults a bad file has to show stand in its first lines as `# error: ...`, one each and no other.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use std::path::PathBuf;

use agent::kpulse;

fn files(kind: &str) -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/configs").join(kind);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn validate(file: &std::path::Path) -> (Option<i32>, String) {
    let output = kpulse(&["validate", "--config", file.to_str().unwrap()]);
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn good_files_pass_in_silence() {
    let files = files("good");
    assert!(files.len() >= 10, "{}", files.len());
    for file in files {
        assert_eq!(validate(&file), (Some(0), String::new()), "{}", file.display());
    }
}

#[test]
fn ready_pipelines_fit_over_the_default_one() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let path = |file: &str| root.join(file).to_str().unwrap().to_owned();
    let default = path("pipeline.yaml");
    assert_eq!(validate(std::path::Path::new(&default)), (Some(0), String::new()));
    for entry in std::fs::read_dir(root.join("deploy/pipelines")).unwrap() {
        let overlay = entry.unwrap().path().to_str().unwrap().to_owned();
        let output = kpulse(&["validate", "--config", &default, "--config", &overlay]);
        assert!(output.status.success(), "{overlay}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn bad_files_show_every_fault_at_once_with_its_path() {
    let files = files("bad");
    assert!(files.len() >= 20, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let wanted: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("# error: ")).collect();
        let (code, said) = validate(&file);
        assert_eq!(code, Some(1), "{}: {said}", file.display());
        let said = said.strip_prefix("Error: ").unwrap();
        assert!(!wanted.is_empty() && said.trim_end().lines().count() == wanted.len(), "{}:\n{said}", file.display());
        for fault in wanted {
            assert!(said.contains(fault), "{}: missing {fault:?} in:\n{said}", file.display());
        }
    }
}

#[test]
fn what_print_config_shows_is_the_same_configuration() {
    let folder = std::env::temp_dir().join(format!("kpulse-print-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for file in files("good") {
        let once = kpulse(&["print-config", "--mode", "unredacted", "--config", file.to_str().unwrap()]).stdout;
        let copy = folder.join("copy.yaml");
        std::fs::write(&copy, &once).unwrap();
        let twice = kpulse(&["print-config", "--mode", "unredacted", "--config", copy.to_str().unwrap()]).stdout;
        assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice), "{}", file.display());
        assert!(String::from_utf8_lossy(&once).contains("collection_interval") || !once.is_empty());
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn components_lists_every_table() {
    let text = String::from_utf8(kpulse(&["components"]).stdout).unwrap();
    for name in [
        "ebpf_metrics",
        "ebpf_events",
        "rate_limit",
        "debug",
        "file",
        "elasticsearch",
        "otlp_grpc",
        "otlp_http",
        "prometheus",
        "file_storage",
        "health_check",
        "pprof",
        "zpages",
    ] {
        assert!(text.contains(&format!("name: {name}\n")), "{text}");
    }
}
