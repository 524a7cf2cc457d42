//! Reasons without a kernel; drops with one (root).

use super::Reasons;

#[test]
fn reasons_of_the_running_kernel_have_names_and_numbers() {
    let reasons = Reasons::of_kernel(crate::btf::KERNEL);
    assert!(reasons.is_known("NO_SOCKET"));
    let mask = reasons.mask(&["NO_SOCKET".to_owned(), "NO_SUCH_REASON".to_owned()]);
    assert_eq!(mask.iter().map(|word| word.count_ones()).sum::<u32>(), 1);
    assert_eq!(reasons.name(0x0003_0007), "SUBSYSTEM_3_7");
    assert_eq!(reasons.name(65_000), "REASON_65000");
}

#[test]
fn a_file_that_is_no_btf_gives_numbers_instead_of_names() {
    let reasons = Reasons::of_kernel("/proc/self/stat");
    assert_eq!(reasons.name(3), "REASON_3");
}

mod kernel {
    use std::io::{BufRead, BufReader};
    use std::net::UdpSocket;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use crate::dropwatch::{Drop as Dropped, Dropwatch, Settings};
    use crate::{EventProbe, Kernel, Owner, Probe, Rate, Symbols};

    fn open(rate: Rate) -> Dropwatch {
        Dropwatch::open(&mut Kernel::open().unwrap(), Settings { rate, ..Settings::default() }).unwrap()
    }

    const ALL: Rate = Rate { per_second: 0, burst: 1 };

    /// The drops towards `port`, as soon as there are `wanted` of them.
    async fn drops_to(probe: &mut Dropwatch, port: u16, wanted: usize) -> Vec<Dropped> {
        let mut found = Vec::new();
        let collect = async {
            while found.len() < wanted {
                probe.readable().await.unwrap();
                probe.drain(|drop| {
                    if drop.destination_port == port {
                        found.push(*drop)
                    }
                });
            }
        };
        tokio::time::timeout(Duration::from_secs(5), collect).await.ok();
        found
    }

    /// A port of this machine where nobody listens.
    fn closed_port() -> u16 {
        UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    /// Another process with a UDP socket that it never reads. Ended when dropped.
    struct Receiver {
        child: Child,
        port: u16,
    }

    impl Receiver {
        fn start() -> Self {
            let script = r#"use Socket; socket(my $s, PF_INET, SOCK_DGRAM, 17) or die; setsockopt($s, SOL_SOCKET, SO_RCVBUF, 1);
                bind($s, sockaddr_in(0, INADDR_LOOPBACK)) or die; my ($p) = sockaddr_in(getsockname($s)); $| = 1; print "$p\n"; sleep 60;"#;
            let mut child = Command::new("perl").args(["-e", script]).stdout(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
            Self { child, port: line.trim().parse().unwrap() }
        }
    }

    impl std::ops::Drop for Receiver {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    #[tokio::test]
    async fn a_datagram_to_a_closed_port_gives_its_reason_addresses_and_stack() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(ALL);
        let (sender, port) = (UdpSocket::bind("127.0.0.1:0").unwrap(), closed_port());
        sender.send_to(b"hello", ("127.0.0.1", port)).unwrap();
        let drops = drops_to(&mut probe, port, 1).await;
        let drop = drops.first().expect("a drop within five seconds");
        assert_eq!(probe.reasons().name(drop.reason), "NO_SOCKET");
        assert_eq!(drop.source_port, sender.local_addr().unwrap().port());
        assert_eq!(drop.source().unwrap().to_string(), "127.0.0.1");
        assert_eq!((drop.protocol, drop.ether_type, drop.device().as_str()), (17, 0x0800, "lo"));
        assert_eq!(drop.packet_bytes, 5 + 8 + 20);
        let names = Symbols::start().unwrap().kernel(drop.stack().to_vec()).await.join(" ");
        assert!(names.contains("udp"), "{names}");
    }

    #[tokio::test]
    async fn every_feature_is_live_on_this_kernel() {
        let _alone = crate::ALONE.lock().await;
        for ladder in open(ALL).report().features {
            assert!(ladder.live().is_some(), "{ladder:?}");
        }
    }

    #[tokio::test]
    async fn ipv6_drops_have_their_addresses_too() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(ALL);
        let sender = UdpSocket::bind("[::1]:0").unwrap();
        let port = { UdpSocket::bind("[::1]:0").unwrap().local_addr().unwrap().port() };
        sender.send_to(b"hello", ("::1", port)).unwrap();
        let drops = drops_to(&mut probe, port, 1).await;
        assert_eq!(drops[0].destination().unwrap().to_string(), "::1");
        assert_eq!(drops[0].protocol, 17);
    }

    #[tokio::test]
    async fn a_drop_that_belongs_to_nobody_never_names_the_task_that_happens_to_run() {
        let _alone = crate::ALONE.lock().await;
        // On loopback the packet is dropped in softirq on top of the sender: a bystander, not the owner.
        let mut probe = open(ALL);
        let (sender, port) = (UdpSocket::bind("127.0.0.1:0").unwrap(), closed_port());
        sender.send_to(b"hello", ("127.0.0.1", port)).unwrap();
        let drops = drops_to(&mut probe, port, 1).await;
        assert_eq!(drops[0].owner(), Owner::NetworkNamespace);
        assert_ne!(drops[0].netns, 0);
    }

    /// Kernels before 6.11 do not say who should have received; then the network namespace is the honest answer.
    fn names_receivers(probe: &Dropwatch) -> bool {
        let report = probe.report();
        let drops = report.features.iter().find(|ladder| ladder.feature == "drops").unwrap();
        drops.live().unwrap().program == "dropwatch_receiver"
    }

    async fn overflow(probe: &mut Dropwatch, receiver: &Receiver) -> Dropped {
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for _ in 0..50 {
            sender.send_to(&[0; 500], ("127.0.0.1", receiver.port)).unwrap();
        }
        let drops = drops_to(probe, receiver.port, 1).await;
        *drops.first().expect("a drop within five seconds")
    }

    #[tokio::test]
    async fn a_full_receive_buffer_names_the_receiver_and_not_the_sender_whose_task_runs() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(ALL);
        let receiver = Receiver::start();
        let drop = overflow(&mut probe, &receiver).await;
        assert_eq!(probe.reasons().name(drop.reason), "SOCKET_RCVBUFF");
        if !names_receivers(&probe) {
            return assert_eq!(drop.owner(), Owner::NetworkNamespace);
        }
        let Owner::Socket(owner) = drop.owner() else { panic!("{:?}", drop.owner()) };
        assert_eq!((owner.pid, owner.comm.as_str()), (receiver.child.id(), "perl"));
        assert_ne!(owner.cgroups.unified, 0);
    }

    #[tokio::test]
    async fn sockets_that_were_there_before_the_agent_have_owners_too() {
        let _alone = crate::ALONE.lock().await;
        let receiver = Receiver::start();
        let mut probe = open(ALL);
        let drop = overflow(&mut probe, &receiver).await;
        if !names_receivers(&probe) {
            return assert_eq!(drop.owner(), Owner::NetworkNamespace);
        }
        let Owner::Socket(owner) = drop.owner() else { panic!("{:?}", drop.owner()) };
        assert_eq!(owner.pid, receiver.child.id());
    }

    /// UDP datagrams that the kernel itself counted as having no port (SNMP).
    fn no_ports() -> u64 {
        let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
        let mut udp = text.lines().filter(|line| line.starts_with("Udp:"));
        let (names, values) = (udp.next().unwrap(), udp.next().unwrap());
        let at = names.split(' ').position(|name| name == "NoPorts").unwrap();
        values.split(' ').nth(at).unwrap().parse().unwrap()
    }

    #[tokio::test]
    async fn in_a_storm_everything_is_accounted_for_and_the_limit_holds() {
        let _alone = crate::ALONE.lock().await;
        const SENT: u64 = 100_000;
        let rate = Rate { per_second: 500, burst: 100 };
        let mut probe = open(rate);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = closed_port();
        sender.connect(("127.0.0.1", port)).unwrap();
        let (start, snmp) = (Instant::now(), no_ports());
        // All records, and those of the storm: other reasons have buckets of their own.
        let (mut delivered, mut ours) = (0, 0);
        let mut take = |drop: &Dropped| {
            delivered += 1;
            ours += u32::from(drop.destination_port == port);
        };
        for sent in 0..SENT {
            // A closed port answers with an error on the next call; it is not about this datagram.
            while sender.send(b"x").is_err() {}
            if sent % 1000 == 0 {
                probe.drain(&mut take);
            }
        }
        let took = start.elapsed();
        let witness = no_ports() - snmp;
        probe.detach();
        probe.drain(&mut take);
        let counters = probe.counters();
        assert_eq!(counters.fired, counters.filtered + counters.limited + counters.lost + counters.sent);
        assert_eq!(delivered, counters.sent);
        let seen = counters.fired + counters.misses - counters.filtered;
        assert!(seen >= witness, "{witness} drops happened, {counters:?}");
        assert!(seen <= witness + witness / 100, "{witness} drops happened, {counters:?}");
        let allowed = f64::from(rate.burst) + f64::from(rate.per_second) * took.as_secs_f64() + 1.0;
        assert!(f64::from(ours) <= allowed, "{ours} passed in {took:?}");
        assert!(f64::from(ours) >= allowed * 0.9, "{ours} passed in {took:?}");
    }
}
