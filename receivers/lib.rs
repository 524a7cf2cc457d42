//! Where telemetry comes in: one folder per receiver, one row per receiver in [`ALL`].

use pipeline::component::ReceiverFactory;

mod containers;
mod conventions;
pub mod ebpf_events;
pub mod ebpf_metrics;
pub mod ebpf_profiles;
pub mod ebpf_spans;
mod kernel;
pub mod nop;
pub mod otlp;
mod probe_cost;
mod probe_telemetry;
mod resource;

/// Every receiver.
pub static ALL: &[&ReceiverFactory] = &[
    &ebpf_events::FACTORY,
    &ebpf_metrics::FACTORY,
    &ebpf_profiles::FACTORY,
    &ebpf_spans::FACTORY,
    &nop::FACTORY,
    &otlp::FACTORY,
];

#[cfg(test)]
mod tests;
