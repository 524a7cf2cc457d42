//! Connections through an HTTP proxy (RFC 9110, CONNECT).

use std::io::{self, ErrorKind};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer's head is at most so long.
const HEAD_BYTES_AT_MOST: usize = 8 * 1024;

/// A connection to `host:port` by way of the proxy.
///
/// # Errors
/// The proxy cannot be reached, or does not connect; with what it said.
pub async fn connect(proxy: &Uri, host: &str, port: u16) -> io::Result<TcpStream> {
    let failed = |what: String| io::Error::new(ErrorKind::ConnectionRefused, format!("proxy {}: {what}", shown(proxy)));
    let way = (proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(80));
    let mut stream = TcpStream::connect(way).await.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true)?;
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let login = login(proxy).map(|login| format!("Proxy-Authorization: Basic {login}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await?;
    let head = head(&mut stream).await.map_err(|error| failed(error.to_string()))?;
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    match status.starts_with('2') {
        true => Ok(stream),
        false => Err(failed(format!("does not connect to {target}: {}", head.lines().next().unwrap_or_default()))),
    }
}

/// Byte by byte: what follows the head belongs to whom we connect to.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_BYTES_AT_MOST {
            return Err(io::Error::new(ErrorKind::InvalidData, "its answer has no end"));
        }
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// `user:password` of the URL, as the header has it.
fn login(proxy: &Uri) -> Option<String> {
    let (login, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    Some(STANDARD.encode(login))
}

/// Without the password.
fn shown(proxy: &Uri) -> String {
    format!("{}:{}", proxy.host().unwrap_or_default(), proxy.port_u16().unwrap_or(80))
}
