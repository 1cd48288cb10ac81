//! Events of the parser in, a tree of nodes out, with every fault that YAML itself can have.
//!
//! Owns what YAML lets a hostile file do: depth, number of values and the growth by aliases are bounded here, so that
//! whoever walks the tree may recurse.

mod frame;

use std::borrow::Cow;

use ahash::HashMap;
use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::fault;
use super::limits::{Limits, MAX_DEPTH, too_deep};
use super::node::{Node, Scalar, Value};
use super::span::Span;
use crate::config::diagnostic::{Diagnostic, Diagnostics, quote};
use crate::config::source::{MAX_FILE_BYTES, SourceFile};
use frame::{Flaw, Frame};

/// What a file holds.
#[derive(Debug)]
pub(crate) enum Reading<'t> {
    /// A value; there may have been faults beside it.
    Tree(Node<'t>),
    /// Nothing but comments.
    Empty,
    /// No YAML, or more than is read: a fault says which.
    Broken,
}

/// Reads the one document of a file, and adds what is wrong with it to `faults`.
pub(crate) fn read<'t>(file: &'t SourceFile, faults: &mut Diagnostics) -> Reading<'t> {
    if file.text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", file.text.len());
        faults.push(Diagnostic::of_file(file.name.clone(), message));
        return Reading::Broken;
    }
    Reader::new(file, faults).finish()
}

/// Reads a file whose top has a long list of this name. Each item is handed over as soon as it has been read, and the list in the
/// tree stays empty; unless it has an anchor, by which its items may be needed again.
///
/// For files without faults: where there are some, even beside the list, what has been handed over means nothing.
pub(crate) fn read_apart<'t>(
    file: &'t SourceFile,
    list: &'static str,
    take: &mut dyn FnMut(Node<'t>),
    faults: &mut Diagnostics,
) -> Reading<'t> {
    if file.text.len() > MAX_FILE_BYTES {
        return read(file, faults);
    }
    Reader { apart: Some(Apart { list, take }), ..Reader::new(file, faults) }.finish()
}

/// The list whose items do not go into the tree.
struct Apart<'t, 'f> {
    list: &'static str,
    take: &'f mut dyn FnMut(Node<'t>),
}

/// A fault was reported after which nothing more can be read.
struct Stop;

/// What an alias stands for.
struct Anchored<'t> {
    node: Node<'t>,
    size: Size,
}

/// What it takes to copy a value.
#[derive(Clone, Copy)]
struct Size {
    /// Levels of collections in it.
    height: usize,
    weight: usize,
}

struct Reader<'t, 'f> {
    file: &'t SourceFile,
    faults: &'f mut Diagnostics,
    open: Vec<Frame<'t>>,
    anchors: HashMap<usize, Anchored<'t>>,
    limits: Limits,
    root: Option<Node<'t>>,
    apart: Option<Apart<'t, 'f>>,
    /// Where what was read last ends.
    read_to: u32,
}

impl<'t, 'f> Reader<'t, 'f> {
    fn new(file: &'t SourceFile, faults: &'f mut Diagnostics) -> Self {
        let (open, anchors) = (Vec::new(), HashMap::default());
        Self { file, faults, open, anchors, limits: Limits::default(), root: None, apart: None, read_to: 0 }
    }

    fn finish(mut self) -> Reading<'t> {
        match self.run() {
            Ok(Some(root)) if !root.is_null() => Reading::Tree(root),
            Ok(_) => Reading::Empty,
            Err(Stop) => Reading::Broken,
        }
    }

    fn run(&mut self) -> Result<Option<Node<'t>>, Stop> {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        for next in Parser::new_from_str_with_options(&self.file.text, options) {
            let (event, span) = next.map_err(|error| {
                let open = self.open.iter().map(|frame| frame.span.start as usize).collect();
                let read = fault::Read { to: self.read_to as usize, open };
                self.faults.push(fault::syntax(self.file, &error, &read));
                Stop
            })?;
            let span = Span::from(span);
            self.read_to = self.read_to.max(span.end);
            if matches!(event, Event::DocumentStart(..)) && self.root.is_some() {
                return self.second_document(span);
            }
            self.handle(event, span)?;
        }
        Ok(self.root.take())
    }

    /// The first document is used all the same, so that its faults are told too; but one that is empty is not called that.
    fn second_document(&mut self, span: Span) -> Result<Option<Node<'t>>, Stop> {
        let message = "a second document in one file".to_owned();
        let help = "keep one document, and put the other into a file of its own".to_owned();
        self.report(Flaw { span, step: String::new(), message, help });
        self.root.take().filter(|root| !root.is_null()).map(Some).ok_or(Stop)
    }

    fn handle(&mut self, event: Event<'t>, span: Span) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &["seq"], span);
                self.enter(Frame::sequence(span, anchor, self.limits.total()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &["map"], span);
                self.enter(Frame::mapping(span, anchor, self.limits.total()))
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Result<(), Stop> {
        self.check_tag(tag, &["str", "int", "float", "bool", "null"], span);
        let plain = tag.map_or(style == ScalarStyle::Plain, |tag| tag.core_suffix() != Some("str"));
        let weight = Limits::weight(&text);
        self.count(weight, span)?;
        let node = Node { span, value: Value::Scalar(Scalar { text, plain }) };
        self.complete(node, anchor, Size { height: 0, weight })
    }

    fn enter(&mut self, frame: Frame<'t>) -> Result<(), Stop> {
        self.count(1, frame.span)?;
        self.check_depth(0, frame.span)?;
        self.open.push(frame);
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Stop> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let size = Size { height: frame.height + 1, weight: self.limits.total() - frame.total_before };
        let anchor = frame.anchor;
        let (node, flaws) = frame.finish();
        flaws.into_iter().for_each(|flaw| self.report(flaw));
        self.complete(node, anchor, size)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(Anchored { node, size }) = self.anchors.get(&anchor) else {
            return self.stop(span, "an alias inside of what it stands for", "write the value out");
        };
        let (copy, size) = (node.clone(), *size);
        self.count(size.weight, span)?;
        self.count_copy(size.weight, span)?;
        self.check_depth(size.height, span)?;
        self.complete(copy, 0, size)
    }

    /// Puts a finished value into the collection that it stands in.
    fn complete(&mut self, node: Node<'t>, anchor: usize, size: Size) -> Result<(), Stop> {
        if anchor != 0 {
            self.count_copy(size.weight, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), size });
        }
        let is_apart = self.is_apart();
        match (self.open.last_mut(), &mut self.apart) {
            (None, _) => self.root = Some(node),
            (Some(frame), Some(apart)) if is_apart => {
                frame.height = frame.height.max(size.height);
                (apart.take)(node);
            }
            (Some(frame), _) => {
                frame.height = frame.height.max(size.height);
                let flaw = frame.add(node);
                flaw.into_iter().for_each(|flaw| self.report(flaw));
            }
        }
        Ok(())
    }

    /// Whether the next value belongs to the list whose items are handed over.
    fn is_apart(&self) -> bool {
        match (&self.apart, self.open.as_slice()) {
            (Some(apart), [top, list]) => list.is_plain_list() && top.awaits(apart.list),
            _ => false,
        }
    }

    fn count(&mut self, weight: usize, span: Span) -> Result<(), Stop> {
        if self.limits.add(weight) {
            return Ok(());
        }
        self.stop(span, "too many values in one file", "spread them over several files")
    }

    fn count_copy(&mut self, weight: usize, span: Span) -> Result<(), Stop> {
        if self.limits.copy(weight) {
            return Ok(());
        }
        self.stop(span, "anchors and aliases repeat too much", "write fewer aliases, or of smaller values")
    }

    fn check_depth(&mut self, height: usize, span: Span) -> Result<(), Stop> {
        if self.open.len() + height < MAX_DEPTH {
            return Ok(());
        }
        self.stop(span, &too_deep(), "write it flatter")
    }

    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&str], span: Span) {
        let Some(tag) = tag else { return };
        if !tag.core_suffix().is_some_and(|suffix| known.contains(&suffix)) {
            let message = format!("the tag {} means nothing here", quote(&tag.original()));
            self.report(Flaw { span, step: String::new(), message, help: "leave it out".to_owned() });
        }
    }

    fn stop<T>(&mut self, span: Span, message: &str, help: &str) -> Result<T, Stop> {
        self.report(Flaw { span, step: String::new(), message: message.to_owned(), help: help.to_owned() });
        Err(Stop)
    }

    fn report(&mut self, flaw: Flaw) {
        let path: String = self.open.iter().filter_map(Frame::step).chain([flaw.step]).collect();
        let fault = Diagnostic::in_file(self.file, flaw.span, flaw.message)
            .with_path(path.trim_start_matches('.'))
            .with_help(flaw.help);
        self.faults.push(fault);
    }
}
