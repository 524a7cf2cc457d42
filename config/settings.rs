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
/// The keys of another struct stand beside its own by a row in parentheses:
/// `pub struct Config (pub server: Server = Server::default()) { ... }`.
///
/// A key that is a word of Rust is written `r#type`.
///
/// It gives `Default`, [`crate::Decode`]. [`crate::Rules`] is the author's to write.
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:expr])*
        $vis:vis struct $name:ident $(($ivis:vis $inner:ident : $itype:ty = $idefault:expr))? {
            $( $(#[doc = $doc:expr])* $fvis:vis $field:ident : $type:ty = $default:expr ),* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $( #[doc = "Settings whose keys stand beside the others."] $ivis $inner: $itype, )?
            $( $(#[doc = $doc])* $fvis $field: $type, )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $inner: $idefault, )? $( $field: $default, )* }
            }
        }

        impl $crate::Decode for $name {
            const FIELDS: &'static [$crate::FieldDoc] = {
                const PARTS: &[&[$crate::FieldDoc]] = &[$( <$itype as $crate::Decode>::FIELDS, )? &[$(
                    $crate::FieldDoc {
                        key: $crate::key(stringify!($field)),
                        doc: concat!($($doc, "\n"),*),
                        fields: <$type as $crate::Decode>::FIELDS,
                    }
                ),*]];
                &$crate::FieldDoc::joined::<{ $crate::FieldDoc::count(PARTS) }>(PARTS)
            };

            fn decode(node: &$crate::Node, default: Self, decoder: &mut $crate::Decoder) -> Self {
                let Some(_fields) = decoder.fields(node, &$crate::FieldDoc::keys(Self::FIELDS)) else {
                    return default;
                };
                let mut _decoded = Self {
                    $( $inner: $crate::Decode::decode(
                        &_fields.of(<$itype as $crate::Decode>::FIELDS), default.$inner, decoder
                    ), )?
                    $( $field: _fields.take($crate::key(stringify!($field)), default.$field, decoder), )*
                };
                $crate::Rules::complete(&mut _decoded, &_fields);
                _decoded
            }

            fn validate(&self, decoder: &mut $crate::Decoder) {
                $( $crate::Decode::validate(&self.$inner, decoder); )?
                $( decoder.at($crate::key(stringify!($field)), |decoder| $crate::Decode::validate(&self.$field, decoder)); )*
                $crate::Rules::rules(self, decoder);
            }

            fn encode(&self, _secrets: $crate::Secrets) -> $crate::Node {
                let own = $crate::Node::map([$( ($crate::key(stringify!($field)), $crate::Decode::encode(&self.$field, _secrets)) ),*]);
                $( let own = $crate::Decode::encode(&self.$inner, _secrets).and(own); )?
                own
            }
        }
    };
}

/// The key of a field: `r#type` is `type`.
pub const fn key(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}
