//! The component tables of this program.

use pipeline::Tables;

/// Everything a configuration can name.
pub static TABLES: Tables = Tables {
    receivers: receivers::ALL,
    processors: processors::ALL,
    exporters: exporters::ALL,
    connectors: connectors::ALL,
    extensions: extensions::ALL,
};
