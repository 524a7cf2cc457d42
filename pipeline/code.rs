//! gRPC's codes: how the data path says what went wrong where it is known more exactly than "may pass" or "will not".

macro_rules! codes {
    ($( $(#[doc = $doc:expr])* $variant:ident = $number:literal, $name:literal; )*) => {
        /// A code of gRPC other than OK.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $( $(#[doc = $doc])* $variant = $number, )* }

        impl Code {
            /// The name in gRPC's documents.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// The code of this number; numbers without a name count as unknown.
            pub fn of_number(number: i32) -> Self {
                match number { $( $number => Self::$variant, )* _ => Self::Unknown }
            }
        }
    };
}

codes! {
    /// The caller gave up.
    Cancelled = 1, "CANCELLED";
    /// Nobody knows.
    Unknown = 2, "UNKNOWN";
    /// The request is wrong.
    InvalidArgument = 3, "INVALID_ARGUMENT";
    /// It took too long.
    DeadlineExceeded = 4, "DEADLINE_EXCEEDED";
    /// It is not there.
    NotFound = 5, "NOT_FOUND";
    /// It is there already.
    AlreadyExists = 6, "ALREADY_EXISTS";
    /// The caller may not.
    PermissionDenied = 7, "PERMISSION_DENIED";
    /// Too much, or too much for now.
    ResourceExhausted = 8, "RESOURCE_EXHAUSTED";
    /// The system is not in the state for it.
    FailedPrecondition = 9, "FAILED_PRECONDITION";
    /// Given up for another's sake.
    Aborted = 10, "ABORTED";
    /// Beyond the end.
    OutOfRange = 11, "OUT_OF_RANGE";
    /// There is no such call.
    Unimplemented = 12, "UNIMPLEMENTED";
    /// The server is broken.
    Internal = 13, "INTERNAL";
    /// The server is not there at the moment.
    Unavailable = 14, "UNAVAILABLE";
    /// Data is lost.
    DataLoss = 15, "DATA_LOSS";
    /// Nobody knows who the caller is.
    Unauthenticated = 16, "UNAUTHENTICATED";
}
