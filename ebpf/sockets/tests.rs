//! Requests and responses over real connections, timed by those who make them (root).

pub(super) mod kernel {
    use std::io::{IoSlice, IoSliceMut, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use crate::sockets::{Exchange, Kind, Role, Settings, Sockets};
    use crate::{EventProbe, Kernel, Probe, Rate};

    pub(in crate::sockets) const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

    /// Sees what this very process sends, and holds nothing back.
    pub(in crate::sockets) fn open(settings: Settings) -> Sockets {
        let rate = Rate { per_second: 0, burst: 1 };
        Sockets::open(&mut Kernel::open().unwrap(), &Settings { rate, own: true, ..settings }).unwrap()
    }

    /// Both ends of a connection.
    pub(in crate::sockets) struct Pair {
        pub client: TcpStream,
        pub server: TcpStream,
        pub port: u16,
        _listener: TcpListener,
    }

    impl Pair {
        pub(in crate::sockets) fn new(any: &str) -> Self {
            let listener = TcpListener::bind(any).unwrap();
            let address = listener.local_addr().unwrap();
            let port = address.port();
            // A socket for both versions is met by the older one.
            let met = if address.ip().is_unspecified() { ([127, 0, 0, 1], port).into() } else { address };
            let client = TcpStream::connect(met).unwrap();
            client.set_nodelay(true).unwrap();
            let server = listener.accept().unwrap().0;
            Self { client, server, port, _listener: listener }
        }

        /// One side writes, the other reads all of it.
        pub(in crate::sockets) fn asks(&mut self, bytes: &[u8]) {
            pass(&mut self.client, &mut self.server, bytes);
        }

        pub(in crate::sockets) fn answers(&mut self, bytes: &[u8]) {
            pass(&mut self.server, &mut self.client, bytes);
        }
    }

    fn pass(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
        std::thread::scope(|scope| {
            scope.spawn(|| from.write_all(bytes).unwrap());
            to.read_exact(&mut vec![0; bytes.len()]).unwrap();
        });
    }

    pub(in crate::sockets) fn get(path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").into_bytes()
    }

    /// What the probe wrote of one exchange.
    pub(in crate::sockets) struct Seen {
        pub exchange: Exchange,
        request: String,
        response: String,
        statuses: Vec<u16>,
    }

    impl Seen {
        pub(in crate::sockets) fn duration(&self) -> Duration {
            Duration::from_nanos(self.exchange.end_ns() - self.exchange.request_start_ns)
        }
    }

    /// Everything of the connections to `port` so far, by one side.
    pub(in crate::sockets) fn seen(probe: &mut Sockets, port: u16) -> (Vec<Seen>, Vec<Seen>) {
        let mut all = Vec::new();
        probe.drain_exchanges(|exchange, excerpt| {
            all.push(Seen {
                exchange: *exchange,
                request: String::from_utf8_lossy(excerpt.request).into_owned(),
                response: String::from_utf8_lossy(excerpt.response).into_owned(),
                statuses: excerpt.heads.iter().map(|head| head.status).collect(),
            });
        });
        let of_port =
            |seen: &Seen| [seen.exchange.local(), seen.exchange.remote()].iter().any(|end| end.unwrap().port() == port);
        all.into_iter().filter(of_port).partition(|seen| seen.exchange.role() == Some(Role::Client))
    }

    pub(in crate::sockets) fn adds_up(probe: &mut Sockets) {
        probe.detach();
        let counters = probe.counters();
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!((counters.lost, counters.malformed), (0, 0));
    }

    #[tokio::test]
    async fn a_slow_server_makes_an_exchange_of_that_length_on_both_sides_of_the_connection() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        for (any, wait) in [("127.0.0.1:0", 30), ("[::1]:0", 60), ("[::]:0", 120)] {
            let mut pair = Pair::new(any);
            let request = get("/slow?of=it");
            let started = Instant::now();
            pair.client.write_all(&request).unwrap();
            let asked = Instant::now();
            pair.server.read_exact(&mut vec![0; request.len()]).unwrap();
            std::thread::sleep(Duration::from_millis(wait));
            let least = asked.elapsed();
            pair.answers(RESPONSE);
            let most = started.elapsed();
            let port = pair.port;
            drop(pair);
            let (clients, servers) = seen(&mut probe, port);
            let ([client], [server]) = (&clients[..], &servers[..]) else { panic!("{}", clients.len()) };
            for side in [client, server] {
                let took = side.duration();
                assert!(took >= least.mul_f64(0.95) && took <= most.mul_f64(1.05), "{took:?}: {least:?}..{most:?}");
                assert_eq!(side.exchange.kind(), Some(Kind::Http));
                assert_eq!(side.request.as_bytes(), request);
                assert_eq!((side.response.as_bytes(), &side.statuses[..]), (RESPONSE, &[200][..]));
                assert_eq!(side.exchange.request_bytes, request.len() as u64);
                assert_eq!(side.exchange.response_bytes, RESPONSE.len() as u64);
                assert_eq!(side.exchange.task().pid, std::process::id());
                assert!(side.exchange.handshake().is_some_and(|took| took < Duration::from_millis(50)));
            }
            assert_eq!(client.exchange.request_seq, server.exchange.request_seq);
            assert_eq!(client.exchange.local(), server.exchange.remote());
            assert_eq!(client.exchange.remote(), server.exchange.local());
            assert!(server.exchange.peer_is_here());
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn each_request_of_a_connection_that_stays_is_one_exchange() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        let mut pair = Pair::new("127.0.0.1:0");
        for number in 0..200 {
            pair.asks(&get(&format!("/{number}")));
            pair.answers(RESPONSE);
        }
        let port = pair.port;
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        for side in [&clients, &servers] {
            let requests: Vec<_> = side.iter().map(|seen| seen.request.split(' ').nth(1).unwrap().to_owned()).collect();
            assert_eq!(requests, (0..200).map(|number| format!("/{number}")).collect::<Vec<_>>());
            assert!(side.iter().all(|seen| seen.statuses == [200]));
            assert_eq!(side.iter().filter(|seen| seen.exchange.handshake().is_some()).count(), 1);
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn a_request_that_comes_in_pieces_is_one_exchange_with_all_its_bytes() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        let mut pair = Pair::new("127.0.0.1:0");
        let request = get("/in/pieces");
        for byte in request.chunks(1) {
            pair.asks(byte);
        }
        for piece in RESPONSE.chunks(13) {
            pair.answers(piece);
        }
        // And gathered and scattered: the head in one buffer, the body in others.
        let parts = [&b"POST /gathered HTTP/1.1\r\n"[..], b"Content-Length: 4\r\n\r\n", b"ab", b"cd"];
        let sent = pair.client.write_vectored(&parts.map(IoSlice::new)).unwrap();
        let (mut first, mut second) = ([0; 10], [0; 200]);
        let vectors = &mut [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
        assert_eq!(pair.server.read_vectored(vectors).unwrap(), sent);
        pair.answers(RESPONSE);
        let port = pair.port;
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        for side in [clients, servers] {
            let [pieces, gathered] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert_eq!((pieces.request.as_bytes(), pieces.response.as_bytes()), (&request[..], RESPONSE));
            assert_eq!(gathered.request, "POST /gathered HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd");
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn requests_before_any_response_are_one_exchange_with_a_head_for_each_response() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        let mut pair = Pair::new("127.0.0.1:0");
        pair.asks(&[get("/1"), get("/2"), get("/3")].concat());
        for status in ["200", "404", "503"] {
            pair.answers(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
        // What is told to go on goes on: a notice is no response.
        pair.asks(b"POST /5 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        pair.answers(b"HTTP/1.1 100 Continue\r\n\r\n");
        pair.asks(b"body");
        pair.answers(RESPONSE);
        let port = pair.port;
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        for side in [clients, servers] {
            let [pipelined, told] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert_eq!(pipelined.request.matches("GET /").count(), 3);
            assert_eq!(pipelined.statuses, [200, 404, 503]);
            assert_eq!(told.statuses, [100, 200]);
            assert!(told.request.ends_with("body"));
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn connections_of_before_are_seen_from_both_sides() {
        let _alone = crate::ALONE.lock().await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let client = TcpStream::connect(address).unwrap();
        let server = listener.accept().unwrap().0;
        let mut pair = Pair { client, server, port: address.port(), _listener: listener };
        pair.asks(&get("/before"));
        let mut probe = open(Settings { tcp: true, ..Settings::default() });
        // The end of something that began unseen.
        pair.answers(RESPONSE);
        pair.asks(&get("/after"));
        pair.answers(RESPONSE);
        drop(pair);
        let (clients, servers) = seen(&mut probe, address.port());
        for side in [clients, servers] {
            let [after] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert!(after.request.starts_with("GET /after "), "{}", after.request);
            assert_eq!((after.exchange.handshake(), &after.statuses[..]), (None, &[200][..]));
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn big_bodies_count_every_byte() {
        const BYTES: usize = 5_000_000;
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        let mut pair = Pair::new("127.0.0.1:0");
        let body = vec![b'x'; BYTES];
        let request = [format!("PUT /big HTTP/1.1\r\nContent-Length: {BYTES}\r\n\r\n").as_bytes(), &body].concat();
        let response = [format!("HTTP/1.1 201 Created\r\nContent-Length: {BYTES}\r\n\r\n").as_bytes(), &body].concat();
        pair.asks(&request);
        pair.answers(&response);
        let port = pair.port;
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        for side in [clients, servers] {
            let [big] = &side[..] else { panic!("{} exchanges", side.len()) };
            let bytes = (big.exchange.request_bytes, big.exchange.response_bytes);
            assert_eq!(bytes, (request.len() as u64, response.len() as u64));
            assert_eq!((&big.statuses[..], big.exchange.response_tail()), (&[201][..], *b"xxxxxxxx"));
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn what_is_not_http_is_told_by_its_direction_and_only_when_asked_for() {
        let _alone = crate::ALONE.lock().await;
        for tcp in [false, true] {
            let mut probe = open(Settings { tcp, ..Settings::default() });
            let mut pair = Pair::new("127.0.0.1:0");
            // Servers of some protocols greet first: that answers nothing.
            pair.answers(b"220 welcome\r\n");
            for _ in 0..5 {
                pair.asks(b"\x01\x02GET");
                std::thread::sleep(Duration::from_millis(20));
                pair.answers(b"\x03\x04");
            }
            let port = pair.port;
            drop(pair);
            let (clients, servers) = seen(&mut probe, port);
            for side in [clients, servers] {
                assert_eq!(side.len(), if tcp { 5 } else { 0 });
                for one in &side {
                    assert_eq!(one.exchange.kind(), Some(Kind::Tcp));
                    assert_eq!((one.exchange.request_bytes, one.exchange.response_bytes), (5, 2));
                    assert!(one.duration() >= Duration::from_millis(19), "{:?}", one.duration());
                }
            }
            adds_up(&mut probe);
        }
    }

    #[tokio::test]
    async fn a_response_that_falls_silent_is_shown_once_and_again_when_it_went_on() {
        let _alone = crate::ALONE.lock().await;
        let pause = Duration::from_millis(50);
        let mut probe = open(Settings { pause, ..Settings::default() });
        let mut pair = Pair::new("127.0.0.1:0");
        pair.asks(&get("/chunks"));
        pair.answers(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
        let port = pair.port;
        let silent = |probe: &mut Sockets| {
            std::thread::sleep(pause * 2);
            probe.visit().unwrap();
            probe.visit().unwrap();
            seen(probe, port)
        };
        let (clients, servers) = silent(&mut probe);
        for side in [&clients, &servers] {
            assert_eq!(side.iter().map(|seen| seen.exchange.may_go_on()).collect::<Vec<_>>(), [true]);
        }
        pair.answers(b"0\r\n\r\n");
        let (clients, servers) = silent(&mut probe);
        for side in [&clients, &servers] {
            let [shown] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert_eq!(
                (shown.exchange.may_go_on(), &shown.exchange.response_tail()[1..]),
                (true, &b"\r\n0\r\n\r\n"[..])
            );
        }
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        for side in [&clients, &servers] {
            let [last] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert!(last.exchange.was_shown() && !last.exchange.may_go_on());
            assert_eq!(last.exchange.response_shown_bytes, last.exchange.response_bytes);
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn a_connection_that_ends_before_the_response_leaves_its_request_unanswered() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings::default());
        let mut pair = Pair::new("127.0.0.1:0");
        pair.asks(&get("/never"));
        let Pair { client, server, port, .. } = pair;
        drop(server);
        drop(client);
        let (clients, servers) = seen(&mut probe, port);
        for side in [clients, servers] {
            let [never] = &side[..] else { panic!("{} exchanges", side.len()) };
            assert!(never.exchange.is_unanswered() && never.statuses.is_empty());
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn short_exchanges_other_ports_and_what_is_over_the_rate_give_no_record_and_are_counted() {
        let _alone = crate::ALONE.lock().await;
        let mut pair = Pair::new("127.0.0.1:0");
        let ask = |pair: &mut Pair| {
            pair.asks(&get("/"));
            pair.answers(RESPONSE);
        };
        let mut probe = open(Settings { least: Duration::from_secs(10), ..Settings::default() });
        (0..3).for_each(|_| ask(&mut pair));
        assert_eq!((seen(&mut probe, pair.port).0.len(), probe.counters().filtered), (0, 4));
        adds_up(&mut probe);
        let mut probe = open(Settings { ports: vec![1], ..Settings::default() });
        (0..3).for_each(|_| ask(&mut pair));
        assert_eq!((seen(&mut probe, pair.port).0.len(), probe.counters().fired), (0, 0));
        adds_up(&mut probe);
        let mut probe = open(Settings { ports: vec![pair.port], ..Settings::default() });
        probe.set_rate(Rate { per_second: 1, burst: 2 });
        (0..10).for_each(|_| ask(&mut pair));
        let (clients, servers) = seen(&mut probe, pair.port);
        assert!((2..=3).contains(&clients.len()) && (2..=3).contains(&servers.len()));
        assert!(probe.counters().limited >= 12, "{:?}", probe.counters());
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn connections_that_come_about_or_do_not_are_told_when_asked_for() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings { handshakes: true, ..Settings::default() });
        let pair = Pair::new("127.0.0.1:0");
        let (clients, servers) = seen(&mut probe, pair.port);
        let ([client], [server]) = (&clients[..], &servers[..]) else { panic!("{}", clients.len()) };
        for side in [client, server] {
            assert_eq!((side.exchange.kind(), side.exchange.is_unanswered()), (Some(Kind::Handshake), false));
            assert_eq!(side.exchange.handshake(), Some(side.duration()));
        }
        // Nobody has accepted it: that end is the listener's.
        assert_eq!([client, server].map(|side| side.exchange.task().pid), [std::process::id(); 2]);
        assert_eq!(client.exchange.request_seq, server.exchange.request_seq);
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        TcpStream::connect(closed).unwrap_err();
        let (clients, _) = seen(&mut probe, closed.port());
        let [refused] = &clients[..] else { panic!("{}", clients.len()) };
        assert!(refused.exchange.is_unanswered());
        let error = std::io::Error::from_raw_os_error(refused.exchange.error().unwrap());
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn processes_are_told_by_name() {
        let _alone = crate::ALONE.lock().await;
        let name = std::fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
        let leader = std::fs::read_to_string(format!("/proc/{}/comm", std::process::id())).unwrap().trim().to_owned();
        let (mine, other) = (vec![leader.clone()], vec!["other".to_owned()]);
        for (processes, other_processes, wanted) in [
            (mine.clone(), vec![], 1),
            (other.clone(), vec![], 0),
            (vec![], other, 1),
            (vec![], mine.clone(), 0),
            (mine.clone(), mine, 0),
        ] {
            let mut probe = open(Settings { processes, other_processes, ..Settings::default() });
            let mut pair = Pair::new("127.0.0.1:0");
            pair.asks(&get("/"));
            pair.answers(RESPONSE);
            let port = pair.port;
            drop(pair);
            let (clients, servers) = seen(&mut probe, port);
            assert_eq!((clients.len(), servers.len()), (wanted, wanted), "{name} of {leader}");
            assert!(clients.iter().all(|client| client.exchange.task().comm == leader));
            adds_up(&mut probe);
        }
    }

    #[tokio::test]
    async fn every_feature_is_live_on_this_kernel() {
        let _alone = crate::ALONE.lock().await;
        let all = Settings { tcp: true, handshakes: true, flows: 64, stamps: true, ..Settings::default() };
        let mut probe = open(all);
        for ladder in probe.report().features {
            assert!(ladder.live().is_some(), "{ladder:?}");
        }
        probe.drain(|_| ());
    }
}
