//! A server of OTLP/JSON whose behaviour a test chooses, and which remembers what it took.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

/// What is done with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes it.
    Taking,
    /// Reads it and answers with this status and header.
    Refusing(u16, &'static str),
    /// Takes it after so long.
    Slow(Duration),
    /// Closes the connection in the middle of the request.
    Closing,
    /// Takes it, and closes the connection before the answer.
    Forgetful,
}

#[derive(Default)]
struct State {
    mood: Option<Mood>,
    taken: HashMap<String, u32>,
    asked: u32,
}

/// Listens as long as it lives.
pub struct Backend {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    away: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Backend {
    pub fn at(address: SocketAddr) -> Self {
        let mut backend = Self { address, state: Arc::default(), away: Arc::default(), listening: None };
        backend.come();
        backend
    }

    /// Listens again.
    pub fn come(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        let (state, away) = (self.state.clone(), self.away.clone());
        away.store(false, Ordering::SeqCst);
        self.listening = Some(std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok).take_while(|_| !away.load(Ordering::SeqCst)) {
                let state = state.clone();
                std::thread::spawn(move || while serve(&stream, &state).is_some() {});
            }
        }));
    }

    /// Connections are refused from now on.
    pub fn go(&mut self) {
        self.away.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
    }

    pub fn be(&self, mood: Mood) {
        self.state().mood = Some(mood);
    }

    /// How often each id was taken.
    pub fn taken(&self) -> HashMap<String, u32> {
        self.state().taken.clone()
    }

    /// Requests of any end.
    pub fn asked(&self) -> u32 {
        self.state().asked
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.go();
    }
}

/// `None` when the connection is over.
fn serve(stream: &TcpStream, state: &Mutex<State>) -> Option<()> {
    let mut request = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    for line in request.by_ref().lines() {
        let line = line.ok()?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mood = state.lock().unwrap().mood.clone().unwrap_or(Mood::Taking);
    if length == 0 || mood == Mood::Closing {
        return None;
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).ok()?;
    state.lock().unwrap().asked += 1;
    if let Mood::Slow(time) = mood {
        std::thread::sleep(time);
    }
    let (status, header) = match mood {
        Mood::Refusing(status, header) => (status, header),
        _ => {
            take(&String::from_utf8(body).ok()?, &mut state.lock().unwrap().taken);
            (200, "")
        }
    };
    if mood == Mood::Forgetful {
        return None;
    }
    let answer = format!("HTTP/1.1 {status} X\r\n{header}content-length: 0\r\n\r\n");
    (&mut &*stream).write_all(answer.as_bytes()).ok()
}

/// Every `id-...-` in the text.
pub fn take(text: &str, taken: &mut HashMap<String, u32>) {
    for rest in text.split("id-").skip(1) {
        if let Some((id, _)) = rest.split_once('-') {
            *taken.entry(id.to_owned()).or_default() += 1;
        }
    }
}
