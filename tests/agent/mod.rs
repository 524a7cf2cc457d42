//! The built command under test: started with a configuration, ended in every case.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod container;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Agents watch the whole machine, so tests would see each other's storms: one agent at a time.
static ALONE: Mutex<()> = Mutex::new(());
static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A running kpulse with a folder and ports of its own.
pub struct Agent {
    pub child: Child,
    pub folder: PathBuf,
    pub metrics: SocketAddr,
    pub own: SocketAddr,
    pub health: SocketAddr,
    _alone: MutexGuard<'static, ()>,
}

/// A command that ends by itself, with its output.
pub fn kpulse(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kpulse")).args(arguments).output().unwrap()
}

/// A port where nobody listens, below those that the kernel gives to clients: nobody gets it until it is used.
pub fn free_port() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Test programs that run at the same time begin at different places.
        let number = std::process::id().wrapping_mul(97).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let address = SocketAddr::from(([127, 0, 0, 1], 20_000 + (number % 12_000) as u16));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

impl Agent {
    /// The default pipeline with own ports and folder, and more settings on top.
    pub fn start(settings: &[&str]) -> Self {
        Self::start_over("", settings)
    }

    /// The same with a file over the default pipeline, which the test can [`Agent::rewrite`].
    pub fn start_over(over: &str, settings: &[&str]) -> Self {
        Self::start_files(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agent/pipeline.yaml"), over, settings)
    }

    /// Another pipeline than the default one.
    pub fn start_with(pipeline: &str, settings: &[&str]) -> Self {
        Self::start_files(pipeline, "", settings)
    }

    /// Another pipeline, and a file over it.
    pub fn start_files(base: &str, over: &str, settings: &[&str]) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("kpulse-test-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (metrics, own, health) = (free_port(), free_port(), free_port());
        let own_reader = format!(
            "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {}}}}}}}}}]",
            own.port()
        );
        let fixed = [
            format!("exporters.prometheus.endpoint={metrics}"),
            format!("exporters.file.path={}", folder.join("telemetry.jsonl").display()),
            format!("extensions.health_check.endpoint={health}"),
            own_reader,
        ];
        let mut command = Command::new(env!("CARGO_BIN_EXE_kpulse"));
        command.args(["--config", base]);
        std::fs::write(folder.join("over.yaml"), over).unwrap();
        command.arg("--config").arg(folder.join("over.yaml"));
        for setting in fixed.iter().map(String::as_str).chain(settings.iter().copied()) {
            command.args(["--set", setting]);
        }
        let file = |name: &str| std::fs::File::create(folder.join(name)).unwrap();
        let child = command.stdout(file("out")).stderr(file("err")).stdin(Stdio::null()).spawn().unwrap();
        let mut agent = Self { child, folder, metrics, own, health, _alone: alone };
        agent.wait_for("readiness", |agent| agent.errors().contains("Everything is ready"));
        agent
    }

    /// Writes the file over the default pipeline anew, and tells the agent.
    pub fn rewrite(&self, file: &str) {
        std::fs::write(self.folder.join("over.yaml"), file).unwrap();
        self.signal(libc::SIGHUP);
    }

    /// What it wrote to standard output so far.
    pub fn output(&self) -> String {
        std::fs::read_to_string(self.folder.join("out")).unwrap_or_default()
    }

    /// Its log lines so far.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(self.folder.join("err")).unwrap_or_default()
    }

    /// The lines of its file exporter so far.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(self.folder.join("telemetry.jsonl")).unwrap_or_default();
        // The last line may be under way.
        let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        whole.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}"))).collect()
    }

    /// The value of one series of its own metrics; the last labels may be left out.
    pub fn own_metric(&self, series: &str) -> u64 {
        let page = scrape(self.own);
        let begin = series.trim_end_matches('}');
        let is_rest = |rest: &&str| rest.starts_with([' ', ',', '}']);
        let rest = page.lines().find_map(|line| line.strip_prefix(begin).filter(is_rest));
        let line = rest.and_then(|rest| rest.rsplit(' ').next());
        line.unwrap_or_else(|| panic!("no {series} in\n{page}")).parse().unwrap()
    }

    /// Waits until `condition` holds; the agent has to stay alive.
    pub fn wait_for(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) -> Duration {
        let start = Instant::now();
        while !condition(self) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended with {status} while waiting for {what}:\n{}", self.errors());
            }
            assert!(start.elapsed() < PATIENCE, "no {what}; output ends:\n{}\n{}", tail(&self.output()), self.errors());
            std::thread::sleep(Duration::from_millis(5));
        }
        start.elapsed()
    }

    /// Sends a signal to this process and no other.
    pub fn signal(&self, signal: i32) {
        // SAFETY: the child was not waited for yet, so the id is still its own.
        assert_eq!(unsafe { libc::kill(self.child.id() as i32, signal) }, 0);
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "still running:\n{}", self.errors());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The last lines, which are what one wants to see of a failure.
fn tail(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The body of `/metrics`.
pub fn scrape(address: SocketAddr) -> String {
    let (status, body) = get(address, "/metrics").unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

/// Status and body of an answer.
pub fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
    Ok((status.unwrap_or_else(|| panic!("not HTTP: {head}")), body.to_owned()))
}

/// A UDP port of this machine where nobody listens.
pub fn closed_port() -> u16 {
    std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The log records of all lines in the file.
pub fn records(agent: &Agent) -> Vec<serde_json::Value> {
    let lines = agent.lines();
    let resources = lines.iter().flat_map(|line| line["resourceLogs"].as_array().cloned().unwrap_or_default());
    let scopes = resources.flat_map(|r| r["scopeLogs"].as_array().cloned().unwrap_or_default());
    scopes.flat_map(|s| s["logRecords"].as_array().cloned().unwrap_or_default()).collect()
}

/// The value of a record's attribute.
pub fn attribute<'a>(record: &'a serde_json::Value, key: &str) -> &'a serde_json::Value {
    let attributes = record["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|a| a["key"] == key).unwrap_or_else(|| panic!("no {key} in {record:#}"));
    found["value"].as_object().unwrap().values().next().unwrap()
}

/// Where its OTLP receiver listens.
pub fn address(agent: &Agent, protocol: &str) -> SocketAddr {
    let log = agent.errors();
    let found = log.lines().filter(|line| line.contains("\tlistening\t")).find_map(|line| {
        let fields: serde_json::Value = serde_json::from_str(line.rsplit_once('\t')?.1).ok()?;
        (fields["protocol"] == protocol).then(|| fields["address"].as_str()?.parse().ok())?
    });
    found.unwrap_or_else(|| panic!("no {protocol} in {log}"))
}
