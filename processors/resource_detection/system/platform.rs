//! What the kernel and files of the operating system say.

use std::fs::read_to_string;

fn file(path: &str) -> Option<String> {
    read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The name that the kernel has for this host.
///
/// # Errors
/// procfs cannot be read.
pub fn hostname() -> Result<String, String> {
    file("/proc/sys/kernel/hostname").ok_or_else(|| "/proc/sys/kernel/hostname cannot be read".to_owned())
}

/// The id that systemd or D-Bus gave this host.
pub fn host_id() -> Option<String> {
    file("/etc/machine-id").or_else(|| file("/var/lib/dbus/machine-id"))
}

/// The architecture, in the words of the semantic conventions.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// `os-release`, which distributions describe themselves in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OsRelease(String);

impl OsRelease {
    /// Reads it; without one, everything is unknown.
    pub fn read() -> Self {
        Self(file("/etc/os-release").or_else(|| file("/usr/lib/os-release")).unwrap_or_default())
    }

    /// The text of the file.
    #[cfg(test)]
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// What it says under a key.
    pub fn get(&self, key: &str) -> Option<String> {
        let line = self.0.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim().trim_matches(['"', '\'']).to_owned()).filter(|value| !value.is_empty())
    }

    /// The distribution's short name.
    pub fn name(&self) -> Option<String> {
        self.get("ID")
    }

    /// The distribution's version. Debian's file does not tell the point release; another one does.
    pub fn version(&self) -> Option<String> {
        let debian = || file("/etc/debian_version").filter(|_| self.name().as_deref() == Some("debian"));
        debian().or_else(|| self.get("VERSION_ID"))
    }

    fn pretty(&self) -> Option<String> {
        let both = || {
            let parts: Vec<_> = [self.get("NAME"), self.get("VERSION")].into_iter().flatten().collect();
            Some(parts.join(" ")).filter(|text| !text.is_empty())
        };
        self.get("PRETTY_NAME").or_else(both)
    }
}

/// The distribution and what `uname -a` says.
pub fn description() -> Option<String> {
    let kernel = |name: &str| file(&format!("/proc/sys/kernel/{name}"));
    let [system, host, release, version] = ["ostype", "hostname", "osrelease", "version"].map(kernel);
    let uname: Vec<_> =
        [system, host, release, version, Some(std::env::consts::ARCH.to_owned())].into_iter().flatten().collect();
    let uname = uname.join(" ");
    Some(OsRelease::read().pretty().map_or(uname.clone(), |pretty| format!("{pretty} ({uname})")))
}

/// The distribution's build, or the kernel's release where it has none.
pub fn build_id() -> Option<String> {
    OsRelease::read().get("BUILD_ID").or_else(|| file("/proc/sys/kernel/osrelease"))
}

/// The first processor, as `cpuinfo` describes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    /// Who made it.
    pub vendor: Option<String>,
    /// Its family.
    pub family: Option<String>,
    /// The number of its model.
    pub model: Option<String>,
    /// The name of its model.
    pub model_name: Option<String>,
    /// Its stepping.
    pub stepping: Option<String>,
    /// The size of its cache, in KiB.
    pub cache: Option<i64>,
}

impl Cpu {
    /// Reads it.
    pub fn read() -> Self {
        Self::of(&read_to_string("/proc/cpuinfo").unwrap_or_default())
    }

    /// The first processor in this text.
    pub fn of(text: &str) -> Self {
        let lines = || text.lines().take_while(|line| !line.trim().is_empty()).filter_map(|line| line.split_once(':'));
        let get = |key: &str| lines().find(|(of, _)| of.trim() == key).map(|(_, value)| value.trim().to_owned());
        let cache = get("cache size").and_then(|size| size.split(' ').next()?.parse().ok());
        Self {
            vendor: get("vendor_id"),
            family: get("cpu family"),
            model: get("model"),
            model_name: get("model name"),
            stepping: get("stepping"),
            cache,
        }
    }
}
