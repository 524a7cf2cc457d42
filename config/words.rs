//! Settings that are one of a few words.

/// Declares an enum whose variants are words of the configuration:
///
/// ```
/// config::words! {
///     /// How much is shown.
///     pub enum Verbosity: "verbosity" {
///         /// One line.
///         Basic = "basic",
///         /// Everything.
///         Detailed = "detailed",
///     }
/// }
/// ```
#[macro_export]
macro_rules! words {
    (
        $(#[doc = $about:expr])*
        $vis:vis enum $name:ident : $what:literal {
            $( $(#[doc = $doc:expr])* $variant:ident = $word:literal ),+ $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name { $( $(#[doc = $doc])* $variant, )+ }

        impl $crate::Decode for $name {
            fn decode(node: &$crate::Node, default: Self, decoder: &mut $crate::Decoder) -> Self {
                match &node.value {
                    $( $crate::Value::String(word) if word.eq_ignore_ascii_case($word) => Self::$variant, )+
                    $crate::Value::String(word) => {
                        decoder.unknown($what, word, &[$($word),+]);
                        default
                    }
                    _ => {
                        decoder.mismatch(&["one of", $($word),+].join(" "), node);
                        default
                    }
                }
            }

            fn encode(&self, _: $crate::Secrets) -> $crate::Node {
                $crate::Node::text(match self { $( Self::$variant => $word, )+ })
            }
        }
    };
}
