//! The gates.

use std::sync::atomic::AtomicBool;

use super::{Effect, Gate, Stage};
use Effect::{AlwaysOff, AlwaysOn, Followed};
use Stage::{Alpha, Beta};

const fn gate(id: &'static str, stage: Stage, since: &'static str, about: &'static str, effect: Effect) -> Gate {
    let since = if since.is_empty() { None } else { Some(since) };
    Gate { id, stage, since, about, effect, chosen: AtomicBool::new(matches!(stage, Beta)) }
}

/// Whether a later `--config` adds to lists of components instead of replacing them.
pub static APPENDING_MERGE: Gate = gate(
    "confmap.enableMergeAppendOption",
    Alpha,
    "v0.120.0",
    "a later configuration adds its extensions, receivers and exporters of service to the lists before it",
    Followed,
);
/// Whether `filter` goes on after a condition that fails, if its settings do not say.
pub static FILTER_IGNORES: Gate = gate(
    "processor.filter.defaultErrorModeIgnore",
    Beta,
    "v0.150.0",
    "error_mode of filter is ignore, not propagate, if it is not given",
    Followed,
);
/// Whether `transform` goes on after a statement that fails, if its settings do not say.
pub static TRANSFORM_IGNORES: Gate = gate(
    "processor.transform.defaultErrorModeIgnore",
    Beta,
    "v0.150.0",
    "error_mode of transform is ignore, not propagate, if it is not given",
    Followed,
);
/// Whether a configuration may have no pipeline.
pub static NO_PIPELINES: Gate =
    gate("service.AllowNoPipelines", Alpha, "v0.122.0", "extensions may run without a pipeline", Followed);

const OLD_KINDS: Effect = AlwaysOn("the older match settings have always been conditions here");
const STABLE_TABLES: Effect = AlwaysOn("tables of functions are checked when kpulse is tested");
const NOT_YET: Effect = AlwaysOff("this is not in kpulse");
const OWN_NAMES: Effect = AlwaysOff("kpulse's own metrics keep their names and labels");

/// Whether metrics of spans leave the resource's attributes out, unless their settings say otherwise.
pub static SPANS_WITHOUT_RESOURCE: Gate = gate(
    "connector.spanmetrics.excludeResourceMetrics",
    Alpha,
    "v0.137.0",
    "metrics of spans have no attributes of resources",
    Followed,
);
/// Whether metrics of spans say which run made them.
pub static SPANS_WITH_INSTANCE: Gate = gate(
    "connector.spanmetrics.includeCollectorInstanceID",
    Beta,
    "v0.136.0",
    "metrics of spans carry collector.instance.id",
    Followed,
);
/// Whether metrics of spans have no namespace of their own.
pub static SPANS_WITHOUT_NAMESPACE: Gate = gate(
    "connector.spanmetrics.legacyMetricNames",
    Alpha,
    "v0.109.0",
    "metrics of spans have their oldest names",
    Followed,
);
/// Whether lengths of spans are in seconds, if their settings do not say.
pub static SPANS_IN_SECONDS: Gate = gate(
    "connector.spanmetrics.useSecondAsDefaultMetricsUnit",
    Alpha,
    "v0.137.0",
    "durations of spans are in seconds if no unit is given",
    Followed,
);
/// Whether `file` writes files that zstd tools read.
pub static NATIVE_COMPRESSION: Gate = gate(
    "exporter.file.nativeCompression",
    Alpha,
    "v0.154.0",
    "files are one zstd stream instead of compressed messages with their lengths",
    Followed,
);
static NO_ADD_SUFFIXES: Gate = gate(
    "exporter.prometheusexporter.DisableAddMetricSuffixes",
    Beta,
    "v0.132.0",
    "add_metric_suffixes of prometheus has no effect",
    AlwaysOff("add_metric_suffixes is followed"),
);
static COMPONENT_STATUS: Gate = gate(
    "extension.healthcheck.useComponentStatus",
    Alpha,
    "v0.142.0",
    "health_check answers by the state of components",
    AlwaysOn("a component that dies has always turned health_check red"),
);
static LOG_BRIDGE: Gate = gate(
    "filter.filterlog.useOTTLBridge",
    Alpha,
    "",
    "older match settings of logs are made OTTL conditions",
    OLD_KINDS,
);
static METRIC_BRIDGE: Gate = gate(
    "filter.filtermetric.useOTTLBridge",
    Alpha,
    "",
    "older match settings of metrics are made OTTL conditions",
    OLD_KINDS,
);
static SPAN_BRIDGE: Gate = gate(
    "filter.filterspan.useOTTLBridge",
    Alpha,
    "",
    "older match settings of spans are made OTTL conditions",
    OLD_KINDS,
);
static DUPLICATES: Gate =
    gate("ottl.PanicDuplicateName", Beta, "v0.141.0", "two functions of one name in OTTL are a fault", STABLE_TABLES);
/// Whether OTTL sees who sent what it looks at.
pub static OTELCOL_PATHS: Gate =
    gate("ottl.contexts.enableOTelColContext", Beta, "v0.147.0", "OTTL has paths that begin with otelcol", Followed);
static LAMBDAS: Gate =
    gate("ottl.functions.enableLambda", Alpha, "v0.155.0", "functions of OTTL take lambdas as arguments", NOT_YET);
static POOLING: Gate = gate(
    "pdata.useProtoPooling",
    Alpha,
    "v0.133.0",
    "memory of decoded OTLP is used again",
    AlwaysOff("there is no garbage collector to spare"),
);
static LABELS: Gate = gate(
    "pkg.translator.prometheus.PermissiveLabelSanitization",
    Alpha,
    "v0.55.0",
    "labels of Prometheus may begin with an underscore",
    NOT_YET,
);
static K8S_NOT_V0: Gate = gate(
    "processor.k8sattributes.DontEmitV0K8sConventions",
    Alpha,
    "v0.145.0",
    "k8s_attributes leaves out attributes of the older conventions",
    NOT_YET,
);
static K8S_V1: Gate = gate(
    "processor.k8sattributes.EmitV1K8sConventions",
    Alpha,
    "v0.145.0",
    "k8s_attributes adds attributes of the stable conventions",
    NOT_YET,
);
static K8S_SHARED: Gate = gate(
    "processor.k8sattributes.ShareProcessorBetweenPipelines",
    Alpha,
    "v0.150.0",
    "one k8s_attributes serves pipelines of all signals",
    AlwaysOn("there is one set of watches for each id"),
);
static K8S_NOT_OLD_METRICS: Gate = gate(
    "processor.k8sattributes.telemetry.disableOldFormatMetrics",
    Alpha,
    "v0.146.0",
    "k8s_attributes has no own metrics of the older names",
    OWN_NAMES,
);
static K8S_NEW_METRICS: Gate = gate(
    "processor.k8sattributes.telemetry.enableNewFormatMetrics",
    Alpha,
    "v0.146.0",
    "k8s_attributes has own metrics of the newer names",
    OWN_NAMES,
);
static TAIL_BYTES: Gate = gate(
    "processor.tailsamplingprocessor.metricstatcountbytessampled",
    Alpha,
    "v0.152.0",
    "tail_sampling counts bytes by policy",
    OWN_NAMES,
);
static TAIL_SPANS: Gate = gate(
    "processor.tailsamplingprocessor.metricstatcountspanssampled",
    Alpha,
    "v0.95.0",
    "tail_sampling counts spans by policy",
    OWN_NAMES,
);
static TAIL_RECORD: Gate = gate(
    "processor.tailsamplingprocessor.recordpolicy",
    Alpha,
    "v0.120.0",
    "tail_sampling writes into spans which policy kept them",
    NOT_YET,
);
static TAIL_STORAGE: Gate = gate(
    "processor.tailsamplingprocessor.tailstorageextension",
    Alpha,
    "v0.150.0",
    "tail_sampling may hold traces in an extension",
    NOT_YET,
);
static RECEIVER_METRICS: Gate = gate(
    "receiverhelper.newReceiverMetrics",
    Alpha,
    "v0.138.0",
    "receivers count what pipelines failed at apart from what they refused",
    OWN_NAMES,
);
static PROFILES: Gate = gate(
    "service.profilesSupport",
    Alpha,
    "v0.112.0",
    "there are pipelines of profiles",
    AlwaysOn("profiles are a signal like the others"),
);
/// Whether metrics of spans tell of a span's status by the name and the words of the conventions.
pub static SPANS_BY_CONVENTION: Gate = gate(
    "spanmetrics.statusCodeConvention.useOtelPrefix",
    Alpha,
    "v0.141.0",
    "metrics of spans say otel.status_code instead of status.code",
    Followed,
);
static PIPELINE_TELEMETRY: Gate = gate(
    "telemetry.newPipelineTelemetry",
    Alpha,
    "v0.123.0",
    "own metrics say their component by attributes of the scope",
    OWN_NAMES,
);
/// Whether `transform` may part records from their resource and scope.
pub static FLATTEN_LOGS: Gate = gate(
    "transform.flatten.logs",
    Alpha,
    "v0.103.0",
    "transform may give each log record a resource of its own",
    Followed,
);

/// Every gate, by name.
pub static ALL: &[&Gate] = &[
    &APPENDING_MERGE,
    &SPANS_WITHOUT_RESOURCE,
    &SPANS_WITH_INSTANCE,
    &SPANS_WITHOUT_NAMESPACE,
    &SPANS_IN_SECONDS,
    &NATIVE_COMPRESSION,
    &NO_ADD_SUFFIXES,
    &COMPONENT_STATUS,
    &LOG_BRIDGE,
    &METRIC_BRIDGE,
    &SPAN_BRIDGE,
    &DUPLICATES,
    &OTELCOL_PATHS,
    &LAMBDAS,
    &POOLING,
    &LABELS,
    &FILTER_IGNORES,
    &K8S_NOT_V0,
    &K8S_V1,
    &K8S_SHARED,
    &K8S_NOT_OLD_METRICS,
    &K8S_NEW_METRICS,
    &TAIL_BYTES,
    &TAIL_SPANS,
    &TAIL_RECORD,
    &TAIL_STORAGE,
    &TRANSFORM_IGNORES,
    &RECEIVER_METRICS,
    &NO_PIPELINES,
    &PROFILES,
    &SPANS_BY_CONVENTION,
    &PIPELINE_TELEMETRY,
    &FLATTEN_LOGS,
];
