//! Which certificates a filter lists.

use crate::inventory::{
    AlternativeNameSearch, CertificateFilter, CertificateRecord, CertificateSummary, SubjectSearch,
};

/// A [`CertificateFilter`] with its searches parsed.
// No field looks at the challenge: the store lists the certificates of its uses.
pub struct CertificateMatcher<'a> {
    filter: &'a CertificateFilter,
    /// The search by [`CertificateFilter::subject`].
    pub subject: Option<SubjectSearch>,
    /// The search by [`CertificateFilter::alternative_name`].
    pub alternative_name: Option<AlternativeNameSearch>,
}

impl<'a> CertificateMatcher<'a> {
    /// Parses the searches of a filter.
    #[must_use]
    pub fn of(filter: &'a CertificateFilter) -> Self {
        let name = filter.alternative_name.as_deref();
        Self {
            filter,
            subject: filter.subject.as_deref().map(SubjectSearch::parse),
            alternative_name: name.map(AlternativeNameSearch::parse),
        }
    }

    /// Returns whether a certificate matches every field except the alternative name and the
    /// challenge.
    #[must_use]
    pub fn matches_summary(&self, summary: &CertificateSummary) -> bool {
        let is_named = self.subject.as_ref().is_none_or(|search| {
            search.matches(summary) && summary.search_key().starts_with(search.key_prefix())
        });
        is_named && self.filter.matches_all_but_names(summary)
    }

    /// Returns whether a certificate matches every field except the challenge.
    #[must_use]
    pub fn matches(&self, record: &CertificateRecord) -> bool {
        let is_named = self
            .alternative_name
            .as_ref()
            .is_none_or(|search| search.first_match(&record.alternative_names()).is_some());
        is_named && self.matches_summary(&record.summary)
    }
}
