//! A disk without room.

mod kernel {
    use std::process::Command;

    use crate::agent::free_port;
    use crate::backend::Backend;
    use crate::sender::send;
    use crate::{Storage, arrived};

    /// A file system of 2 MiB on the storage's folder, gone with it.
    struct Disk(Storage);

    impl Disk {
        fn new() -> Self {
            let disk = Self(Storage::new());
            let arguments = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
            assert!(Command::new("mount").args(arguments).arg(disk.0.path()).status().unwrap().success());
            disk
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }

    #[test]
    fn a_full_disk_refuses_with_the_reason_and_takes_again_when_the_backend_has_made_room() {
        let disk = Disk::new();
        let address = free_port();
        let mut agent = disk.0.agent(address, &[]);
        let to = crate::agent::address(&agent, "http");
        let mut ids = Vec::new();
        let refused = loop {
            match send(to, 20_000) {
                Ok(id) => ids.push(id),
                Err(said) => break said,
            }
        };
        assert!(refused.starts_with("HTTP/1.1 503"), "retryable: {refused}");
        assert!(refused.contains("cannot be kept on disk: no space left in "), "{refused}");
        assert!(ids.len() > 50, "{}", ids.len());
        let series = "kpulse_exporter_not_stored_items{data_type=\"logs\",exporter=\"otlp_http\",reason=\"full\"}";
        assert_eq!(agent.own_metric(series), 1);
        assert_eq!(agent.own_metric("otelcol_exporter_enqueue_failed_log_records{exporter=\"otlp_http\"}"), 1);
        assert!(agent.errors().contains("senders are refused until it can"), "{}", agent.errors());
        // Full over a kill, too.
        agent.signal(libc::SIGKILL);
        agent.ended();
        drop(agent);
        let backend = Backend::at(address);
        let mut agent = disk.0.agent(address, &[]);
        arrived(&mut agent, &backend, &ids);
        let to = crate::agent::address(&agent, "http");
        let more: Vec<_> = (0..200).map(|_| send(to, 20_000).unwrap()).collect();
        arrived(&mut agent, &backend, &more);
    }
}
