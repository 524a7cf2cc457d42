//! Containers by cgroup, in a bounded memory, also for a while after their end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::{CgroupFs, CgroupKey, Container, Hierarchy};

/// Cgroups of containers that are remembered; a node has a few hundred containers with one or two each.
pub const AT_MOST: usize = 8192;

/// How long one that is gone is remembered: longer than what was seen of it needs to be read and told.
pub const KEPT_AFTER_END: Duration = Duration::from_secs(60);

/// Cgroups that are known to be of no container; more than these are looked up again.
const OUTSIDE_AT_MOST: usize = 4096;

/// Who is behind a cgroup.
#[derive(Debug)]
pub struct Containers {
    cgroups: CgroupFs,
    at_most: usize,
    known: HashMap<CgroupKey, Known>,
    /// In the order of their ends.
    ended: VecDeque<(Instant, CgroupKey)>,
    outside: HashSet<CgroupKey>,
    overflows: u64,
}

#[derive(Debug)]
struct Known {
    container: Arc<Container>,
    has_ended: bool,
}

impl Containers {
    /// Finds the mounted hierarchies of this host; remembers nothing yet.
    pub fn of_host() -> Self {
        Self::bounded(AT_MOST)
    }

    pub(crate) fn bounded(at_most: usize) -> Self {
        let (known, ended, outside) = (HashMap::new(), VecDeque::new(), HashSet::new());
        Self { cgroups: CgroupFs::mounted(), at_most, known, ended, outside, overflows: 0 }
    }

    /// A cgroup came, with this path below the root of its hierarchy.
    pub fn made(&mut self, cgroup: CgroupKey, path: &str, now: Instant) {
        if let Some(container) = Container::in_path(path) {
            self.remember(cgroup, Arc::new(container), now);
        }
    }

    /// A cgroup went; it is remembered for a while.
    pub fn removed(&mut self, cgroup: CgroupKey, now: Instant) {
        self.outside.remove(&cgroup);
        if let Some(known) = self.known.get_mut(&cgroup)
            && !known.has_ended
        {
            known.has_ended = true;
            self.ended.push_back((now, cgroup));
        }
        self.forget(now);
    }

    /// Looks at all cgroups of the host: learns of those that nobody told, and of the ends of others.
    pub fn walk(&mut self, now: Instant) {
        let mut alive = HashSet::new();
        for (hierarchy, found) in self.cgroups.containers() {
            let container = Arc::new(found.container);
            for cgroup in found.ids.into_iter().map(|id| CgroupKey { hierarchy, id }) {
                alive.insert(cgroup);
                self.remember(cgroup, Arc::clone(&container), now);
            }
        }
        let gone = self.known.iter().filter(|(cgroup, known)| !known.has_ended && !alive.contains(cgroup));
        let gone: Vec<CgroupKey> = gone.map(|(cgroup, _)| *cgroup).collect();
        gone.into_iter().for_each(|cgroup| self.removed(cgroup, now));
        self.forget(now);
    }

    /// The container behind a cgroup of the unified hierarchy or, where a process was never moved in that one (hybrid
    /// hosts), of the v1 memory hierarchy. Only what is remembered: `None` says nothing.
    pub fn remembered(&self, unified: u64, v1_memory: Option<u64>) -> Option<Container> {
        keys(unified, v1_memory).find_map(|cgroup| Some((*self.known.get(&cgroup)?.container).clone()))
    }

    /// Whether it is known that no container is behind these cgroups.
    pub fn is_outside(&self, unified: u64, v1_memory: Option<u64>) -> bool {
        keys(unified, v1_memory).all(|cgroup| self.outside.contains(&cgroup))
    }

    /// Asks the kernel for the paths of cgroups that still are, and remembers the answer. `None` outside containers and
    /// for cgroups that are gone.
    pub fn look_up(&mut self, unified: u64, v1_memory: Option<u64>, now: Instant) -> Option<Container> {
        for cgroup in keys(unified, v1_memory) {
            let Some(path) = self.cgroups.path(cgroup) else {
                continue;
            };
            if let Some(container) = Container::in_path(&path) {
                let container = Arc::new(container);
                self.remember(cgroup, Arc::clone(&container), now);
                return Some((*container).clone());
            }
            if self.outside.len() >= OUTSIDE_AT_MOST {
                // Rare, and cheap to build again: simpler than an order of use.
                self.outside.clear();
            }
            self.outside.insert(cgroup);
        }
        None
    }

    /// How many cgroups of containers are remembered.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How often there was no room for one more, or one that had ended had to make room before its time.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    fn remember(&mut self, cgroup: CgroupKey, container: Arc<Container>, now: Instant) {
        if self.known.contains_key(&cgroup) {
            return;
        }
        self.forget(now);
        if self.known.len() >= self.at_most {
            self.overflows += 1;
            // One that is gone is asked for less than one that is there.
            let Some((_, oldest)) = self.ended.pop_front() else {
                return;
            };
            self.known.remove(&oldest);
        }
        self.known.insert(cgroup, Known { container, has_ended: false });
    }

    /// Forgets what ended long ago.
    fn forget(&mut self, now: Instant) {
        while let Some((_, cgroup)) =
            self.ended.pop_front_if(|(ended, _)| now.saturating_duration_since(*ended) >= KEPT_AFTER_END)
        {
            self.known.remove(&cgroup);
        }
    }
}

/// The unified hierarchy first.
fn keys(unified: u64, v1_memory: Option<u64>) -> impl Iterator<Item = CgroupKey> {
    let unified = CgroupKey { hierarchy: Hierarchy::Unified, id: unified };
    [unified].into_iter().chain(v1_memory.map(|id| CgroupKey { hierarchy: Hierarchy::V1Memory, id }))
}
