//! What of an exchange was the network stack, the receive queue and the application, each held up by a known time (root).

mod kernel {
    use std::io::{Read, Write};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::time::{Duration, Instant};

    use crate::sockets::Settings;
    use crate::sockets::tests::kernel::{Pair, RESPONSE, adds_up, get, open, seen};

    #[tokio::test]
    async fn what_lies_in_a_receive_queue_is_part_of_the_exchange_and_shown_as_that() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings { stamps: true, ..Settings::default() });
        let mut pair = Pair::new("127.0.0.1:0");
        // Segments of a new connection's first moments go another way.
        pair.asks(&get("/first"));
        pair.answers(RESPONSE);
        let request = get("/late");
        pair.client.write_all(&request).unwrap();
        let written = Instant::now();
        std::thread::sleep(Duration::from_millis(60));
        let least = written.elapsed();
        pair.server.read_exact(&mut vec![0; request.len()]).unwrap();
        pair.server.write_all(RESPONSE).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        pair.client.read_exact(&mut vec![0; RESPONSE.len()]).unwrap();
        let most = written.elapsed() + Duration::from_millis(1);
        let port = pair.port;
        drop(pair);
        let (clients, servers) = seen(&mut probe, port);
        let ([_, client], [_, server]) = (&clients[..], &servers[..]) else { panic!("{}", servers.len()) };
        let queued = server.exchange.queued().unwrap();
        assert!(queued >= least.mul_f64(0.95) && queued <= most, "{queued:?}: {least:?}..{most:?}");
        assert!(server.duration() >= queued && server.duration() <= most.mul_f64(1.05), "{:?}", server.duration());
        let queued = client.exchange.queued().unwrap();
        assert!(queued >= Duration::from_millis(28) && queued <= most - least, "{queued:?}");
        let in_stack = server.exchange.in_stack().unwrap();
        assert!(in_stack < Duration::from_millis(20), "{in_stack:?}");
        adds_up(&mut probe);
    }

    #[tokio::test]
    async fn what_the_stack_holds_up_is_told_apart_from_the_queue_and_the_application() {
        let _alone = crate::ALONE.lock().await;
        let mut probe = open(Settings { stamps: true, ..Settings::default() });
        let mut pair = Pair::new("127.0.0.1:0");
        pair.asks(&get("/first"));
        pair.answers(RESPONSE);
        let page = AbsentPage::new();
        let request = get("/held/up");
        let (least, most) = std::thread::scope(|scope| {
            // A write that waits for its page holds the socket: what comes in has to wait outside of its queue.
            let blocked = scope.spawn(|| page.write_to(&pair.server));
            page.wait_for_fault();
            let before = Instant::now();
            pair.client.write_all(&request).unwrap();
            let written = Instant::now();
            std::thread::sleep(Duration::from_millis(60));
            let least = written.elapsed();
            page.appear();
            assert_eq!(blocked.join().unwrap(), 1);
            (&pair.server).read_exact(&mut vec![0; request.len()]).unwrap();
            (least, before.elapsed())
        });
        let read = Instant::now();
        std::thread::sleep(Duration::from_millis(30));
        let application = read.elapsed();
        pair.server.write_all(RESPONSE).unwrap();
        let answered = read.elapsed();
        pair.client.read_exact(&mut vec![0; 1 + RESPONSE.len()]).unwrap();
        let port = pair.port;
        drop(pair);
        let (_, servers) = seen(&mut probe, port);
        let [_, held] = &servers[..] else { panic!("{}", servers.len()) };
        let in_stack = held.exchange.in_stack().unwrap();
        assert!(in_stack >= least.mul_f64(0.95) && in_stack <= most.mul_f64(1.05), "{in_stack:?}: {least:?}..{most:?}");
        let queued = held.exchange.queued().unwrap_or_default();
        assert!(queued < Duration::from_millis(20), "{queued:?}");
        let answering = held.exchange.application().unwrap();
        assert!(answering >= application.mul_f64(0.95) && answering <= answered + (most - least), "{answering:?}");
        adds_up(&mut probe);
    }

    /// A page that is not there until somebody says so (userfaultfd).
    struct AbsentPage {
        faults: OwnedFd,
        at: usize,
    }

    const PAGE: usize = 4096;
    const API: libc::c_ulong = 0xc018_aa3f;
    const REGISTER: libc::c_ulong = 0xc020_aa00;
    const ZERO_PAGE: libc::c_ulong = 0xc020_aa04;
    const MISSING: u64 = 1;

    impl AbsentPage {
        fn new() -> Self {
            // SAFETY: numbers only; a new mapping touches no memory that is in use.
            let (fd, at) = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let at = libc::mmap(std::ptr::null_mut(), PAGE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
                assert_ne!(at, libc::MAP_FAILED);
                (libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | libc::O_NONBLOCK) as i32, at as usize)
            };
            assert!(fd >= 0, "userfaultfd: {}", std::io::Error::last_os_error());
            // SAFETY: a descriptor that was just opened and that nobody else knows.
            let page = Self { faults: unsafe { OwnedFd::from_raw_fd(fd) }, at };
            page.tell(API, [0xaa, 0, 0, 0]);
            page.tell(REGISTER, [at as u64, PAGE as u64, MISSING, 0]);
            page
        }

        fn tell(&self, request: libc::c_ulong, mut argument: [u64; 4]) {
            // SAFETY: each request reads and writes no more than these four words.
            let result = unsafe { libc::ioctl(self.faults.as_raw_fd(), request as _, argument.as_mut_ptr()) };
            assert_eq!(result, 0, "{request:x}: {}", std::io::Error::last_os_error());
        }

        /// Returns when somebody touches it.
        fn wait_for_fault(&self) {
            let mut poll = libc::pollfd { fd: self.faults.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one pollfd, which is alive.
            let ready = unsafe { libc::poll(&raw mut poll, 1, 5000) };
            assert_eq!((ready, poll.revents), (1, libc::POLLIN), "nobody touched the page");
        }

        /// Ends the wait of whoever has touched it.
        fn appear(&self) {
            self.tell(ZERO_PAGE, [self.at as u64, PAGE as u64, 0, 0]);
        }

        /// One byte of it; how many were sent.
        fn write_to(&self, socket: &std::net::TcpStream) -> isize {
            // SAFETY: the page is mapped for as long as this lives.
            unsafe { libc::send(socket.as_raw_fd(), self.at as *const _, 1, libc::MSG_NOSIGNAL) }
        }
    }

    impl Drop for AbsentPage {
        fn drop(&mut self) {
            // SAFETY: its own mapping, which nobody else uses.
            unsafe { libc::munmap(self.at as *mut _, PAGE) };
        }
    }
}
