//! What happens on the way: one folder per processor, one row per processor in [`ALL`].

use pipeline::component::ProcessorFactory;

pub mod attribute_actions;
pub mod attributes;
pub mod batch;
pub mod filter;
pub mod k8s_attributes;
pub mod log_dedup;
pub mod matching;
pub mod memory_limiter;
pub mod probabilistic_sampler;
pub mod rate_limit;
pub mod resource;
pub mod resource_detection;
pub mod tail_sampling;
pub mod transform;

/// Every processor.
pub static ALL: &[&ProcessorFactory] = &[
    &attributes::FACTORY,
    &batch::FACTORY,
    &filter::FACTORY,
    &k8s_attributes::FACTORY,
    &log_dedup::FACTORY,
    &memory_limiter::FACTORY,
    &probabilistic_sampler::FACTORY,
    &rate_limit::FACTORY,
    &resource::FACTORY,
    &resource_detection::FACTORY,
    &tail_sampling::FACTORY,
    &transform::FACTORY,
];

#[cfg(test)]
mod ottl_cases;
#[cfg(test)]
mod tests;
