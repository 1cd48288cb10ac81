//! Files put together into domains.

use ahash::HashMap;

use super::descriptor::{self, Level};
use super::domain::FileDomain;
use super::siblings::identity;
use crate::config::decode::{Decoder, Path, Source};
use crate::config::diagnostic::{Diagnostics, quote};
use crate::config::source::SourceFile;
use crate::decision::rules::spec::{DescriptorSpec, DomainSpec, Location};

/// The domains of the files so far.
pub(super) struct Domains {
    merge: bool,
    domains: Vec<Domain>,
    by_name: HashMap<String, usize>,
    /// Files so far; two may have the same name.
    files: usize,
}

struct Domain {
    spec: DomainSpec,
    /// Where its name was first written.
    location: Location,
    /// The file that it began with.
    file: usize,
    /// The first level by key and value; filled when a second file adds to it.
    first_level: HashMap<(String, Option<String>), First>,
}

/// Where a descriptor was met first.
struct First {
    file: usize,
    location: Location,
}

impl Domains {
    pub(super) fn new(merge: bool) -> Self {
        Self { merge, domains: Vec::new(), by_name: HashMap::default(), files: 0 }
    }

    /// Adds what a file says.
    pub(super) fn add(&mut self, file: &SourceFile, found: FileDomain, faults: &mut Diagnostics) {
        let location = Location { file: file.name.clone(), line: found.span.line, column: found.span.column };
        let mut decoder = Decoder::new(Source::File(file), faults);
        self.files += 1;
        match self.by_name.get(&found.name) {
            None => {
                self.by_name.insert(found.name.clone(), self.domains.len());
                let spec = DomainSpec { name: found.name, descriptors: found.level.descriptors };
                self.domains.push(Domain {
                    spec,
                    location,
                    file: self.files,
                    first_level: HashMap::default(),
                });
            }
            Some(index) if self.merge => self.domains[*index].extend(self.files, found.level, &mut decoder),
            Some(index) => {
                let first = &self.domains[*index].location;
                let message = format!("the domain {} stands in another file already", quote(&found.name));
                let help = format!("the first is at {first}; rename one, or set `rules.merge_domains: true`");
                decoder.report(found.span, &Path::Field(&Path::Root, "domain"), message, help);
            }
        }
    }

    /// The domains in the order of their first files.
    pub(super) fn into_specs(self) -> Vec<DomainSpec> {
        self.domains.into_iter().map(|domain| domain.spec).collect()
    }
}

impl Domain {
    fn extend(&mut self, file: usize, level: Level, decoder: &mut Decoder<'_, '_>) {
        if self.first_level.is_empty() {
            let first = |known: &DescriptorSpec| First { file: self.file, location: known.location.clone() };
            let known = self.spec.descriptors.iter();
            self.first_level = known.map(|known| (owned_identity(known), first(known))).collect();
        }
        let parent = Path::Field(&Path::Root, "descriptors");
        for (descriptor, place) in level.descriptors.into_iter().zip(level.places) {
            match self.first_level.get(&owned_identity(&descriptor)) {
                // Repetition inside of the file has been reported with that file.
                Some(first) if first.file == file => {}
                Some(first) => {
                    let message =
                        format!("{} stands in another file of the domain", descriptor::name(&descriptor));
                    let help = format!("keep one of the two; the first is at {}", first.location);
                    decoder.report(place.span, &Path::Item(&parent, place.index), message, help);
                }
                None => {
                    let first = First { file, location: descriptor.location.clone() };
                    self.first_level.insert(owned_identity(&descriptor), first);
                }
            }
            self.spec.descriptors.push(descriptor);
        }
    }
}

fn owned_identity(descriptor: &DescriptorSpec) -> (String, Option<String>) {
    let (key, value) = identity(descriptor);
    (key.to_owned(), value.map(str::to_owned))
}
