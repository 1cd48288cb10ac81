//! One level of descriptors, and the levels below it.

use smallvec::SmallVec;

use super::fields;
use super::{limit, metadata};
use super::{siblings, strays};
use crate::config::decode::{Decoder, Field, Optional, Path, Reported};
use crate::config::diagnostic::quote;
use crate::config::yaml::{Node, Span};
use crate::decision::hit::OnStoreFailure;
use crate::decision::metadata::Mapping;
use crate::decision::rules::spec::{DescriptorSpec, LimitSpec, Location};

/// How many levels of descriptors may stand in each other: no request has more entries than this.
const MAX_LEVELS: usize = 64;

/// The descriptors of one level.
#[derive(Default)]
pub(super) struct Level {
    pub(super) descriptors: Vec<DescriptorSpec>,
    /// As many, in the same order.
    pub(super) places: Vec<Place>,
}

/// Where a descriptor stands in its file.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its index in the list, faulty items included.
    pub(super) index: usize,
    /// What tells it from its siblings: the value, or the key where there is none.
    pub(super) span: Span,
}

/// What was read of one descriptor.
struct Draft {
    key: Optional<String>,
    /// Where the key's value stands, or else the descriptor.
    span: Span,
    value: Optional<String>,
    limits: Limits,
    flags: Flags,
    on_store_failure: Optional<OnStoreFailure>,
    metadata: Optional<Mapping>,
    descriptors: Vec<DescriptorSpec>,
}

/// The limits, and which field has said them.
struct Limits {
    read: Result<SmallVec<[LimitSpec; 1]>, Reported>,
    said_by: Option<&'static str>,
}

/// The fields that are true or false.
#[derive(Default)]
struct Flags {
    shadow_mode: bool,
    quota_mode: bool,
    detailed_metric: bool,
    value_to_metric: bool,
    share_threshold: bool,
}

impl Level {
    /// Reads one more item of the list, which is the `index`th.
    fn add(
        &mut self,
        decoder: &mut Decoder<'_, '_>,
        node: &Node<'_>,
        path: &Path<'_>,
        index: usize,
        depth: usize,
    ) {
        if let Ok((descriptor, span)) = descriptor(decoder, node, path, depth) {
            self.descriptors.push(descriptor);
            self.places.push(Place { index, span });
        }
    }

    /// Reads one more item of a first level that has no fault so far.
    pub(super) fn add_next(&mut self, decoder: &mut Decoder<'_, '_>, node: &Node<'_>) {
        let index = self.descriptors.len();
        let list = Path::Field(&Path::Root, "descriptors");
        self.add(decoder, node, &Path::Item(&list, index), index, 1);
    }

    /// Whether two descriptors are the same.
    pub(super) fn has_repeated(&self) -> bool {
        !siblings::repeated(&self.descriptors).is_empty()
    }
}

/// Reads the list under `descriptors`, which is the `depth`th level from the top.
pub(super) fn level(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>, depth: usize) -> Level {
    let mut level = Level::default();
    let Ok(items) = decoder.items(field) else { return level };
    if depth > MAX_LEVELS {
        let message = format!("descriptors stand more than {MAX_LEVELS} levels deep in each other");
        decoder.refuse(field, message, "no request has that many entries; take the deeper levels out");
        return level;
    }
    let put_right = strays::put_right(decoder, &field.path, items);
    for (index, node) in put_right.as_deref().unwrap_or(items).iter().enumerate() {
        level.add(decoder, node, &Path::Item(&field.path, index), index, depth);
    }
    for (later, earlier) in siblings::repeated(&level.descriptors) {
        let place = level.places[later];
        let Location { line, column, .. } = level.descriptors[earlier].location;
        let message = format!("{} stands twice at this level", name(&level.descriptors[later]));
        let help = format!("keep one of the two; the first is in line {line}, column {column}");
        decoder.report(place.span, &Path::Item(&field.path, place.index), message, help);
    }
    level
}

/// A descriptor as messages name it.
pub(super) fn name(descriptor: &DescriptorSpec) -> String {
    match &descriptor.value {
        Some(value) => format!("the descriptor {} = {}", quote(&descriptor.key), quote(value)),
        None => format!("the descriptor {} without a value", quote(&descriptor.key)),
    }
}

fn descriptor(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
    depth: usize,
) -> Result<(DescriptorSpec, Span), Reported> {
    let draft = draft(decoder, node, path, depth)?;
    let Draft { key, span, value, limits, flags, on_store_failure, metadata, descriptors } = draft;
    let mut limits = limits.read.unwrap_or_default().into_iter();
    let key = key?.filter(|key| !key.is_empty()).ok_or_else(|| {
        let help = "write `key: name`, with the key of Envoy's descriptor entry";
        decoder.report(span, path, "a descriptor without a key", help)
    })?;
    let location = Location { file: decoder.file_name(), line: node.span.line, column: node.span.column };
    let Flags { shadow_mode, quota_mode, detailed_metric, value_to_metric, share_threshold } = flags;
    let descriptor = DescriptorSpec {
        key,
        value: value?.filter(|value| !value.is_empty()),
        limit: limits.next(),
        further_limits: limits.collect(),
        shadow_mode,
        quota_mode,
        detailed_metric,
        value_to_metric,
        share_threshold,
        on_store_failure: on_store_failure.unwrap_or(None),
        metadata: metadata.unwrap_or(None),
        descriptors,
        location,
    };
    Ok((descriptor, span))
}

fn draft(
    decoder: &mut Decoder<'_, '_>,
    node: &Node<'_>,
    path: &Path<'_>,
    depth: usize,
) -> Result<Draft, Reported> {
    let mut draft = Draft {
        key: Ok(None),
        span: node.span,
        value: Ok(None),
        limits: Limits::default(),
        flags: Flags::default(),
        on_store_failure: Ok(None),
        metadata: Ok(None),
        descriptors: Vec::new(),
    };
    let mut share_threshold = None;
    for field in decoder.fields(node, path)? {
        match field.name {
            "key" => {
                draft.key = decoder.text(&field);
                draft.span = field.span;
            }
            "value" => draft.value = decoder.text(&field),
            "rate_limit" | "rate_limits" | "limits" => draft.limits.add(decoder, &field),
            "descriptors" => draft.descriptors = level(decoder, &field, depth + 1).descriptors,
            "shadow_mode" => draft.flags.shadow_mode = flag(decoder, &field),
            "quota_mode" => draft.flags.quota_mode = flag(decoder, &field),
            "detailed_metric" => draft.flags.detailed_metric = flag(decoder, &field),
            "value_to_metric" => draft.flags.value_to_metric = flag(decoder, &field),
            "share_threshold" => {
                draft.flags.share_threshold = flag(decoder, &field);
                share_threshold = Some(field);
            }
            "on_store_failure" => draft.on_store_failure = on_store_failure(decoder, &field),
            "metadata" => draft.metadata = metadata::read(decoder, &field),
            _ => {
                if fields::Level::Descriptor.refuse(decoder, &field) == Some("key") {
                    draft.key = Err(Reported);
                }
            }
        }
    }
    if let Some(field) = share_threshold {
        check_share_threshold(decoder, &field, &draft);
    }
    Ok(draft)
}

impl Limits {
    /// Reads one of the fields that say limits. Of several, nobody could tell whether they add up.
    fn add(&mut self, decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) {
        let (name, read) = match field.name {
            "rate_limits" => ("rate_limits", limit::list::read(decoder, field).map(SmallVec::from_vec)),
            "limits" => ("limits", limit::list::read_short(decoder, field).map(SmallVec::from_vec)),
            _ => ("rate_limit", limit::read(decoder, field).map(|limit| limit.into_iter().collect())),
        };
        if let Some(other) = self.said_by {
            let message = format!("`{name}` beside `{other}`");
            let help = "a rule has one of the two; write all its limits there";
            self.read = Err(decoder.report(field.span, &field.path, message, help));
        } else {
            (self.read, self.said_by) = (read, Some(name));
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { read: Ok(SmallVec::new()), said_by: None }
    }
}

fn flag(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> bool {
    decoder.truth(field).ok().flatten().unwrap_or(false)
}

fn on_store_failure(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>) -> Optional<OnStoreFailure> {
    decoder.choice(field, &OnStoreFailure::ALL.map(|choice| (choice.name(), choice)))
}

/// Values that match exactly, or any value at all, have nothing to share a counter by.
fn check_share_threshold(decoder: &mut Decoder<'_, '_>, field: &Field<'_, '_>, draft: &Draft) {
    let pattern = match &draft.value {
        Ok(value) => value.as_ref().is_some_and(|value| value.contains('*')),
        Err(Reported) => true,
    };
    if draft.flags.share_threshold && !pattern {
        let message = "`share_threshold` needs a pattern, a value with `*` in it";
        decoder.refuse(
            field,
            message,
            "write a pattern such as `value: \"/api/*\"`, or leave `share_threshold` out",
        );
    }
}
