//! Packets that wait a known time in the receive queue of another process (root).

mod kernel {
    use std::io::{BufRead, BufReader, Write};
    use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::netrecvlat::{Delay, NetRecvLat, Settings, Stage};
    use crate::{EventProbe, Kernel, Owner, Probe, Rate};

    /// With thresholds for each stage, and nothing held back.
    fn open(thresholds: [Duration; 3]) -> NetRecvLat {
        let rate = Rate { per_second: 0, burst: 1 };
        NetRecvLat::open(&mut Kernel::open().unwrap(), Settings { rate, thresholds }).unwrap()
    }

    const OFF: Duration = Duration::ZERO;
    const ANY: Duration = Duration::from_nanos(1);

    /// Another process that reads its TCP connection when told to. Ended when dropped.
    struct Reader {
        child: Child,
        connection: TcpStream,
    }

    impl Reader {
        fn start() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let script = format!(
                "use Socket; socket(my $s, PF_INET, SOCK_STREAM, 6) or die; connect($s, sockaddr_in({port}, INADDR_LOOPBACK)) or die; \
                 $| = 1; while (<STDIN>) {{ sysread($s, my $data, 100) or die; print \"read\\n\"; }}"
            );
            let mut command = Command::new("perl");
            let child = command.args(["-e", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
            Self { child, connection: listener.accept().unwrap().0 }
        }

        /// Sends, lets the data lie for `wait` and has it read. It lay for no less and no more than what is returned.
        fn lies_for(&mut self, wait: Duration) -> (Duration, Duration) {
            let before = Instant::now();
            self.connection.write_all(b"hello").unwrap();
            let queued = Instant::now();
            std::thread::sleep(wait);
            let least = queued.elapsed();
            self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
            let mut line = String::new();
            BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "read\n");
            (least, before.elapsed())
        }

        fn address(&self) -> SocketAddr {
            self.connection.peer_addr().unwrap()
        }
    }

    impl Drop for Reader {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// The delays of packets to `port`, as soon as there is one.
    async fn delays_to(probe: &mut NetRecvLat, port: u16) -> Vec<Delay> {
        let mut found = Vec::new();
        let collect = async {
            while found.is_empty() {
                probe.readable().await.unwrap();
                probe.drain(|delay| found.extend(Some(*delay).filter(|delay| delay.destination_port == port)));
            }
        };
        tokio::time::timeout(Duration::from_secs(5), collect).await.ok();
        found
    }

    fn adds_up(probe: &mut NetRecvLat) {
        probe.detach();
        let counters = probe.counters();
        assert!(counters.fired > 0);
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!((counters.lost, counters.malformed), (0, 0));
    }

    #[tokio::test]
    async fn data_that_a_process_lets_lie_is_late_by_that_time_and_names_the_process() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open([OFF, OFF, Duration::from_millis(20)]);
        let mut reader = Reader::start();
        let address = reader.address();
        for wait in [50, 150].map(Duration::from_millis) {
            let (least, most) = reader.lies_for(wait);
            let delays = delays_to(&mut probe, address.port()).await;
            let [delay] = delays[..] else { panic!("{delays:?}") };
            let latency = Duration::from_nanos(delay.latency_ns);
            assert!(
                latency >= least.mul_f64(0.95) && latency <= most.mul_f64(1.05),
                "{latency:?}: {least:?}..{most:?}"
            );
            assert_eq!((delay.stage(), delay.tcp_state()), (Some(Stage::UserCopy), Some("established")));
            assert_eq!(delay.destination(), Some(address.ip()));
            assert_eq!(delay.source_port, reader.connection.local_addr().unwrap().port());
            assert_eq!((delay.packet_bytes, probe.device(&delay).as_deref()), (5, Some("lo")));
            let Owner::Process(owner) = delay.owner() else { panic!("{:?}", delay.owner()) };
            assert_eq!((owner.pid, owner.comm.as_str()), (reader.child.id(), "perl"));
            assert_ne!(owner.cgroups.unified, 0);
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn data_that_is_read_in_time_gives_no_record_and_counts_as_filtered() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open([60, 60, 60].map(Duration::from_secs));
        let mut reader = Reader::start();
        for _ in 0..10 {
            reader.lies_for(Duration::from_millis(1));
        }
        let mut records = 0;
        probe.detach();
        probe.drain(|_| records += 1);
        assert_eq!(records, 0);
        let counters = probe.counters();
        assert!(counters.filtered >= 20, "{counters:?}");
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn a_segment_is_seen_when_its_connection_takes_it_and_nobody_else_is_named() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open([OFF, ANY, OFF]);
        let mut reader = Reader::start();
        let (_, most) = reader.lies_for(OFF);
        let delays = delays_to(&mut probe, reader.address().port()).await;
        let delay = delays.first().expect("a record within five seconds");
        assert_eq!((delay.stage(), delay.tcp_state()), (Some(Stage::Tcp), Some("established")));
        assert!(Duration::from_nanos(delay.latency_ns) < most, "{delay:?}");
        assert!(matches!(delay.owner(), Owner::NetworkNamespace | Owner::SocketCgroup(_)), "{:?}", delay.owner());
        assert_ne!(delay.netns, 0);
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn a_datagram_is_seen_when_its_device_hands_it_over_and_when_it_is_read() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open([ANY, OFF, ANY]);
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let (sender, receiver) = (UdpSocket::bind(any).unwrap(), UdpSocket::bind(any).unwrap());
            let address = receiver.local_addr().unwrap();
            // One that lies in one piece is copied by another function, which tells nobody.
            sender.send_to(&[0; 20_000], address).unwrap();
            receiver.recv(&mut [0; 20_000]).unwrap();
            let mut delays = delays_to(&mut probe, address.port()).await;
            if delays.len() == 1 {
                delays.extend(delays_to(&mut probe, address.port()).await);
            }
            let stages: Vec<_> = delays.iter().map(|delay| delay.stage().unwrap()).collect();
            assert_eq!(stages, [Stage::Device, Stage::UserCopy]);
            for delay in &delays {
                assert_eq!((delay.protocol, delay.destination()), (17, Some(address.ip())));
                assert_eq!(delay.source_port, sender.local_addr().unwrap().port());
            }
            assert_eq!((delays[0].device().as_deref(), delays[0].owner()), (Some("lo"), Owner::NetworkNamespace));
            let Owner::Process(owner) = delays[1].owner() else { panic!("{:?}", delays[1].owner()) };
            assert_eq!(owner.pid, std::process::id());
            assert!(delays[1].latency_ns >= delays[0].latency_ns);
        }
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn one_stage_over_its_rate_does_not_hide_another() {
        let _alone = crate::ALONE.lock().await;
        let rate = Rate { per_second: 1, burst: 5 };
        let thresholds = [ANY, OFF, Duration::from_millis(20)];
        let mut probe = NetRecvLat::open(&mut Kernel::open().unwrap(), Settings { rate, thresholds }).unwrap();
        let mut reader = Reader::start();
        let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
        for _ in 0..1000 {
            sender.send_to(b"x", receiver.local_addr().unwrap()).unwrap();
        }
        reader.lies_for(Duration::from_millis(50));
        let delays = delays_to(&mut probe, reader.address().port()).await;
        assert_eq!(delays.first().and_then(Delay::stage), Some(Stage::UserCopy));
        assert!(probe.counters().limited >= 900, "{:?}", probe.counters());
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn every_feature_is_live_on_this_kernel_and_a_stage_without_threshold_is_not_attached() {
        let _alone = crate::ALONE.lock().await;
        let all = open(Settings::default().thresholds).report().features;
        assert_eq!(all.len(), 3);
        for ladder in all {
            assert!(ladder.live().is_some(), "{ladder:?}");
        }
        let report = open([OFF, ANY, OFF]).report();
        assert_eq!(report.features.iter().map(|ladder| ladder.feature).collect::<Vec<_>>(), ["tcp"]);
    }
}
