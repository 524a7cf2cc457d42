//! Going through the items of a request with their scope and resource.

use pipeline::Request;
use pipeline::proto::common::v1::InstrumentationScope;
use pipeline::proto::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use pipeline::proto::metrics::v1::metric::Data;
use pipeline::proto::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use pipeline::proto::profiles::v1development::{Profile, ProfilesDictionary, ResourceProfiles, ScopeProfiles};
use pipeline::proto::resource::v1::Resource;
use pipeline::proto::trace::v1::{ResourceSpans, ScopeSpans, Span};
use pipeline::proto::{LogsRequest, MetricsRequest, ProfilesRequest, TracesRequest};

use super::fields::points;
use super::profiles;
use super::target::{Context, Item, Named, Scope, Target};

/// A request of resources, scopes and items.
pub trait Tree: Request {
    /// What belongs to one resource.
    type Outer: Outer;
    /// All of it.
    fn outers(&mut self) -> &mut Vec<Self::Outer>;
    /// The same, and the dictionary that items name things in.
    fn parts(&mut self) -> (&mut Vec<Self::Outer>, Option<&mut ProfilesDictionary>) {
        (self.outers(), None)
    }
}

/// What belongs to one resource.
pub trait Outer {
    /// What belongs to one scope.
    type Inner: Inner;
    /// The resource, its schema's URL and what it holds.
    fn parts(&mut self) -> (&mut Option<Resource>, &mut String, &mut Vec<Self::Inner>);
}

/// What belongs to one scope.
pub trait Inner {
    /// A record, span or metric.
    type Leaf: Leaf;
    /// The scope, its schema's URL and what it holds.
    fn parts(&mut self) -> (&mut Option<InstrumentationScope>, &mut String, &mut Vec<Self::Leaf>);
}

/// A record, span or metric, and what may lie in it.
pub trait Leaf {
    /// Drops what `drop` says yes to, in this context; false when nothing of it is left.
    fn retain(&mut self, context: Context, around: &mut Around<'_>, drop: &mut Drop<'_>) -> bool;

    /// Shows what it is in this context to `look`; what that made of it comes back.
    fn visit(&mut self, context: Context, around: &mut Around<'_>, look: &mut Look<'_>) -> Result<Vec<Self>, String>
    where
        Self: Sized;
}

/// Says whether an item is dropped.
pub type Drop<'d> = dyn FnMut(&mut Target<'_>) -> bool + 'd;
/// Looks at an item, and may change it.
pub type Look<'l> = dyn FnMut(&mut Target<'_>) -> Result<(), String> + 'l;

/// The most metrics that one scope may have when statements make new ones: a copy of each copy has no end.
const MOST_METRICS: usize = 100_000;

/// Where an item lies.
pub struct Around<'a> {
    resource: &'a mut Resource,
    resource_schema_url: &'a mut String,
    scope: Option<(&'a mut InstrumentationScope, &'a mut String)>,
    dictionary: Option<&'a mut ProfilesDictionary>,
}

impl<'a> Around<'a> {
    /// What lies right below this scope of this resource.
    pub fn of<O: Outer>(outer: &'a mut O, inner: &'a mut O::Inner) -> Self {
        let (resource, resource_url, _) = outer.parts();
        let (scope, url, _) = inner.parts();
        Self { scope: Some((scope.get_or_insert_default(), url)), ..Self::of_resource(resource, resource_url) }
    }

    /// What lies right below a resource.
    fn of_resource(resource: &'a mut Option<Resource>, url: &'a mut String) -> Self {
        let resource = resource.get_or_insert_default();
        Self { resource, resource_schema_url: url, scope: None, dictionary: None }
    }

    /// What lies right below a scope in there.
    fn within<'b>(
        &'b mut self,
        scope: &'b mut Option<InstrumentationScope>,
        url: &'b mut String,
        dictionary: Option<&'b mut ProfilesDictionary>,
    ) -> Around<'b> {
        Around {
            resource: self.resource,
            resource_schema_url: self.resource_schema_url,
            scope: Some((scope.get_or_insert_default(), url)),
            dictionary,
        }
    }

    /// The item in its place.
    pub fn target<'b>(&'b mut self, item: Item<'b>) -> Target<'b> {
        let scope = self.scope.as_mut().map(|(scope, schema_url)| Scope { scope, schema_url });
        Target {
            resource: self.resource,
            resource_schema_url: self.resource_schema_url,
            scope,
            item,
            cache: Vec::new(),
            made: Vec::new(),
            client: None,
        }
    }
}

/// Drops what `drop` says yes to among the items of a context, and what is empty then.
pub fn retain<T: Tree>(request: &mut T, context: Context, drop: &mut Drop<'_>) {
    let (outers, mut dictionary) = request.parts();
    outers.retain_mut(|outer| {
        let (resource, url, inners) = outer.parts();
        let mut around = Around::of_resource(resource, url);
        if context == Context::Resource {
            return !drop(&mut around.target(Item::None)) && !inners.is_empty();
        }
        inners.retain_mut(|inner| {
            let (scope, url, leaves) = inner.parts();
            let mut around = around.within(scope, url, dictionary.as_deref_mut());
            if context == Context::Scope {
                return !drop(&mut around.target(Item::None)) && !leaves.is_empty();
            }
            leaves.retain_mut(|leaf| leaf.retain(context, &mut around, drop));
            !leaves.is_empty()
        });
        !inners.is_empty()
    });
}

/// Shows every item of a context to `look`, until it fails.
///
/// # Errors
/// The first failure.
pub fn visit<T: Tree>(request: &mut T, context: Context, look: &mut Look<'_>) -> Result<(), String> {
    let (outers, mut dictionary) = request.parts();
    for outer in outers {
        let (resource, url, inners) = outer.parts();
        let mut around = Around::of_resource(resource, url);
        if context == Context::Resource {
            look(&mut around.target(Item::None))?;
            continue;
        }
        for inner in inners {
            let (scope, url, leaves) = inner.parts();
            let mut around = around.within(scope, url, dictionary.as_deref_mut());
            if context == Context::Scope {
                look(&mut around.target(Item::None))?;
            } else {
                visit_leaves(leaves, context, &mut around, look)?;
            }
        }
    }
    Ok(())
}

/// What is made on the way is shown too, as in the Collector.
fn visit_leaves<L: Leaf>(
    leaves: &mut Vec<L>,
    context: Context,
    around: &mut Around<'_>,
    look: &mut Look<'_>,
) -> Result<(), String> {
    let mut at = 0;
    while at < leaves.len() {
        let made = leaves[at].visit(context, around, look)?;
        if !made.is_empty() && leaves.len() + made.len() > MOST_METRICS {
            return Err("statements make metrics of the metrics they made, without end: add a where clause".to_owned());
        }
        leaves.extend(made);
        at += 1;
    }
    Ok(())
}

impl Leaf for LogRecord {
    fn visit(&mut self, _: Context, around: &mut Around<'_>, look: &mut Look<'_>) -> Result<Vec<Self>, String> {
        look(&mut around.target(Item::Log(self))).map(|()| Vec::new())
    }

    fn retain(&mut self, _: Context, around: &mut Around<'_>, drop: &mut Drop<'_>) -> bool {
        !drop(&mut around.target(Item::Log(self)))
    }
}

impl Leaf for Span {
    fn visit(&mut self, context: Context, around: &mut Around<'_>, look: &mut Look<'_>) -> Result<Vec<Self>, String> {
        if context == Context::Span {
            return look(&mut around.target(Item::Span(self))).map(|()| Vec::new());
        }
        (0..self.events.len())
            .try_for_each(|index| look(&mut around.target(Item::SpanEvent(self, index))))
            .map(|()| Vec::new())
    }

    fn retain(&mut self, context: Context, around: &mut Around<'_>, drop: &mut Drop<'_>) -> bool {
        if context == Context::Span {
            return !drop(&mut around.target(Item::Span(self)));
        }
        let dropped: Vec<bool> =
            (0..self.events.len()).map(|index| drop(&mut around.target(Item::SpanEvent(self, index)))).collect();
        let mut dropped = dropped.into_iter();
        self.events.retain(|_| dropped.next() != Some(true));
        true
    }
}

impl Leaf for Metric {
    fn visit(&mut self, context: Context, around: &mut Around<'_>, look: &mut Look<'_>) -> Result<Vec<Self>, String> {
        if context == Context::Metric {
            let mut target = around.target(Item::Metric(self));
            look(&mut target)?;
            return Ok(target.made);
        }
        let mut made = Vec::new();
        for index in 0..points(self.data.as_ref()) {
            let mut target = around.target(Item::DataPoint(self, index));
            look(&mut target)?;
            made.append(&mut target.made);
        }
        Ok(made)
    }

    fn retain(&mut self, context: Context, around: &mut Around<'_>, drop: &mut Drop<'_>) -> bool {
        if context == Context::Metric {
            return !drop(&mut around.target(Item::Metric(self)));
        }
        if self.data.is_none() {
            return true;
        }
        let indexes = 0..points(self.data.as_ref());
        let dropped: Vec<bool> = indexes.map(|index| drop(&mut around.target(Item::DataPoint(self, index)))).collect();
        let mut dropped = dropped.into_iter();
        let mut keep = || dropped.next() != Some(true);
        match &mut self.data {
            Some(Data::Gauge(data)) => data.data_points.retain(|_| keep()),
            Some(Data::Sum(data)) => data.data_points.retain(|_| keep()),
            Some(Data::Histogram(data)) => data.data_points.retain(|_| keep()),
            Some(Data::ExponentialHistogram(data)) => data.data_points.retain(|_| keep()),
            Some(Data::Summary(data)) => data.data_points.retain(|_| keep()),
            None => {}
        }
        points(self.data.as_ref()) > 0
    }
}

impl Leaf for Profile {
    fn visit(&mut self, _: Context, around: &mut Around<'_>, look: &mut Look<'_>) -> Result<Vec<Self>, String> {
        let Some(dictionary) = around.dictionary.take() else { return Ok(Vec::new()) };
        let mut attributes = profiles::attributes(self, dictionary);
        let before = attributes.clone();
        let named = Named { attributes: &mut attributes, strings: &mut dictionary.string_table };
        let looked = look(&mut around.target(Item::Profile(self, named)));
        if attributes != before {
            profiles::set_attributes(self, dictionary, &attributes);
        }
        around.dictionary = Some(dictionary);
        looked.map(|()| Vec::new())
    }

    fn retain(&mut self, _: Context, around: &mut Around<'_>, drop: &mut Drop<'_>) -> bool {
        let Some(dictionary) = around.dictionary.take() else { return true };
        let mut attributes = profiles::attributes(self, dictionary);
        let named = Named { attributes: &mut attributes, strings: &mut dictionary.string_table };
        let dropped = drop(&mut around.target(Item::Profile(self, named)));
        around.dictionary = Some(dictionary);
        !dropped
    }
}

macro_rules! trees {
    ($($request:ident, $outers:ident: $outer:ident, $inners:ident: $inner:ident, $leaves:ident: $leaf:ident
        $(, $dictionary:ident)?;)*) => {$(
        impl Tree for $request {
            type Outer = $outer;
            fn outers(&mut self) -> &mut Vec<$outer> {
                &mut self.$outers
            }
            $(fn parts(&mut self) -> (&mut Vec<$outer>, Option<&mut ProfilesDictionary>) {
                let dictionary = self.$dictionary.get_or_insert_default();
                profiles::name_surroundings(&mut self.$outers, dictionary);
                (&mut self.$outers, Some(dictionary))
            })?
        }
        impl Outer for $outer {
            type Inner = $inner;
            fn parts(&mut self) -> (&mut Option<Resource>, &mut String, &mut Vec<$inner>) {
                (&mut self.resource, &mut self.schema_url, &mut self.$inners)
            }
        }
        impl Inner for $inner {
            type Leaf = $leaf;
            fn parts(&mut self) -> (&mut Option<InstrumentationScope>, &mut String, &mut Vec<$leaf>) {
                (&mut self.scope, &mut self.schema_url, &mut self.$leaves)
            }
        }
    )*};
}

trees! {
    LogsRequest, resource_logs: ResourceLogs, scope_logs: ScopeLogs, log_records: LogRecord;
    TracesRequest, resource_spans: ResourceSpans, scope_spans: ScopeSpans, spans: Span;
    MetricsRequest, resource_metrics: ResourceMetrics, scope_metrics: ScopeMetrics, metrics: Metric;
    ProfilesRequest, resource_profiles: ResourceProfiles, scope_profiles: ScopeProfiles, profiles: Profile, dictionary;
}
