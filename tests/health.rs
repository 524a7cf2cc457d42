//! `health_check` tells the truth: green when everything works, red when something has died, red while stopping.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a test may fail loudly")]

mod agent;

use std::net::TcpListener;

use agent::kpulse;

/// A service that needs no rights: it listens and waits.
fn quiet(health: &str, metrics: &str) -> String {
    format!(
        "yaml:{{receivers: {{ebpf_metrics: {{initial_delay: 1h, scrapers: {{load: }}}}}}, exporters: {{prometheus: {{endpoint: '{metrics}'}}}}, \
         extensions: {{health_check: {{endpoint: '{health}'}}}}, \
         service: {{extensions: [health_check], telemetry: {{metrics: {{readers: []}}}}, \
         pipelines: {{metrics: {{receivers: [ebpf_metrics], exporters: [prometheus]}}}}}}}}"
    )
}

#[test]
fn a_port_in_use_is_a_start_error_that_names_extension_and_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = kpulse(&["--config", &quiet(&address, "127.0.0.1:0")]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot start extension health_check: cannot listen on {address}")), "{said}");
}

mod kernel {
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

    use serde_json::Value;

    use crate::agent::{Agent, get};

    fn health(agent: &Agent) -> Option<(u16, Value)> {
        let (status, body) = get(agent.health, "/").ok()?;
        Some((status, serde_json::from_str(&body).unwrap_or_else(|e| panic!("{e}: {body}"))))
    }

    #[test]
    fn only_who_says_the_token_is_told_where_that_is_wanted() {
        let settings = [
            "extensions.health_check.auth={authenticator: bearer_token_auth, request_params: [token]}",
            "extensions.bearer_token_auth={token: abc, header: token, scheme: ''}",
            "service.extensions=[health_check, bearer_token_auth]",
        ];
        let agent = Agent::start(&settings);
        let why = "provided authorization does not match expected scheme or token\n";
        assert_eq!(get(agent.health, "/?token=a").unwrap(), (401, why.to_owned()));
        assert_eq!(get(agent.health, "/").unwrap().0, 401);
        assert_eq!(get(agent.health, "/?token=abc").unwrap().0, 200);
    }

    /// Takes the listening socket of `address` out of the agent and shuts it down under its feet.
    fn break_listener(agent: &Agent, address: std::net::SocketAddr) {
        let pid = agent.child.id() as i32;
        // SAFETY: plain system calls; each descriptor that they return is owned once.
        let (pidfd, stolen) = unsafe {
            let pidfd = OwnedFd::from_raw_fd(libc::syscall(libc::SYS_pidfd_open, pid, 0) as i32);
            let stolen = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().find_map(|entry| {
                let number: i32 = entry.unwrap().file_name().to_str()?.parse().ok()?;
                let copy = libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), number, 0) as i32;
                let socket = std::net::TcpListener::from(OwnedFd::from_raw_fd(Some(copy).filter(|fd| *fd >= 0)?));
                (socket.local_addr().ok() == Some(address)).then_some(socket)
            });
            (pidfd, stolen.unwrap())
        };
        // SAFETY: both descriptors are open.
        assert_eq!(unsafe { libc::shutdown(stolen.as_raw_fd(), libc::SHUT_RDWR) }, 0);
        drop(pidfd);
    }

    #[test]
    fn it_is_green_in_service_and_red_with_the_name_of_what_died() {
        let mut agent = Agent::start(&[]);
        let (status, body) = health(&agent).unwrap();
        assert_eq!((status, &body["status"]), (200, &Value::from("Server available")));
        assert!(body["faults"].is_null(), "{body}");
        break_listener(&agent, agent.metrics);
        agent.wait_for("red", |agent| health(agent).is_some_and(|(status, _)| status == 503));
        let (_, body) = health(&agent).unwrap();
        let wanted = format!("prometheus on {} ended early", agent.metrics);
        assert_eq!(body["faults"], Value::from(vec![wanted.clone()]), "{body}");
        assert!(agent.errors().contains(&wanted), "{}", agent.errors());
        // The rest goes on.
        let before = agent.lines().len();
        agent.wait_for("more lines", |agent| agent.lines().len() > before);
    }

    #[test]
    fn it_is_red_while_what_is_held_is_drained() {
        // A backend that takes the connection and never answers holds up the stop.
        let backend = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let exporter = format!(
            "exporters.otlp_grpc={{endpoint: 'http://{}', timeout: 0s, tls: {{insecure: true}}}}",
            backend.local_addr().unwrap()
        );
        let settings = [exporter.as_str(), "service.pipelines.metrics.exporters=[otlp_grpc, file]"];
        let mut agent = Agent::start(&settings);
        agent.wait_for("the first values", |agent| !agent.lines().is_empty());
        agent.signal(libc::SIGTERM);
        agent.wait_for("red", |agent| health(agent).is_some_and(|(status, _)| status == 503));
        let (_, body) = health(&agent).unwrap();
        assert_eq!((&body["status"], &body["uptime"]), (&Value::from("Server not available"), &Value::from("")));
    }
}
