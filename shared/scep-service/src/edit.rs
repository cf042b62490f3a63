//! What an edit does to a part of an object.

use serde::{Deserialize, Deserializer};

/// One part of an edit. In JSON: left out, `null`, or a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is; of a new object, it is the default.
    #[default]
    Keep,
    /// It becomes the default.
    Reset,
    /// It becomes this.
    Set(T),
}

impl<T> Edit<T> {
    /// Edits a part whose default is `D::default()`.
    pub fn apply(self, part: &mut T)
    where
        T: Default,
    {
        match self {
            Self::Keep => {}
            Self::Reset => *part = T::default(),
            Self::Set(value) => *part = value,
        }
    }

    /// Edits a part that may be missing.
    pub fn apply_optional(self, part: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Reset => *part = None,
            Self::Set(value) => *part = Some(value),
        }
    }

    /// The same edit of another type.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Reset => Edit::Reset,
            Self::Set(value) => Edit::Set(convert(value)),
        }
    }

    /// The same edit of another type, if the value is one.
    ///
    /// # Errors
    /// What `parse` says of the value.
    pub fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Edit<U>, E> {
        Ok(match self {
            Self::Keep => Edit::Keep,
            Self::Reset => Edit::Reset,
            Self::Set(value) => Edit::Set(parse(value)?),
        })
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Edit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Option::<T>::deserialize(deserializer)?;
        Ok(value.map_or(Self::Reset, Self::Set))
    }
}
