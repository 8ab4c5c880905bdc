//! The launcher's own commands on a running stack.

use onhand_tests::process;
use onhand_tests::stack::{Stack, program};

#[test]
fn up_on_a_running_stack_changes_nothing() {
    let stack = Stack::from_env().unwrap();
    let pids = || {
        let mut found: Vec<_> = std::fs::read_dir(format!("{}/run", stack.state))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "pid"))
            .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
            .collect();
        found.sort();
        found
    };
    let before = pids();
    assert!(before.len() >= 9, "{before:?}");
    let (code, text) = program(&["up"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(pids(), before, "the same processes");
}

#[test]
fn status_lists_every_part_as_ready_and_no_server_runs_as_root() {
    let stack = Stack::from_env().unwrap();
    let (code, text) = program(&["status"]);
    assert_eq!(code, 0, "{text}");
    for part in [
        "postgres",
        "redis",
        "kafka",
        "registry",
        "elasticsearch",
        "connect",
        "cache",
        "search",
        "ingest",
        "alerts",
        "api",
        "watch",
    ] {
        assert!(
            text.lines()
                .any(|line| line.trim_start().starts_with(part) && line.contains("ready")),
            "{part}: {text}"
        );
        let pid = process::pid(&stack.state, part).unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let owner = status.lines().find(|line| line.starts_with("Uid:")).unwrap();
        assert!(
            !owner.split_whitespace().any(|number| number == "0"),
            "{part} runs as root: {owner}"
        );
    }
}

#[test]
fn what_can_catch_up_later_stands_back_and_what_a_write_waits_for_does_not() {
    let stack = Stack::from_env().unwrap();
    let of = |part: &str| {
        let pid = process::pid(&stack.state, part).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // What follows the name in brackets begins with the third field; the nineteenth is the nice value.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let nice = fields.split_whitespace().nth(16).unwrap().to_owned();
        // A kernel that does not share between sessions has no such file.
        let session = std::fs::read_to_string(format!("/proc/{pid}/autogroup")).ok();
        (
            nice,
            session.and_then(|text| text.split_whitespace().last().map(str::to_owned)),
        )
    };
    for (parts, expected) in [
        (["elasticsearch", "search", "publish", "verify"], "4"),
        (["postgres", "connect", "kafka", "cache"], "0"),
    ] {
        for part in parts {
            let (nice, session) = of(part);
            assert_eq!(nice, expected, "{part}");
            assert!(
                session.as_deref().is_none_or(|nice| nice == expected),
                "{part}: {session:?}"
            );
        }
    }
}

#[test]
fn logs_of_a_part_that_is_none_names_those_that_are() {
    let (code, text) = program(&["logs", "nonsense"]);
    assert_ne!(code, 0);
    assert!(text.contains("postgres") && text.contains("cache"), "{text}");
}

#[test]
fn settings_of_a_running_stack_are_printed_for_a_shell() {
    let (code, text) = program(&["env"]);
    assert_eq!(code, 0, "{text}");
    for name in [
        "PGPASSWORD",
        "ONHAND_DATABASE__URL",
        "ONHAND_KAFKA__BROKERS",
        "ONHAND_API_URL",
    ] {
        assert!(text.contains(&format!("export {name}='")), "{name}: {text}");
    }
}
