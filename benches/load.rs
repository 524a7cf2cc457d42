//! Load for the benches, and the little HTTP they need: std only, so that `rustc -O` alone builds it.
//!
//! ```text
//! load switch CPU ROUND_TRIPS        two processes ping-pong over pipes on one CPU; prints CPU ns per switch
//! load echo                          the other process: writes what it reads
//! load tcp CPU ROUND_TRIPS           a request and an answer of 64 bytes over loopback, two processes on one CPU;
//!                                    prints CPU ns per round trip
//! load answer ADDRESS                the other process: connects, and answers what it reads with the same
//! load storm CPU DATAGRAMS           UDP to a closed port; prints CPU ns per datagram and datagrams a second
//! load exchange CPU ROUND_TRIPS KIND 100 bytes there and back over TCP, KIND http or other, two processes on one CPU;
//!                                    prints CPU ns per round trip and round trips a second
//! load respond KIND                  the other process: tells its port, answers every 100 bytes
//! load burn CPU SECONDS DEPTH        burns CPU time below so many calls, which differ from one time to the next
//! load await ADDRESS NEEDLE SECONDS  polls a page until it has NEEDLE; fails when it never does
//! load scrape ADDRESS TIMES          reads the page TIMES times, a connection each; prints the last one
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// `struct rusage` of 64-bit Linux.
#[repr(C)]
#[derive(Default)]
struct Usage {
    user: [i64; 2],
    system: [i64; 2],
    rest: [i64; 14],
}

unsafe extern "C" {
    fn sched_setaffinity(pid: i32, bytes: usize, mask: *const u64) -> i32;
    fn getrusage(who: i32, usage: *mut Usage) -> i32;
}

/// Pins this thread, and the threads it will start.
fn pin(cpu: usize) -> Result<()> {
    let mut mask = [0u64; 16];
    *mask.get_mut(cpu / 64).ok_or("no such CPU")? = 1 << (cpu % 64);
    // SAFETY: the mask lives through the call and has the length that is told.
    match unsafe { sched_setaffinity(0, size_of_val(&mask), mask.as_ptr()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

/// Whose time: this process, or the children that it waited for.
const SELF: i32 = 0;
const CHILDREN: i32 = -1;

/// User and system time so far. The tick's split of the two is rough, their sum is exact.
fn cpu_ns(who: i32) -> Result<f64> {
    let mut usage = Usage::default();
    // SAFETY: the struct is as large as the kernel's.
    if unsafe { getrusage(who, &mut usage) } != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    let ns = |[seconds, micros]: [i64; 2]| seconds as f64 * 1e9 + micros as f64 * 1e3;
    Ok(ns(usage.user) + ns(usage.system))
}

/// Two processes, as `perf bench sched pipe` has them: a switch changes the address space too.
fn switch(cpu: usize, round_trips: u64) -> Result<()> {
    pin(cpu)?;
    let before = cpu_ns(SELF)?;
    let mut command = Command::new(std::env::current_exe()?);
    let mut other = command.arg("echo").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (mut to, mut from) = (other.stdin.take().ok_or("no pipe")?, other.stdout.take().ok_or("no pipe")?);
    let mut byte = [0];
    for _ in 0..round_trips {
        to.write_all(&byte)?;
        from.read_exact(&mut byte)?;
    }
    drop(to);
    other.wait()?;
    println!("{:.1}", (cpu_ns(SELF)? - before + cpu_ns(CHILDREN)?) / (2 * round_trips) as f64);
    Ok(())
}

fn echo() -> Result<()> {
    // Unbuffered: one byte is one wake-up.
    let (mut input, mut output) =
        (std::fs::File::open("/dev/stdin")?, std::fs::File::options().write(true).open("/dev/stdout")?);
    let mut byte = [0];
    while input.read(&mut byte)? == 1 {
        output.write_all(&byte)?;
    }
    Ok(())
}

/// What a request and its answer hold.
const MESSAGE: usize = 64;

fn tcp(cpu: usize, round_trips: u64) -> Result<()> {
    pin(cpu)?;
    let before = cpu_ns(SELF)?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let mut other = Command::new(std::env::current_exe()?).args(["answer", &address]).spawn()?;
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut message = [0; MESSAGE];
    for _ in 0..round_trips {
        stream.write_all(&message)?;
        stream.read_exact(&mut message)?;
    }
    drop(stream);
    other.wait()?;
    println!("{:.1}", (cpu_ns(SELF)? - before + cpu_ns(CHILDREN)?) / round_trips as f64);
    Ok(())
}

fn answer(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut message = [0; MESSAGE];
    while stream.read_exact(&mut message).is_ok() {
        stream.write_all(&message)?;
    }
    Ok(())
}

/// 100 bytes that are an HTTP message, or none.
fn message(kind: &str, first_line: &str) -> [u8; 100] {
    let mut bytes = [b'.'; 100];
    if kind == "http" {
        let head = format!("{first_line}\r\nContent-Length: 20\r\nX: {:x<1$}\r\n\r\n", "", 80 - first_line.len() - 29);
        bytes[..80].copy_from_slice(head.as_bytes());
    }
    bytes
}

fn exchange(cpu: usize, round_trips: u64, kind: &str) -> Result<()> {
    pin(cpu)?;
    let mut command = Command::new(std::env::current_exe()?);
    let mut other = command.args(["respond", kind]).stdout(Stdio::piped()).spawn()?;
    let mut port = [0; 2];
    other.stdout.take().ok_or("no pipe")?.read_exact(&mut port)?;
    let mut stream = TcpStream::connect(("127.0.0.1", u16::from_be_bytes(port)))?;
    stream.set_nodelay(true)?;
    let (request, mut response) = (message(kind, "POST /bench HTTP/1.1"), [0; 100]);
    let before = cpu_ns(SELF)?;
    let start = Instant::now();
    for _ in 0..round_trips {
        stream.write_all(&request)?;
        stream.read_exact(&mut response)?;
    }
    let (own, wall) = (cpu_ns(SELF)? - before, start.elapsed().as_secs_f64());
    drop(stream);
    other.wait()?;
    // What the other process took to start is in, and is nothing beside the round trips.
    println!("{:.1} {:.0}", (own + cpu_ns(CHILDREN)?) / round_trips as f64, round_trips as f64 / wall);
    Ok(())
}

fn respond(kind: &str) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    std::io::stdout().write_all(&listener.local_addr()?.port().to_be_bytes())?;
    std::io::stdout().flush()?;
    let mut stream = listener.accept()?.0;
    stream.set_nodelay(true)?;
    let (response, mut request) = (message(kind, "HTTP/1.1 200 OK"), [0; 100]);
    while stream.read_exact(&mut request).is_ok() {
        stream.write_all(&response)?;
    }
    Ok(())
}

fn storm(cpu: usize, datagrams: u64) -> Result<()> {
    pin(cpu)?;
    // A port that was just free is closed once its socket is dropped.
    let closed = UdpSocket::bind("127.0.0.1:0")?.local_addr()?;
    // Not connected: the ICMP answers then do not fail the next send.
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (before, start) = (cpu_ns(SELF)?, Instant::now());
    for _ in 0..datagrams {
        socket.send_to(&[0; 64], closed)?;
    }
    let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_ns(SELF)? - before);
    println!("{:.1} {:.0}", cpu / datagrams as f64, datagrams as f64 / wall);
    Ok(())
}

/// Frames that are not calls of these, and calls that are no last ones, would not be on the stack.
#[inline(never)]
fn left(path: u64, depth: u32) -> u64 {
    std::hint::black_box(below(path, depth)) + 1
}

#[inline(never)]
fn right(path: u64, depth: u32) -> u64 {
    std::hint::black_box(below(path, depth)) + 2
}

fn below(path: u64, depth: u32) -> u64 {
    match (depth, path & 1) {
        (0, _) => (0..20_000).fold(path, |sum, i| std::hint::black_box(sum.wrapping_mul(31).wrapping_add(i))) & 1,
        (_, 0) => left(path >> 1, depth - 1),
        _ => right(path >> 1, depth - 1),
    }
}

fn burn(cpu: usize, seconds: f64, depth: u32) -> Result<()> {
    pin(cpu)?;
    let (start, mut path) = (Instant::now(), 1u64);
    while start.elapsed().as_secs_f64() < seconds {
        path = path.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::hint::black_box(below(path.rotate_left(32), depth));
    }
    Ok(())
}

fn get(address: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.starts_with("HTTP/1.1 200") {
        true => Ok(answer),
        false => Err(answer.into()),
    }
}

fn wait(address: &str, needle: &str, seconds: u64) -> Result<()> {
    let start = Instant::now();
    while !get(address).is_ok_and(|page| page.contains(needle)) {
        if start.elapsed() > Duration::from_secs(seconds) {
            return Err(format!("{address}: no {needle} after {seconds} s").into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn scrape(address: &str, times: u64) -> Result<()> {
    for _ in 1..times {
        get(address)?;
    }
    print!("{}", get(address)?);
    Ok(())
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["echo"] => echo(),
        ["switch", cpu, times] => switch(cpu.parse()?, times.parse()?),
        ["tcp", cpu, times] => tcp(cpu.parse()?, times.parse()?),
        ["answer", address] => answer(address),
        ["exchange", cpu, times, kind] => exchange(cpu.parse()?, times.parse()?, kind),
        ["respond", kind] => respond(kind),
        ["storm", cpu, times] => storm(cpu.parse()?, times.parse()?),
        ["burn", cpu, seconds, depth] => burn(cpu.parse()?, seconds.parse()?, depth.parse()?),
        ["await", address, needle, seconds] => wait(address, needle, seconds.parse()?),
        ["scrape", address, times] => scrape(address, times.parse()?),
        _ => Err("see the top of load.rs".into()),
    }
}
