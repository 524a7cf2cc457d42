//! Who sends: HTTP/1.1 by hand, gRPC by HTTP/2 frames.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::{BufMut, Bytes, BytesMut};
use transport::header::{HeaderName, HeaderValue};
use transport::{Answer, Chunks, Client, Connections, HttpVersion, Request, TlsSettings, Version};

use crate::agent::PATIENCE;

/// An answer over HTTP.
#[derive(Debug)]
pub struct Said {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Said {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")))?;
        line.split_once(": ").map(|(_, value)| value.to_owned())
    }
}

/// Sends one request and reads until the server closes.
pub fn send(to: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Said {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("{line} HTTP/1.1\r\nhost: {to}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n");
    // A server that has seen enough may answer before it has read all.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    read(stream)
}

/// The whole answer.
pub fn read(mut stream: TcpStream) -> Said {
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert!(!answer.is_empty(), "{error}");
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Said { status, head, body: answer[end + 4..].to_vec() }
}

pub fn post(to: SocketAddr, path: &str, kind: &str, body: &[u8]) -> Said {
    send(to, &format!("POST {path}"), &[("content-type", kind)], body)
}

/// gRPC's framing of a message.
pub fn framed(flag: u8, message: &[u8]) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(flag);
    framed.put_u32(message.len() as u32);
    framed.put_slice(message);
    framed.freeze()
}

/// One call over a connection of its own.
pub async fn call(
    url: &str,
    tls: &TlsSettings,
    method: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Answer, String> {
    let client = Client::open(tls, url.starts_with("https"), Version::Http2, Connections::default())
        .map_err(|e| e.to_string())?;
    let mut request =
        Request::post(format!("{url}{method}")).version(HttpVersion::HTTP_2).body(Chunks::new([body])).unwrap();
    for (name, value) in [("content-type", "application/grpc"), ("te", "trailers")].iter().chain(headers) {
        request.headers_mut().insert(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
    }
    tokio::time::timeout(PATIENCE, client.send(request)).await.map_err(|_| "no answer")?.map_err(|e| e.to_string())
}

/// One call without TLS: its code and message.
pub async fn code(to: SocketAddr, method: &str, headers: &[(&str, &str)], body: Bytes) -> (String, String) {
    let answer = call(&format!("http://{to}"), &TlsSettings::default(), method, headers, body).await.unwrap();
    let header = |name: &str| {
        let value = answer.trailers.get(name).or(answer.headers.get(name));
        value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    (header("grpc-status"), header("grpc-message"))
}
