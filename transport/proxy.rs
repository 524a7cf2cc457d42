//! Connections to an HTTP proxy, which passes requests on, and through one (RFC 9110, CONNECT).

use std::fmt::Display;
use std::io::{self, ErrorKind};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Uri;
use hyper::header::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::USER_AGENT;

/// An answer's head is at most so long.
const HEAD_BYTES_AT_MOST: usize = 8 * 1024;

/// A connection to the proxy itself.
///
/// # Errors
/// The proxy cannot be reached.
pub async fn reach(proxy: &Uri) -> io::Result<TcpStream> {
    if proxy.scheme_str() != Some("http") {
        return Err(failed(proxy, "only proxies that are spoken to without TLS (http://) are supported"));
    }
    let host = proxy.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, port(proxy))).await.map_err(|error| failed(proxy, error))
}

/// A connection to `host:port` by way of the proxy.
///
/// # Errors
/// The proxy cannot be reached, or does not connect; with what it said.
pub async fn tunnel(proxy: &Uri, host: &str, port: u16) -> io::Result<TcpStream> {
    let mut stream = reach(proxy).await?;
    stream.set_nodelay(true)?;
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {USER_AGENT}\r\n");
    if let Some(login) = login(proxy).as_ref().and_then(|login| login.to_str().ok()) {
        request += &format!("Proxy-Authorization: {login}\r\n");
    }
    stream.write_all((request + "\r\n").as_bytes()).await?;
    let head = head(&mut stream).await.map_err(|error| failed(proxy, error))?;
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    match status.starts_with('2') {
        true => Ok(stream),
        false => {
            let said = head.lines().next().unwrap_or_default();
            Err(failed(proxy, format!("does not connect to {target}: {said}")))
        }
    }
}

fn failed(proxy: &Uri, what: impl Display) -> io::Error {
    io::Error::new(ErrorKind::ConnectionRefused, format!("proxy {}: {what}", shown(proxy)))
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
pub fn login(proxy: &Uri) -> Option<HeaderValue> {
    let (login, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let login = config::unescaped(login).unwrap_or_else(|| login.to_owned());
    let login = if login.contains(':') { login } else { login + ":" };
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(login))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn port(proxy: &Uri) -> u16 {
    proxy.port_u16().unwrap_or(80)
}

/// Without the password.
fn shown(proxy: &Uri) -> String {
    format!("{}:{}", proxy.host().unwrap_or_default(), port(proxy))
}
