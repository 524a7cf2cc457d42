//! Cgroups as a container runtime makes them, without a runtime.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

pub const CONTAINER: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A container's cgroups where this host accounts; dropping it ends what is in them and removes them.
pub struct Container {
    folders: Vec<PathBuf>,
    v1: bool,
}

impl Container {
    pub fn create() -> Self {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
        let with = |wanted: &str| {
            let found = |m: &&Vec<&str>| m[2] == "cgroup" && m[3].split(',').any(|option| option == wanted);
            mounts.iter().find(found).map(|mount| PathBuf::from(mount[1]))
        };
        let mut roots: Vec<PathBuf> = ["memory", "cpu", "cpuacct"].into_iter().filter_map(with).collect();
        roots.dedup();
        let v1 = with("memory").is_some();
        if !v1 {
            let root = PathBuf::from(mounts.iter().find(|m| m[2] == "cgroup2").unwrap()[1]);
            std::fs::write(root.join("cgroup.subtree_control"), "+memory +cpu").unwrap();
            roots = vec![root];
        }
        let container = Self {
            folders: roots.into_iter().map(|root| root.join(format!("docker-{CONTAINER}.scope"))).collect(),
            v1,
        };
        container.folders.iter().for_each(|folder| std::fs::create_dir(folder).unwrap());
        container
    }

    /// The first of its folders is where memory is accounted.
    pub fn limit_memory(&self, bytes: u64) {
        let file = if self.v1 { "memory.limit_in_bytes" } else { "memory.max" };
        std::fs::write(self.folders[0].join(file), bytes.to_string()).unwrap();
    }

    /// The files by which a process leaves all of them.
    pub fn outside(&self) -> Vec<String> {
        self.folders.iter().map(|folder| format!("{}/cgroup.procs", folder.parent().unwrap().display())).collect()
    }

    /// Takes it away; it must be empty.
    pub fn remove(self) {
        self.folders.iter().for_each(|folder| std::fs::remove_dir(folder).unwrap());
    }

    /// A program that starts inside.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let join = self.folders.iter().map(|folder| format!("echo $$ > {}/cgroup.procs && ", folder.display()));
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{}exec \"$@\"", join.collect::<String>()))
            .arg("sh")
            .arg(program)
            .args(arguments);
        command
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for folder in &self.folders {
            // A test that failed leaves processes behind; a cgroup goes only when it is empty.
            for pid in std::fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default().lines() {
                let _ = Command::new("kill").args(["-9", pid]).status();
            }
            let patience = Instant::now() + Duration::from_secs(2);
            while std::fs::remove_dir(folder).is_err() && folder.exists() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
