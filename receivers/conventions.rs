//! Names of what the eBPF receivers say: OpenTelemetry's semantic conventions 1.44 where they exist, `linux.*` where
//! they do not. Written once, with unit and description.

use pipeline::proto::common::v1::{AnyValue, KeyValue, any_value::Value};

/// A metric: name, unit, description.
pub struct MetricName {
    /// The OpenTelemetry name.
    pub name: &'static str,
    /// UCUM unit.
    pub unit: &'static str,
    /// One sentence.
    pub description: &'static str,
}

/// How long runnable tasks waited for a CPU (`sched_wakeup`/`sched_switch`).
pub const RUN_QUEUE_DURATION: MetricName = MetricName {
    name: "linux.sched.runqueue.duration",
    unit: "s",
    description: "Time that tasks were runnable and waited for a CPU, from wake-up or preemption to running.",
};

/// How long raised softirqs waited until they were handled (`irq:softirq_raise`/`softirq_entry`).
pub const SOFTIRQ_DURATION: MetricName = MetricName {
    name: "linux.softirq.latency",
    unit: "s",
    description: "Time from raising a softirq to the start of its handler.",
};
/// Semantic conventions, system metrics.
pub const CPU_TIME: MetricName =
    MetricName { name: "system.cpu.time", unit: "s", description: "Seconds each logical CPU spent on each mode." };
pub const LOAD_1M: MetricName = MetricName {
    name: "system.cpu.load_average.1m",
    unit: "{thread}",
    description: "Tasks that ran or waited, averaged over one minute.",
};
pub const LOAD_5M: MetricName = MetricName {
    name: "system.cpu.load_average.5m",
    unit: "{thread}",
    description: "Tasks that ran or waited, averaged over five minutes.",
};
pub const LOAD_15M: MetricName = MetricName {
    name: "system.cpu.load_average.15m",
    unit: "{thread}",
    description: "Tasks that ran or waited, averaged over fifteen minutes.",
};
pub const MEMORY_USAGE: MetricName =
    MetricName { name: "system.memory.usage", unit: "By", description: "Memory in use, by state." };
pub const MEMORY_LIMIT: MetricName =
    MetricName { name: "system.memory.limit", unit: "By", description: "Memory that the system has." };
pub const MEMORY_AVAILABLE: MetricName = MetricName {
    name: "system.memory.linux.available",
    unit: "By",
    description: "Memory that applications can still get without swapping.",
};

/// Semantic conventions, container metrics; `linux.*` where they have none.
pub const CONTAINER_CPU_TIME: MetricName =
    MetricName { name: "container.cpu.time", unit: "s", description: "CPU time that the container has had, by mode." };
pub const CONTAINER_THROTTLED_TIME: MetricName = MetricName {
    name: "linux.container.cpu.throttled.time",
    unit: "s",
    description: "Time for which the container's CPU limit held it back, over all its CPUs.",
};
pub const CONTAINER_THROTTLED_PERIODS: MetricName = MetricName {
    name: "linux.container.cpu.throttled.periods",
    unit: "{period}",
    description: "Periods in which the container used up what its CPU limit gives it.",
};
pub const CONTAINER_MEMORY_USAGE: MetricName = MetricName {
    name: "container.memory.usage",
    unit: "By",
    description: "Memory accounted to the container, page cache included.",
};
pub const CONTAINER_MEMORY_WORKING_SET: MetricName = MetricName {
    name: "container.memory.working_set",
    unit: "By",
    description: "Memory of the container without the part of the page cache that was not used lately.",
};
pub const CONTAINER_MEMORY_RSS: MetricName =
    MetricName { name: "container.memory.rss", unit: "By", description: "Anonymous memory of the container." };
pub const CONTAINER_MEMORY_LIMIT: MetricName = MetricName {
    name: "linux.container.memory.limit",
    unit: "By",
    description: "Memory that the container may use, where it has a limit.",
};
pub const CONTAINER_MEMORY_AVAILABLE: MetricName = MetricName {
    name: "container.memory.available",
    unit: "By",
    description: "Memory that the container can still get: its limit without its working set.",
};

/// Flows: all connections of a container with one peer and server port.
pub const FLOW_IO: MetricName = MetricName {
    name: "linux.tcp.flow.io",
    unit: "By",
    description: "Bytes that went over TCP connections, each counted once however often it was sent.",
};
pub const FLOW_RETRANSMITS: MetricName = MetricName {
    name: "linux.tcp.flow.retransmits",
    unit: "{segment}",
    description: "Segments that this end sent again.",
};
pub const FLOW_CONNECTIONS: MetricName = MetricName {
    name: "linux.tcp.flow.connections",
    unit: "{connection}",
    description: "Connections that came about.",
};
pub const FLOW_SRTT: MetricName = MetricName {
    name: "linux.tcp.flow.rtt",
    unit: "s",
    description: "Smoothed round-trip times: one at the end of a connection, and one at every reading in which it moved something.",
};

/// Event: the kernel dropped a packet (`skb:kfree_skb`).
pub const PACKET_DROP: &str = "linux.net.packet.drop";

/// Event: the kernel killed a process for want of memory (`oom:mark_victim`).
pub const OOM_KILL: &str = "linux.memory.oom_kill";

/// Event: a packet was late on its way from the device to the process that reads it.
pub const RECEIVE_DELAY: &str = "linux.net.receive.delay";

pub const RECEIVE_STAGE: &str = "linux.net.receive.stage";
/// Seconds since the packet was stamped.
pub const RECEIVE_LATENCY: &str = "linux.net.receive.latency";
pub const TCP_STATE: &str = "network.connection.state";
pub const DROP_REASON: &str = "linux.net.drop.reason";
pub const DROP_LOCATION: &str = "linux.net.drop.location";
pub const PACKET_SIZE: &str = "linux.net.packet.size";
pub const ETHER_TYPE: &str = "linux.net.ether_type";
pub const NETNS: &str = "linux.net.namespace.inode";
/// How the owner of an event was found: socket, socket_cgroup, network_namespace or none.
pub const OWNER_SOURCE: &str = "linux.owner.source";
/// The task that asked for memory when a process was killed for want of it.
pub const TRIGGER_PID: &str = "linux.memory.oom.trigger.pid";
pub const TRIGGER_NAME: &str = "linux.memory.oom.trigger.name";
pub const TRIGGER_CONTAINER_ID: &str = "linux.memory.oom.trigger.container.id";
pub const TRIGGER_CGROUP_ID: &str = "linux.memory.oom.trigger.cgroup.id";
pub const TRIGGER_CGROUP_V1_MEMORY_ID: &str = "linux.memory.oom.trigger.cgroup.v1_memory.id";
pub const OOM_SCORE_ADJ: &str = "linux.memory.oom.score_adj";
pub const MEMORY_VIRTUAL: &str = "linux.memory.process.virtual";
pub const MEMORY_RESIDENT: &str = "linux.memory.process.resident";
pub const MEMORY_ANON: &str = "linux.memory.process.anon";
pub const MEMORY_FILE: &str = "linux.memory.process.file";
pub const MEMORY_SHMEM: &str = "linux.memory.process.shmem";
pub const MEMORY_PAGE_TABLES: &str = "linux.memory.process.page_tables";
/// The nearest cgroup with a limit, from the victim's upwards; limit and usage in bytes when the record was read.
pub const MEMORY_CGROUP_PATH: &str = "linux.memory.cgroup.path";
pub const MEMORY_CGROUP_LIMIT: &str = "linux.memory.cgroup.limit";
pub const MEMORY_CGROUP_USAGE: &str = "linux.memory.cgroup.usage";
/// Ids of the owner's cgroups, the inodes of their directories.
pub const CGROUP_ID: &str = "linux.cgroup.id";
pub const CGROUP_V1_MEMORY_ID: &str = "linux.cgroup.v1_memory.id";
pub const STACK_TRACE: &str = "code.stacktrace";
pub const NETWORK_TRANSPORT: &str = "network.transport";
pub const NETWORK_TYPE: &str = "network.type";
pub const INTERFACE: &str = "network.interface.name";
pub const SOURCE_ADDRESS: &str = "source.address";
pub const SOURCE_PORT: &str = "source.port";
pub const DESTINATION_ADDRESS: &str = "destination.address";
pub const DESTINATION_PORT: &str = "destination.port";
pub const PROCESS_PID: &str = "process.pid";
pub const PROCESS_REAL_USER_ID: &str = "process.real_user.id";
pub const PROCESS_NAME: &str = "process.executable.name";
pub const THREAD_ID: &str = "thread.id";
pub const THREAD_NAME: &str = "thread.name";
/// What kind of code a frame of a stack is.
pub const FRAME_TYPE: &str = "profile.frame.type";
/// What linkers wrote into a file that is executed.
pub const BUILD_ID_GNU: &str = "process.executable.build_id.gnu";
pub const BUILD_ID_GO: &str = "process.executable.build_id.go";
pub const CPU: &str = "cpu.logical_number";
pub const CPU_MODE: &str = "cpu.mode";
pub const MEMORY_STATE: &str = "system.memory.state";
/// Which softirq: HI, TIMER, NET_TX, NET_RX, BLOCK, IRQ_POLL, TASKLET, SCHED, HRTIMER, RCU.
pub const SOFTIRQ: &str = "linux.softirq.name";
/// Semantic conventions, HTTP spans and the attributes they share.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
pub const HTTP_REQUEST_SIZE: &str = "http.request.size";
pub const HTTP_RESPONSE_SIZE: &str = "http.response.size";
pub const HTTP_RESPONSE_STATUS: &str = "http.response.status_code";
pub const URL_SCHEME: &str = "url.scheme";
/// Without the query: what it holds is nobody's business until somebody asks for it.
pub const URL_FULL: &str = "url.full";
pub const URL_PATH: &str = "url.path";
pub const URL_TEMPLATE: &str = "url.template";
pub const USER_AGENT: &str = "user_agent.original";
pub const ERROR_TYPE: &str = "error.type";
pub const NETWORK_PROTOCOL_NAME: &str = "network.protocol.name";
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
pub const NETWORK_PEER_PORT: &str = "network.peer.port";
pub const NETWORK_LOCAL_ADDRESS: &str = "network.local.address";
pub const NETWORK_LOCAL_PORT: &str = "network.local.port";
pub const SERVER_ADDRESS: &str = "server.address";
pub const SERVER_PORT: &str = "server.port";
pub const CLIENT_ADDRESS: &str = "client.address";
pub const CLIENT_PORT: &str = "client.port";
/// Smoothed round-trip time of the connection, in seconds.
pub const TCP_SRTT: &str = "linux.tcp.srtt";
/// Segments that this end sent again while the exchange lasted.
pub const TCP_RETRANSMITS: &str = "linux.tcp.retransmits";
/// How long the connection took to come about, in seconds; on its first exchange.
pub const TCP_HANDSHAKE: &str = "linux.tcp.handshake.duration";
/// How long the first byte that came in lay in the receive queue until the process read it, in seconds.
pub const RECEIVE_QUEUE_TIME: &str = "linux.net.receive.queue.duration";
/// How long that byte took from its receive stamp to the receive queue, in seconds.
pub const RECEIVE_STACK_TIME: &str = "linux.net.receive.stack.duration";
/// How long the server had the request and had not begun to answer, in seconds.
pub const APPLICATION_TIME: &str = "linux.net.application.duration";
/// Which end of a flow this host is: client or server.
pub const FLOW_ROLE: &str = "linux.tcp.flow.role";
pub const IO_DIRECTION: &str = "network.io.direction";
/// What found no room of its own (OpenTelemetry's SDK specification).
pub const METRIC_OVERFLOW: &str = "otel.metric.overflow";
pub const CONTAINER_ID: &str = "container.id";
/// containerd, cri-o, docker or podman, where the path of the cgroup tells.
pub const CONTAINER_RUNTIME: &str = "container.runtime.name";
pub const POD_UID: &str = "k8s.pod.uid";
pub const HOST_NAME: &str = "host.name";
pub const HOST_ID: &str = "host.id";
pub const HOST_ARCH: &str = "host.arch";
pub const OS_TYPE: &str = "os.type";

/// A text attribute.
pub fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

/// A whole-number attribute.
pub fn int(key: &str, value: impl Into<i64>) -> KeyValue {
    attribute(key, Value::IntValue(value.into()))
}

/// A yes-or-no attribute.
pub fn flag(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

/// An attribute that may have a fraction.
pub fn double(key: &str, value: f64) -> KeyValue {
    attribute(key, Value::DoubleValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
