//! A server for tests: what it was asked, and what it answers.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// An HTTP server that closes after each answer.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(String, String)>>>,
}

impl Server {
    /// Answers each request, given its head and body, with a status, a content type and a body.
    pub async fn start(
        mut answer: impl FnMut(SocketAddr, &str, &str) -> (u16, &'static str, String) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<_>>>::default());
        let asks = asked.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap().to_lowercase();
                let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
                let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                stream.read_exact(&mut body).await.unwrap();
                let body = String::from_utf8(body).unwrap();
                let (status, kind, said) = answer(address, &head, &body);
                asks.lock().unwrap().push((head, body));
                let length = said.len();
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{said}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { address, asked }
    }

    /// Heads and bodies of the requests so far; heads in lower case.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}
