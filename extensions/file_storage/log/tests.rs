use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use pipeline::storage::{Change, StorageError};

use super::{Damage, Log};

/// A folder that is gone when the test is over.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("kpulse-log-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
        files.sort();
        files
    }

    fn bytes(&self) -> u64 {
        self.files().iter().map(|file| file.metadata().unwrap().len()).sum()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Folder) -> (Log, Vec<Damage>) {
    // A child that another test starts has our files open for a moment.
    Log::open(folder.path(), false, Duration::from_secs(5), |_| {}).unwrap()
}

fn key(number: u32) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

fn value(number: u32, size: usize) -> Bytes {
    number.to_le_bytes().iter().copied().cycle().take(size).collect()
}

fn put(log: &mut Log, number: u32, size: usize) {
    log.commit(&[vec![Change::Put { key: key(number), value: value(number, size) }]]).pop().unwrap().unwrap();
}

fn delete(log: &mut Log, number: u32) {
    log.commit(&[vec![Change::Delete { key: key(number) }]]).pop().unwrap().unwrap();
}

fn numbers(log: &Log) -> Vec<u32> {
    log.keys().iter().map(|key| u32::from_be_bytes(key[..].try_into().unwrap())).collect()
}

/// Changes the bytes of a file in place.
fn spoil(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn what_was_kept_is_there_after_a_restart_in_order_of_keys() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    for number in [5, 1, 3] {
        put(&mut log, number, 10);
    }
    put(&mut log, 3, 20);
    delete(&mut log, 1);
    drop(log);
    let (mut log, damages) = open(&folder);
    assert_eq!((numbers(&log), damages), (vec![3, 5], vec![]));
    assert_eq!(log.get(&key(3)).unwrap(), Some(value(3, 20)));
    assert_eq!(log.get(&key(1)).unwrap(), None);
}

#[test]
fn a_batch_is_kept_as_a_whole_wherever_it_is_cut_off() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    put(&mut log, 1, 100);
    let file = folder.files().pop().unwrap();
    let before = file.metadata().unwrap().len();
    let both = [2, 3].map(|number| Change::Put { key: key(number), value: value(number, 100) });
    let batch = [&both[..], &[Change::Delete { key: key(1) }]].concat();
    log.commit(&[batch]);
    drop(log);
    let whole = std::fs::read(&file).unwrap();
    for end in before as usize..whole.len() {
        std::fs::write(&file, &whole[..end]).unwrap();
        let (log, damages) = open(&folder);
        assert_eq!(numbers(&log), [1], "cut at {end}");
        let torn = end as u64 - before;
        assert_eq!(
            damages.iter().map(|damage| (damage.bytes, damage.is_torn)).collect::<Vec<_>>(),
            match torn {
                0 => vec![],
                torn => vec![(torn, true)],
            }
        );
        assert_eq!(open_again(log, &folder), [], "what was cut off is told once");
    }
}

fn open_again(log: Log, folder: &Folder) -> Vec<Damage> {
    drop(log);
    open(folder).1
}

#[test]
fn damage_anywhere_takes_its_own_batch_and_no_other() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    (0..20).for_each(|number| put(&mut log, number, 50));
    drop(log);
    let file = folder.files().pop().unwrap();
    let whole = std::fs::read(&file).unwrap();
    let frame = whole.len() / 20;
    for at in (7 * frame)..(8 * frame) {
        spoil(&file, |bytes| bytes[at] ^= 0x10);
        let (mut log, damages) = open(&folder);
        let left: Vec<u32> = (0..20).filter(|number| *number != 7).collect();
        assert_eq!(numbers(&log), left, "byte {at}");
        let damage = Damage { file: file.clone(), at: 7 * frame as u64, bytes: frame as u64, is_torn: false };
        assert_eq!(damages, [damage]);
        assert_eq!(log.get(&key(8)).unwrap(), Some(value(8, 50)));
        drop(log);
        std::fs::write(&file, &whole).unwrap();
    }
}

#[test]
fn a_frame_that_a_sender_wrote_into_its_value_is_no_frame_of_ours() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    let mut forged = Vec::new();
    let change = Change::Put { key: key(99), value: value(99, 5) };
    super::frame::write(&mut forged, &[change], 0).unwrap();
    log.commit(&[vec![Change::Put { key: key(1), value: forged.into() }]]);
    put(&mut log, 2, 5);
    drop(log);
    spoil(&folder.files()[0], |bytes| bytes[1] ^= 1);
    assert_eq!(numbers(&open(&folder).0), [2]);
}

#[test]
fn damage_that_comes_while_it_runs_is_told_to_the_one_who_reads() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    put(&mut log, 1, 100);
    put(&mut log, 2, 100);
    spoil(&folder.files()[0], |bytes| bytes[60] ^= 1);
    assert!(matches!(log.get(&key(1)), Err(StorageError::Damaged { .. })));
    assert_eq!(log.get(&key(2)).unwrap(), Some(value(2, 100)));
}

#[test]
fn a_queue_that_moves_on_leaves_nothing_behind() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    for number in 0..2000 {
        put(&mut log, number, 10_000);
        if number >= 100 {
            delete(&mut log, number - 100);
        }
        assert!(folder.bytes() < 4 << 20, "{} bytes for 1 MB at {number}", folder.bytes());
    }
    (1900..2000).for_each(|number| delete(&mut log, number));
    assert!(folder.bytes() < 1 << 20, "{} bytes for nothing", folder.bytes());
    drop(log);
    assert!(numbers(&open(&folder).0).is_empty());
}

#[test]
fn one_that_stays_does_not_keep_all_that_came_after_it() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    put(&mut log, 0, 10_000);
    for number in 1..3000 {
        put(&mut log, number, 10_000);
        delete(&mut log, number);
    }
    assert!(folder.bytes() < 8 << 20, "{} bytes for 10 kB", folder.bytes());
    assert_eq!(log.get(&key(0)).unwrap(), Some(value(0, 10_000)));
    drop(log);
    assert_eq!(numbers(&open(&folder).0), [0]);
}

#[test]
fn compacting_leaves_what_lives_and_no_more() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    (0..400).for_each(|number| put(&mut log, number, 10_000));
    (0..400).filter(|number| number % 4 > 0).for_each(|number| delete(&mut log, number));
    let before = folder.bytes();
    log.compact();
    assert!(folder.bytes() < 1_100_000 && before > 3_000_000, "{before} to {}", folder.bytes());
    drop(log);
    let (mut log, damages) = open(&folder);
    assert_eq!((numbers(&log), damages), ((0..400).step_by(4).collect(), vec![]));
    assert_eq!(log.get(&key(396)).unwrap(), Some(value(396, 10_000)));
}

#[test]
fn one_at_a_time() {
    let folder = Folder::new();
    let (log, _) = open(&folder);
    let second = Log::open(folder.path(), false, Duration::from_millis(20), |_| {});
    assert!(matches!(second, Err(StorageError::InUse { .. })));
    drop(log);
    open(&folder);
}

/// Against a plain map, with restarts in between.
#[test]
fn it_is_a_map_whatever_is_done_to_it_in_whatever_order() {
    let folder = Folder::new();
    let (mut log, _) = open(&folder);
    let mut wanted = BTreeMap::new();
    let mut chance: u32 = 12345;
    for step in 0..6000_u32 {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (number, size) = (chance >> 16 & 0xff, (chance >> 8 & 0x3fff) as usize);
        match chance >> 28 {
            0..=8 => {
                put(&mut log, number, size);
                wanted.insert(number, size);
            }
            9..=14 => {
                delete(&mut log, number);
                wanted.remove(&number);
            }
            _ if step % 40 == 0 => log.compact(),
            _ if step % 7 == 0 => {
                drop(log);
                log = open(&folder).0;
            }
            _ => {}
        }
    }
    drop(log);
    let (mut log, damages) = open(&folder);
    assert_eq!(damages, []);
    assert_eq!(numbers(&log), wanted.keys().copied().collect::<Vec<_>>());
    for (number, size) in wanted {
        assert_eq!(log.get(&key(number)).unwrap(), Some(value(number, size)));
    }
}

/// A disk of a few MiB. Needs root.
mod kernel {
    use std::process::Command;

    use super::{Change, Folder, StorageError, key, numbers, open, value};

    struct Disk(Folder);

    impl Disk {
        fn new(size: &str) -> Self {
            let disk = Self(Folder::new());
            std::fs::create_dir(disk.0.path()).unwrap();
            let size = format!("size={size}");
            let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.0.path()).status();
            assert!(mounted.unwrap().success());
            disk
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0.path()).status();
        }
    }

    #[test]
    fn a_full_disk_refuses_what_is_new_keeps_what_was_taken_and_goes_on_when_something_is_forgotten() {
        // Smaller than one file, as one file, and as several.
        for size in ["300k", "1m", "3500k"] {
            let disk = Disk::new(size);
            let (mut log, _) = open(&disk.0);
            let put = |number| vec![Change::Put { key: key(number), value: value(number, 7_001) }];
            let mut taken = 0;
            let refused = loop {
                match log.commit(&[put(taken)]).pop().unwrap() {
                    Ok(()) => taken += 1,
                    Err(error) => break error,
                }
            };
            assert!(matches!(refused, StorageError::Full { .. }), "{refused}");
            assert!(refused.to_string().starts_with("no space left in "));
            // Of several at once, those that fit are taken.
            let small = vec![Change::Put { key: key(10_000), value: value(1, 1) }];
            let _ = log.commit(&[put(taken), small.clone(), put(taken)]);
            let before = numbers(&log);
            drop(log);
            let (mut log, damages) = open(&disk.0);
            assert_eq!((numbers(&log), damages), (before, vec![]), "{size}");
            for number in 0..taken {
                assert_eq!(log.get(&key(number)).unwrap(), Some(value(number, 7_001)));
                let gone = log.commit(&[vec![Change::Delete { key: key(number) }]]);
                assert_eq!(gone, [Ok(())]);
            }
            log.commit(&[vec![Change::Delete { key: key(10_000) }]]);
            // Files end elsewhere now, so a few less may fit.
            let again = taken * 9 / 10;
            for number in 0..again {
                assert_eq!(log.commit(&[put(number)]), [Ok(())], "{number} of {taken} in {size}");
            }
            drop(log);
            assert_eq!(numbers(&open(&disk.0).0), (0..again).collect::<Vec<_>>());
        }
    }
}
