//! Addresses of checkpoints, `tinker://run/kind/name`, and what their names may be.

use std::fmt;

/// What a checkpoint is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CheckpointKind {
    Training,
    Sampler,
    External,
}

/// The address of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CheckpointPath {
    pub(crate) run: String,
    pub(crate) kind: CheckpointKind,
    pub(crate) name: String,
}

impl CheckpointKind {
    /// The segment of an address.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Training => "weights",
            Self::Sampler => "sampler_weights",
            Self::External => "external_weights",
        }
    }

    /// The value of `checkpoint_type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Sampler => "sampler",
            Self::External => "external",
        }
    }

    fn parse(segment: &str) -> Option<Self> {
        [Self::Training, Self::Sampler, Self::External]
            .into_iter()
            .find(|kind| kind.segment() == segment)
    }
}

impl CheckpointPath {
    /// Reads `tinker://run/kind/name`.
    pub(crate) fn parse(address: &str) -> Option<Self> {
        Self::parse_bare(address.strip_prefix("tinker://")?)
    }

    /// Reads `run/kind/name`.
    pub(crate) fn parse_bare(address: &str) -> Option<Self> {
        let mut segments = address.split('/');
        let (run, kind, name) = (segments.next()?, segments.next()?, segments.next()?);
        let kind = CheckpointKind::parse(kind)?;
        (segments.next().is_none() && is_name(name)).then(|| Self {
            run: run.to_owned(),
            kind,
            name: name.to_owned(),
        })
    }

    /// The last two segments.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.kind.segment(), self.name)
    }
}

impl fmt::Display for CheckpointPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tinker://{}/{}", self.run, self.id())
    }
}

/// Whether a checkpoint may have this name. It becomes the name of a folder.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        let address = "tinker://s:train:0/sampler_weights/step-1";
        let path = CheckpointPath::parse(address).expect("an address");
        assert_eq!(path.to_string(), address);
        assert_eq!(
            (path.kind.name(), path.id().as_str()),
            ("sampler", "sampler_weights/step-1")
        );
        for wrong in [
            "s:train:0/weights/a",
            "tinker://s/weights",
            "tinker://s/adapters/a",
            "tinker://s/weights/a/b",
            "tinker://s/weights/..",
            "tinker://s/weights/",
            "tinker://s/weights/a b",
        ] {
            assert_eq!(CheckpointPath::parse(wrong), None, "{wrong}");
        }
    }
}
