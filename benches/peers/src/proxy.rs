//! The physical limit: bytes from one socket to another, through user space once.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

use crate::Result;

const BUFFER: usize = 256 * 1024;

/// Passes on until it is ended.
pub async fn proxy(address: SocketAddr, target: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind(address).await?;
    loop {
        let (mut inward, _) = listener.accept().await?;
        let mut outward = TcpStream::connect(target).await?;
        inward.set_nodelay(true)?;
        outward.set_nodelay(true)?;
        tokio::spawn(async move {
            let _ = tokio::io::copy_bidirectional_with_sizes(&mut inward, &mut outward, BUFFER, BUFFER).await;
        });
    }
}
