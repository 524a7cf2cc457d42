//! Load for `make bench-peers`, the same for a Collector and for kpulse:
//!
//! ```text
//! peers send ADDRESS SIGNAL REQUESTS RATE  a thousand items each over gRPC, uncompressed, so many a second, up to 8 at a
//!                                          time on 2 connections; prints items, seconds, refused requests, bytes an item
//! peers sink ADDRESS FILE                  takes OTLP over gRPC, also gzip, and keeps the number of items in the file
//! peers proxy ADDRESS TARGET               passes bytes on: what moving them costs anybody
//! ```

mod items;
mod proxy;
mod send;
mod sink;

use std::error::Error;

/// What stops the program, told as it is.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match words[..] {
            ["send", address, signal, requests, rate] => {
                send::send(address.parse()?, signal.parse()?, requests.parse()?, rate.parse()?).await
            }
            ["sink", address, file] => sink::sink(address.parse()?, file.into()).await,
            ["proxy", address, target] => proxy::proxy(address.parse()?, target.parse()?).await,
            _ => Err("see the top of main.rs".into()),
        }
    })
}
