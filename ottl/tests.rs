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
