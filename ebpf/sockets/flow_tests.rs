//! Flows against what was written, and against what TCP itself says of its sockets (root).

mod kernel {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    use crate::sockets::tests::kernel::{Pair, adds_up, open};
    use crate::sockets::{Flow, Role, Settings, Sockets};

    fn flows_alone(room: u32) -> Sockets {
        open(Settings { http: false, flows: room, ..Settings::default() })
    }

    /// The flow of this server port, by one side; nothing if it has none.
    fn flow(probe: &Sockets, port: u16, role: Role) -> Flow {
        let all = probe.flows().unwrap();
        let found = all.into_iter().find(|(key, _)| (key.server_port, key.role()) == (port, role));
        found.map(|(_, flow)| flow).unwrap_or_default()
    }

    fn tcp_info(socket: &TcpStream) -> libc::tcp_info {
        // SAFETY: numbers alone; zeroes are valid, and the kernel writes no more than it is told there is room for.
        unsafe {
            let mut info: libc::tcp_info = std::mem::zeroed();
            let mut bytes = size_of::<libc::tcp_info>() as libc::socklen_t;
            let at = (&raw mut info).cast();
            assert_eq!(libc::getsockopt(socket.as_raw_fd(), libc::SOL_TCP, libc::TCP_INFO, at, &raw mut bytes), 0);
            info
        }
    }

    #[tokio::test]
    async fn flows_hold_every_byte_of_their_connections_while_they_live_and_afterwards() {
        let _alone = crate::ALONE.lock().await;
        let mut before = Pair::new("127.0.0.1:0");
        before.asks(&[0; 1000]);
        let mut probe = flows_alone(64);
        let mut pair = Pair::new("127.0.0.1:0");
        for _ in 0..10 {
            pair.asks(&[1; 700]);
            pair.answers(&[2; 30_000]);
        }
        let (port, mut pair) = (pair.port, Some(pair));
        for ended in [false, true] {
            if ended {
                drop(pair.take());
            }
            let (client, server) = (flow(&probe, port, Role::Client), flow(&probe, port, Role::Server));
            assert_eq!((client.sent_bytes, client.received_bytes, client.connections), (7000, 300_000, 1), "{ended}");
            assert_eq!((server.sent_bytes, server.received_bytes, server.connections), (300_000, 7000, 1), "{ended}");
        }
        // What moved before the probe came is not counted.
        before.asks(&[0; 10]);
        let old = flow(&probe, before.port, Role::Server);
        assert_eq!((old.received_bytes, old.connections, probe.flow_overflows()), (10, 0, 0));
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn round_trips_are_those_that_tcp_has_measured() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = flows_alone(64);
        let mut pair = Pair::new("127.0.0.1:0");
        for _ in 0..10 {
            pair.asks(&[1; 100]);
            pair.answers(&[2; 100]);
        }
        let seen = flow(&probe, pair.port, Role::Client).srtt;
        let said = u64::from(tcp_info(&pair.client).tcpi_rtt) * 1000;
        assert_eq!((seen.count(), seen.sum_ns), (1, said));
        // Nothing has moved since.
        assert_eq!(flow(&probe, pair.port, Role::Client).srtt, seen);
        adds_up(&mut probe);
    }

    /// Loses everything that comes in for `socket`.
    fn lose(socket: &TcpStream, on: bool) {
        let nothing = libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: 0 };
        let program = libc::sock_fprog { len: 1, filter: (&raw const nothing).cast_mut() };
        let option = if on { libc::SO_ATTACH_FILTER } else { libc::SO_DETACH_FILTER };
        let bytes = size_of_val(&program) as libc::socklen_t;
        // SAFETY: one instruction, which the kernel copies; to detach it looks at nothing.
        let result = unsafe {
            libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw const program).cast(), bytes)
        };
        assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    }

    #[tokio::test]
    async fn lost_segments_are_counted_when_they_are_sent_again_and_their_bytes_once() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = flows_alone(64);
        let mut pair = Pair::new("127.0.0.1:0");
        pair.asks(&[1; 100]);
        lose(&pair.server, true);
        pair.client.write_all(&[2; 5000]).unwrap();
        wait_for(&pair.client, |info| info.tcpi_total_retrans > 0);
        lose(&pair.server, false);
        pair.server.read_exact(&mut [0; 5000]).unwrap();
        wait_for(&pair.client, |info| info.tcpi_unacked == 0);
        let seen = flow(&probe, pair.port, Role::Client);
        let said = tcp_info(&pair.client).tcpi_total_retrans;
        assert_eq!((seen.retransmits, seen.sent_bytes), (said.into(), 5100));
        assert_eq!(flow(&probe, pair.port, Role::Server).received_bytes, 5100);
        adds_up(&mut probe);
    }

    fn wait_for(socket: &TcpStream, mut condition: impl FnMut(libc::tcp_info) -> bool) {
        let started = Instant::now();
        while !condition(tcp_info(socket)) {
            assert!(started.elapsed() < Duration::from_secs(10), "waited in vain");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_with_all_others_and_forgetting_makes_room() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = flows_alone(4);
        let mut pairs: Vec<Pair> = (0..20).map(|_| Pair::new("127.0.0.1:0")).collect();
        pairs.iter_mut().for_each(|pair| pair.asks(&[1; 50]));
        let all = probe.flows().unwrap();
        let (others, own): (Vec<_>, Vec<_>) = all.into_iter().partition(|(key, _)| key.is_overflow());
        assert!((own.len(), others.len()) == (4, 2) && probe.flow_overflows() >= 36, "{own:?}");
        let sum = |of: fn(&Flow) -> u64| own.iter().chain(&others).map(|(_, flow)| of(flow)).sum::<u64>();
        // Others on this machine may move something too.
        assert!(sum(|flow| flow.sent_bytes) >= 1000 && sum(|flow| flow.connections) >= 40);
        for (key, _) in &own {
            probe.forget_flow(key).unwrap();
            probe.forget_flow(key).unwrap();
        }
        assert_eq!(probe.flows().unwrap().len(), 2);
        pairs[0].asks(&[1; 50]);
        assert!(probe.flows().unwrap().iter().any(|(key, flow)| !key.is_overflow() && flow.received_bytes == 50));
        adds_up(&mut probe);
    }
}
