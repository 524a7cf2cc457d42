//! The stop: what came in is answered, and nobody can hold it up.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::client::read;
use crate::{address, requests, start};

#[test]
fn a_request_under_way_is_answered_and_idle_connections_hold_nothing_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!(
        "exporters.otlp_http={{endpoint: 'http://{}', sending_queue: {{enabled: false}}}}",
        listener.local_addr().unwrap()
    );
    let (came, asked) = mpsc::channel();
    let (go, going) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        came.send(()).unwrap();
        going.recv().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    });
    let mut agent = start(&[&to, "service.pipelines.logs.exporters=[otlp_http]"]);
    let http = address(&agent, "http");
    let _idle = [TcpStream::connect(http).unwrap(), TcpStream::connect(address(&agent, "grpc")).unwrap()];
    let body = requests()[2].2.to_string();
    let mut sender = TcpStream::connect(http).unwrap();
    write!(
        sender,
        "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    asked.recv_timeout(crate::agent::PATIENCE).unwrap();
    agent.signal(libc::SIGTERM);
    agent.wait_for("the stop", |agent| agent.errors().contains("Starting shutdown"));
    agent.wait_for("a closed port", |_| TcpStream::connect(http).is_err());
    let stopping = Instant::now();
    go.send(()).unwrap();
    assert_eq!(read(sender).status, 200);
    assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
    assert!(stopping.elapsed() < Duration::from_secs(4), "{:?}", stopping.elapsed());
    assert!(agent.errors().contains("Shutdown complete"), "{}", agent.errors());
}

#[test]
fn a_request_that_never_comes_in_full_does_not_hold_up_the_stop() {
    let mut agent = start(&[]);
    let mut sender = TcpStream::connect(address(&agent, "http")).unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{";
    sender.write_all(head.as_bytes()).unwrap();
    // Answered by another connection, so the first has been read too.
    assert_eq!(crate::client::post(address(&agent, "http"), "/v1/logs", "application/json", b"{}").status, 200);
    agent.signal(libc::SIGTERM);
    assert_eq!(read(sender).status, 503);
    assert_eq!(agent.ended().code(), Some(0), "{}", agent.errors());
}
