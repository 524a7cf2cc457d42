//! One table per component: struct, defaults, decoding, encoding and reference docs.

/// Declares a struct of settings. Each field has its doc comment, type and default:
///
/// ```
/// use std::time::Duration;
/// config::settings! {
///     /// What the scraper does.
///     pub struct Config {
///         /// Time between two scrapes.
///         pub collection_interval: Duration = Duration::from_secs(60),
///     }
/// }
/// impl config::Rules for Config {}
/// ```
///
/// It gives `Default`, [`crate::Decode`]. [`crate::Rules`] is the author's to write.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:expr])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $doc:expr])* $fvis:vis $field:ident : $type:ty = $default:expr ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name { $( $(#[doc = $doc])* $fvis $field: $type, )* }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::Decode for $name {
            const FIELDS: &'static [$crate::FieldDoc] = &[$(
                $crate::FieldDoc {
                    key: stringify!($field),
                    doc: concat!($($doc, "\n"),*),
                    fields: <$type as $crate::Decode>::FIELDS,
                }
            ),*];

            fn decode(node: &$crate::Node, default: Self, decoder: &mut $crate::Decoder) -> Self {
                let Some(_fields) = decoder.fields(node, &[$(stringify!($field)),*]) else {
                    return default;
                };
                Self { $( $field: _fields.take(stringify!($field), default.$field, decoder), )* }
            }

            fn validate(&self, decoder: &mut $crate::Decoder) {
                $( decoder.at(stringify!($field), |decoder| $crate::Decode::validate(&self.$field, decoder)); )*
                $crate::Rules::rules(self, decoder);
            }

            fn encode(&self, _secrets: $crate::Secrets) -> $crate::Node {
                $crate::Node::map([$( (stringify!($field), $crate::Decode::encode(&self.$field, _secrets)) ),*])
            }
        }
    };
}
