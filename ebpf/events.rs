//! The user-space end of a probe that writes one record per event: ring, counters, token buckets.

use aya::maps::{Array, Map, MapData, MapError, RingBuf};
use zerocopy::{FromBytes, Immutable, KnownLayout};

use crate::counters::{Buckets, CounterMap, Counters, Rate};
use crate::object::{Kernel, Object, OpenError};
use crate::probe::Probe;
use crate::ring::{Header, Ring, VERSION};

/// A record as the kernel wrote it, [`Header`] first.
pub trait Record: FromBytes + Immutable + KnownLayout + Copy + Send + Sync + 'static {
    /// Its first bytes.
    fn header(&self) -> &Header;

    /// Whether its other fields hold what this reader knows.
    fn is_known(&self) -> bool {
        true
    }
}

/// What every probe of events has: the maps `PROBE_ring`, `PROBE_counters` and `PROBE_buckets` of event.h.
pub struct Events<R> {
    object: Object,
    ring: Ring,
    counters: CounterMap,
    buckets: Buckets,
    malformed: u64,
    record: std::marker::PhantomData<fn() -> R>,
}

impl<R: Record> Events<R> {
    /// Loads the object of `probe`; nothing is attached yet. Needs a tokio runtime.
    pub(crate) fn load(kernel: &mut Kernel, probe: &'static str, object: &[u8], rate: Rate) -> Result<Self, OpenError> {
        Self::of(kernel.load(probe, object)?, probe, rate)
    }

    /// As [`Events::load`], of an object that is loaded already.
    pub(crate) fn of(mut object: Object, probe: &'static str, rate: Rate) -> Result<Self, OpenError> {
        let buckets = format!("{probe}_buckets");
        let mut events = Self {
            ring: Ring::new(object.take::<RingBuf<MapData>>(&format!("{probe}_ring"))?)?,
            counters: CounterMap(object.take(&format!("{probe}_counters"))?),
            buckets: object.take(&buckets)?,
            malformed: 0,
            record: std::marker::PhantomData,
            object,
        };
        events.buckets.set(rate).map_err(OpenError::of_map(&buckets))?;
        Ok(events)
    }

    /// Takes the array `name` and puts `value` at its start. Programs that use it load only while it is open.
    #[must_use = "programs that use the map load only while it is open"]
    pub(crate) fn array<T: aya::Pod>(&mut self, name: &str, value: T) -> Result<Array<MapData, T>, OpenError> {
        let mut array: Array<MapData, T> = self.object.take(name)?;
        array.set(0, value, 0).map_err(OpenError::of_map(name))?;
        Ok(array)
    }

    /// Takes another map of its object. Programs that use it load only while it is open.
    pub(crate) fn take<T: TryFrom<Map, Error = MapError>>(&mut self, name: &str) -> Result<T, OpenError> {
        self.object.take(name)
    }

    async fn readable(&mut self) -> std::io::Result<()> {
        self.ring.readable().await
    }

    /// Hands every record that is there to `take`, oldest first, with the bytes that follow it.
    pub(crate) fn drain(&mut self, mut take: impl FnMut(&R, &[u8])) {
        let malformed = &mut self.malformed;
        self.ring.drain(|bytes| match R::ref_from_prefix(bytes) {
            Ok((record, rest)) if record.header().version == VERSION && record.is_known() => take(record, rest),
            _ => *malformed += 1,
        });
    }

    fn counters(&self) -> Counters {
        Counters { misses: self.object.cost().misses, malformed: self.malformed, ..self.counters.read() }
    }
}

/// A probe that writes one record per event.
pub trait EventProbe: Send {
    /// What it writes.
    type Record: Record;

    /// Its end in user space.
    #[doc(hidden)]
    fn events(&self) -> &Events<Self::Record>;

    /// The same, to read from it.
    #[doc(hidden)]
    fn events_mut(&mut self) -> &mut Events<Self::Record>;

    /// Waits until there may be records.
    ///
    /// # Errors
    /// When the ring can no longer be watched.
    fn readable(&mut self) -> impl Future<Output = std::io::Result<()>> + Send {
        self.events_mut().readable()
    }

    /// Hands every record that is there to `take`, oldest first.
    fn drain(&mut self, mut take: impl FnMut(&Self::Record)) {
        self.events_mut().drain(|record, _| take(record));
    }
}

impl<P: EventProbe> Probe for P {
    fn object(&self) -> &Object {
        &self.events().object
    }

    fn object_mut(&mut self) -> &mut Object {
        &mut self.events_mut().object
    }

    fn counters(&self) -> Counters {
        self.events().counters()
    }

    fn set_rate(&mut self, rate: Rate) -> bool {
        self.events_mut().buckets.set(rate).is_ok()
    }
}
