//! Edits of single fields of an object.

use serde::Deserialize;

/// The edit of one field. In JSON: an absent field, `null`, or a value.
// An `Option` could not tell an absent field from `null`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(from = "Option<T>")]
pub enum Edit<T> {
    /// The field keeps its value. In a new object it has its default.
    #[default]
    Keep,
    /// The field is reset to its default.
    Reset,
    /// The field is set to this value.
    Set(T),
}

impl<T> Edit<T> {
    /// Applies the edit to a field whose default is `T::default()`.
    pub fn apply(self, part: &mut T)
    where
        T: Default,
    {
        self.apply_with_default(part, T::default());
    }

    /// Applies the edit to a field with this default.
    pub fn apply_with_default(self, part: &mut T, default: T) {
        match self {
            Self::Keep => {}
            Self::Reset => *part = default,
            Self::Set(value) => *part = value,
        }
    }

    /// Applies the edit to an optional field, whose default is `None`.
    pub fn apply_optional(self, part: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Reset => *part = None,
            Self::Set(value) => *part = Some(value),
        }
    }

    /// Returns the value of the field in a new object.
    pub fn or_default(self) -> T
    where
        T: Default,
    {
        match self {
            Self::Keep | Self::Reset => T::default(),
            Self::Set(value) => value,
        }
    }

    /// Whether the field has a value after the edit; `had` tells whether it has one before.
    pub const fn leaves_value(&self, had: bool) -> bool {
        match self {
            Self::Keep => had,
            Self::Reset => false,
            Self::Set(_) => true,
        }
    }

    /// Converts the value of the edit.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Reset => Edit::Reset,
            Self::Set(value) => Edit::Set(convert(value)),
        }
    }

    /// Parses the value of the edit.
    ///
    /// # Errors
    /// Returns the error of `parse`.
    pub fn try_map<U, E>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Result<Edit<U>, E> {
        Ok(match self {
            Self::Keep => Edit::Keep,
            Self::Reset => Edit::Reset,
            Self::Set(value) => Edit::Set(parse(value)?),
        })
    }
}

/// The edit of a field that is present. serde takes the default for one that is absent.
impl<T> From<Option<T>> for Edit<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Reset, Self::Set)
    }
}
