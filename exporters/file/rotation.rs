//! Full files make room: renamed with the time, and deleted when too many or too old.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use config::Rules;

config::settings! {
    /// When a file is full, and what becomes of full ones.
    pub struct Rotation {
        /// Size of a full file, in megabytes of 2^20 bytes; 0 is 100.
        pub max_megabytes: u32 = 100,
        /// Full files older than this many days are deleted; 0 is never.
        pub max_days: u32 = 0,
        /// How many full files are kept; 0 is all.
        pub max_backups: u32 = 100,
        /// Whether names have local time instead of UTC.
        pub localtime: bool = false,
    }
}

impl Rules for Rotation {}

/// `2022-09-14T05-02-14.173`
const STAMP: usize = 23;

impl Rotation {
    /// How large a file may grow.
    pub fn max_bytes(&self) -> u64 {
        u64::from(if self.max_megabytes == 0 { 100 } else { self.max_megabytes }) << 20
    }
}

/// Renames the full file at `path` to `name-TIME.ext` and deletes what is too much.
pub fn move_away(path: &Path, rotation: &Rotation) -> std::io::Result<()> {
    let mut now = SystemTime::now();
    let mut full = named(path, &stamp(now, rotation.localtime));
    while full.exists() {
        now += Duration::from_millis(1);
        full = named(path, &stamp(now, rotation.localtime));
    }
    std::fs::rename(path, full)?;
    if let Err(error) = clean_up(path, rotation) {
        tracing::warn!(path = %path.display(), %error, "old files could not be deleted");
    }
    Ok(())
}

/// The name and the extension with its dot.
fn parts(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| part.map(|p| p.to_string_lossy().into_owned());
    let extension = text(path.extension()).map_or(String::new(), |extension| format!(".{extension}"));
    (text(path.file_stem()).unwrap_or_default(), extension)
}

fn named(path: &Path, stamp: &str) -> PathBuf {
    let (name, extension) = parts(path);
    path.with_file_name(format!("{name}-{stamp}{extension}"))
}

fn clean_up(path: &Path, rotation: &Rotation) -> std::io::Result<()> {
    let (name, extension) = parts(path);
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_full = |file: &str| {
        let stamp = file.strip_prefix(&name).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(&extension));
        stamp.is_some_and(|stamp| stamp.len() == STAMP && stamp.as_bytes()[10] == b'T')
    };
    let mut full: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_full) {
            full.push(entry.path());
        }
    }
    // Names sort by time.
    full.sort_by(|a, b| b.cmp(a));
    let keep = if rotation.max_backups == 0 { usize::MAX } else { rotation.max_backups as usize };
    for (index, path) in full.iter().enumerate() {
        if index >= keep || (rotation.max_days > 0 && age(path)? > day() * rotation.max_days) {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn day() -> Duration {
    Duration::from_secs(24 * 60 * 60)
}

fn age(path: &Path) -> std::io::Result<Duration> {
    Ok(path.metadata()?.modified()?.elapsed().unwrap_or_default())
}

fn stamp(time: SystemTime, local: bool) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = libc::time_t::try_from(since.as_secs()).unwrap_or(libc::time_t::MAX);
    // SAFETY: an all-zero tm is a valid value of that plain struct.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right type, and the _r functions keep nothing.
    unsafe {
        match local {
            true => libc::localtime_r(&raw const seconds, &raw mut tm),
            false => libc::gmtime_r(&raw const seconds, &raw mut tm),
        }
    };
    let (year, month, millis) = (tm.tm_year + 1900, tm.tm_mon + 1, since.subsec_millis());
    let (day, hour, minute, second) = (tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_named_as_the_collector_names_it() {
        let time = UNIX_EPOCH + Duration::from_millis(1_663_131_734_173);
        assert_eq!(
            named(Path::new("d/base.ext"), &stamp(time, false)),
            Path::new("d/base-2022-09-14T05-02-14.173.ext")
        );
    }
}
