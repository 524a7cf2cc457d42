//! Needs root: compared with the kernel's own count of handled softirqs.

mod kernel {
    use std::net::UdpSocket;

    use crate::softirq::{NAMES, Softirq};
    use crate::{Kernel, Probe};

    /// Handled so far, by the kernel's count, over all CPUs.
    fn handled(name: &str) -> u64 {
        let text = std::fs::read_to_string("/proc/softirqs").unwrap();
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{name}:"))).unwrap();
        line.split_whitespace().skip(1).map(|count| count.parse::<u64>().unwrap()).sum()
    }

    #[test]
    fn received_packets_are_counted_as_often_as_the_kernel_handled_them() {
        const PACKETS: usize = 20_000;
        let _alone = crate::ALONE.blocking_lock();
        let probe = Softirq::open(&mut Kernel::open().unwrap()).unwrap();
        let net_rx = NAMES.iter().position(|name| *name == "NET_RX").unwrap() as u32;
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let (before, ours_before) = (handled("NET_RX"), probe.latency(net_rx).unwrap().count());
        let mut byte = [0];
        for _ in 0..PACKETS {
            sender.send_to(b"x", receiver.local_addr().unwrap()).unwrap();
            receiver.recv(&mut byte).unwrap();
        }
        let (after, latency) = (handled("NET_RX"), probe.latency(net_rx).unwrap());
        let (theirs, ours) = (after - before, latency.count() - ours_before);
        assert!(theirs >= PACKETS as u64 * 99 / 100, "{theirs}");
        // A softirq that the kernel thread picks up again after its budget is handled without being raised anew.
        assert!(ours <= theirs + theirs / 100 && ours >= theirs * 98 / 100, "{ours} of {theirs}");
        assert!(latency.sum_ns > 0);
    }

    #[test]
    fn both_hooks_are_live() {
        let _alone = crate::ALONE.blocking_lock();
        let report = Softirq::open(&mut Kernel::open().unwrap()).unwrap().report();
        assert_eq!(report.features.iter().filter(|ladder| ladder.live().is_some()).count(), 2);
    }
}
