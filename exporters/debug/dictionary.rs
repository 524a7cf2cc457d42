//! What profiles keep in tables, by place.

use pipeline::proto::common::v1::AnyValue;
use pipeline::proto::profiles::v1development::ProfilesDictionary;

/// The attribute at a place of the table, shown by `show`; what is missing is named.
pub fn attribute(
    dictionary: &ProfilesDictionary,
    place: i32,
    show: impl Fn(&str, Option<&AnyValue>) -> String,
) -> String {
    let Some(attribute) = at(&dictionary.attribute_table, place) else {
        return format!("[Missing Dictionary AttributeTable Item #{place}]");
    };
    let key = at(&dictionary.string_table, attribute.key_strindex).cloned();
    let key = key.unwrap_or_else(|| format!("[Missing Dictionary Key String Item #{}]", attribute.key_strindex));
    show(&key, attribute.value.as_ref())
}

/// What stands at a place of a table.
pub fn at<T>(table: &[T], place: i32) -> Option<&T> {
    table.get(usize::try_from(place).ok()?)
}
