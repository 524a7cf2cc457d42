//! Sends numbered records, and remembers which were acknowledged.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crate::agent::PATIENCE;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A log record of its own, with so many more bytes.
pub fn record(id: u32, padding: usize) -> String {
    let padding = "x".repeat(padding);
    format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"id-{id}-{padding}"}}}}]}}]}}]}}"#
    )
}

/// Status and body of the answer.
pub fn post(to: SocketAddr, path: &str, body: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    status.map(|status| (status, answer)).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// Sends one record; its id if it was acknowledged, else what was said.
pub fn send(to: SocketAddr, padding: usize) -> Result<String, String> {
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    match post(to, "/v1/logs", &record(id, padding)) {
        Ok((200, _)) => Ok(id.to_string()),
        Ok((_, said)) => Err(said),
        Err(error) => Err(error.to_string()),
    }
}

/// Several who send as fast as they can, until they are ended.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<Vec<String>>>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(to: SocketAddr, senders: usize, padding: usize) -> Self {
        let (stop, acknowledged) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
        let one = |_| {
            let (stop, acknowledged) = (stop.clone(), acknowledged.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match send(to, padding) {
                        Ok(id) => acknowledged.lock().unwrap().push(id),
                        // Somebody who is refused comes back later.
                        Err(_) => std::thread::sleep(std::time::Duration::from_millis(1)),
                    }
                }
            })
        };
        let senders = (0..senders).map(one).collect();
        Self { stop, acknowledged, senders }
    }

    /// What was acknowledged.
    pub fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.senders.into_iter().for_each(|sender| sender.join().unwrap());
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}
