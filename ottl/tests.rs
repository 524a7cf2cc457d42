//! What is told of texts that are wrong.

fn fault(text: &str) -> String {
    crate::condition(text, crate::Context::Log, crate::Prefix::Required).unwrap_err().show(text)
}

#[test]
fn a_wrong_condition_is_told_with_its_place_and_what_to_write_instead() {
    for (text, said) in [
        (
            "log.severty_text == \"x\"",
            "column 1 (\"log.severty_text == \\\"x\\\"\"): unknown path \"severty_text\" in context log; did you mean \"severity_text\"?",
        ),
        (
            "severity_text == 1",
            "column 1 (\"severity_text == 1\"): path severity_text does not say its context; did you mean log.severity_text?",
        ),
        (
            "log.flags == 1 and IsMach(log.body, \"x\")",
            "unknown function \"IsMach\" in context log; did you mean \"IsMatch\"?",
        ),
        ("IsMatch(log.body, \"(\")", "pattern of IsMatch is no regular expression: unclosed group"),
        ("IsMatch(log.body)", "argument pattern of IsMatch is missing; it takes (target, pattern)"),
        ("IsMatch(log.body, 7)", "pattern of IsMatch must be a string"),
        ("IsMatch(log.body, \"x\", \"y\")", "IsMatch takes (target, pattern)"),
        ("log.severity_number == SEVERITY_NUMBER_WARNING", "did you mean \"SEVERITY_NUMBER_WARN\"?"),
        ("log.flags ==", "column 13 (the end): expected a value"),
        ("log.flags = 1", "column 11"),
        ("log.body == \"\\d\"", "a backslash is written"),
        ("log.severity_text[\"x\"] == nil", "severity_text has no keys"),
        ("span.name == \"x\"", "span is not to be seen from context log"),
        ("log.flags == 99999999999999999999", "a number out of range"),
        ("log.attributes[1.5] == nil", "a key is a string or an int"),
        ("", "column 1 (the end)"),
    ] {
        let told = fault(text);
        assert!(told.contains(said), "{text}\n  want {said}\n  got  {told}");
    }
    let deep = format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000));
    assert!(fault(&deep).contains("more than 64 brackets in each other"));
}

/// What the Collector 0.155 has, written as in its documentation; a question mark for what may be left out.
const REFERENCE: &str = include_str!("functions/reference.txt");

#[test]
fn every_function_of_the_collector_is_known_with_its_arguments() {
    let ours = |function: &crate::functions::Function| {
        let mark = |optional: bool| if optional { "?" } else { "" };
        let params: Vec<_> = function.params.iter().map(|p| format!("{}{}", p.name, mark(p.optional))).collect();
        format!("{}({})", function.name, params.join(", "))
    };
    let mut known: Vec<String> = crate::functions::TABLES.iter().flat_map(|table| table.iter()).map(ours).collect();
    known.sort();
    let missing = |row: &&str| crate::functions::REFUSED.iter().any(|(name, _)| row.split('(').next() == Some(name));
    let mut wanted: Vec<&str> = REFERENCE.lines().filter(|row| !missing(row)).collect();
    wanted.sort_unstable();
    assert_eq!(known, wanted);
}

#[test]
fn a_name_of_an_argument_is_taken_with_and_without_underscores() {
    for good in ["IsMatch(log.body, pattern = \"x\")", "Split(log.body, delimiter=\"x\") == log.body"] {
        assert!(crate::condition(good, crate::Context::Log, crate::Prefix::Required).is_ok(), "{good}");
    }
    for (name, good) in [("utf8_safe", true), ("utf8Safe", true), ("utf8safe", false)] {
        let text = format!("Substring(log.body, 0, 1, {name}=true) == \"x\"");
        assert_eq!(crate::condition(&text, crate::Context::Log, crate::Prefix::Required).is_ok(), good, "{text}");
    }
}

#[test]
fn a_wrong_grok_expression_is_told_when_the_configuration_is_read() {
    for (call, said) in [
        ("\"%{NUMER:x}\"", "Grok pattern NUMER is not known; did you mean NUMBER?"),
        ("\"%{CISCOFW106001:x}\"", "give it in pattern_definitions as NAME=pattern"),
        ("\"%{A:x}\", true, [\"A=%{A}\"]", "a Grok pattern that contains itself"),
        ("\"%{A:x}\", true, [\"A\"]", "is not of the form NAME=pattern"),
        ("\"%{WORD}\", true", "names nothing to capture"),
        ("\"(%{WORD:x}\"", "makes no regular expression"),
    ] {
        let told = fault(&format!("ExtractGrokPatterns(log.body, {call}) == nil"));
        assert!(told.contains(said), "{told}");
    }
}

#[test]
fn a_function_that_is_left_out_is_refused_with_the_reason() {
    assert!(fault("UserAgent(log.body) == nil").contains("UserAgent is not available"));
}

#[test]
fn who_sent_something_can_be_read_and_not_changed() {
    for (text, said) in [
        ("otelcol.grpc.metadata[\"a\"] == nil", "otelcol.client.metadata has the headers"),
        ("otelcol.client.auth == nil", "known: client.addr, client.metadata, client.auth.attributes"),
        ("otelcol.client.addr[\"a\"] == nil", "client.addr has no keys"),
    ] {
        let told = fault(text);
        assert!(told.contains(said), "{told}");
    }
    let set = "set(otelcol.client.metadata[\"a\"], \"b\")";
    let told = crate::statement(set, crate::Context::Log, crate::Prefix::Required).unwrap_err().show(set);
    assert!(told.contains("which cannot be changed"), "{told}");
}

/// What paths the Collector 0.155 has, but for values that have no form outside of it (`span.status` as a whole).
const PATHS: &str = include_str!("fields/reference.txt");

#[test]
fn every_path_of_the_collector_is_known_in_its_context() {
    let outer = ["resource.", "scope.", "instrumentation_scope.", "span.", "metric."];
    let mut count = 0;
    for line in PATHS.lines() {
        let (name, paths) = line.split_once(": ").unwrap();
        let context = crate::Context::parse(name).unwrap();
        for path in paths.replace(", \"", ",\"").split(' ') {
            // Also those of its surroundings are asked for with the name in front.
            let owned = !outer.iter().any(|outer| path.starts_with(outer) && !path.starts_with(name));
            let path = if owned { format!("{name}.{path}") } else { path.to_owned() };
            let text = format!("{path} == nil");
            let made = crate::condition(&text, context, crate::Prefix::Required);
            assert!(made.is_ok(), "{}", made.unwrap_err().show(&text));
            count += 1;
        }
    }
    assert!(count > 100, "{count} paths");
}
