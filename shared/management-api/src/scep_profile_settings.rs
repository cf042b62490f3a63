//! The settings of a SCEP Profile that are JSON fields of the same name in requests and responses.

/// Passes the list of settings to another macro of this file, ahead of the given tokens.
///
/// A setting has the description of its field in requests, the name and type of its field in
/// `ScepSettings`, its schema with an example, and the description of its field in responses.
// A list, because serde cannot refuse unknown fields in a struct that flattens another.
macro_rules! with_scep_settings {
    ($macro:ident! { $($tokens:tt)* }) => { $macro! { settings {
    /// Whether CertRep contains the issuer's certificate too. Default false.
    include_ca_certificate: bool, schema(bool, example = false),
    response "Whether CertRep contains the issuer's certificate.";
    /// Whether CertRep contains the issuer's certificate and its chain too. Default false.
    include_ca_certificate_chain: bool, schema(bool, example = false),
    response "Whether CertRep contains the issuer's certificate and its chain.";
    /// Whether every enrolment waits for an administrator's approval. Default false.
    require_manual_approval: bool, schema(bool, example = false),
    response "Whether every enrolment waits for an administrator's approval.";
    /// Whether a message may be signed by a different key than that of the request inside it. For
    /// devices that enrol through a proxy or an MDM, or whose key cannot sign messages; the
    /// request's own signature still proves possession of its key. Default false.
    allow_proxy_signer: bool, schema(bool, example = false),
    response "Whether a message may be signed by a different key than that of the request inside it.";
    /// Response to GetCACert: `chain` (RA certificate, authority, its chain) or `raOnly`. Default
    /// chain.
    ca_certificate_form: CaCertificateForm, schema(CaCertificateFormName),
    response "Response to GetCACert: `chain` or `raOnly`.";
    /// Whether SHA-1 and triple DES are accepted and announced. Default true.
    legacy_algorithms: bool, schema(bool, example = true),
    response "Whether SHA-1 and triple DES are accepted.";
    } $($tokens)* } };
}

/// Defines the struct of a request: the given fields, and an [`Edit`](scep_service::admin::Edit) of
/// each setting.
macro_rules! define_request {
    (
        settings { $(
            $(#[$description:meta])+
            $name:ident: $type:ty, schema($schema:ident $(, example = $example:tt)?),
            response $response:tt;
        )+ }
        $(#[$attribute:meta])*
        $visibility:vis struct $request:ident { $($fields:tt)* }
    ) => {
        $(#[$attribute])*
        $visibility struct $request {
            $($fields)*
            $(
                $(#[$description])+
                #[serde(default)]
                #[schema(value_type = Option<$schema> $(, example = $example)?)]
                $name: Edit<$type>,
            )+
        }

        impl $request {
            /// Returns the edit of the settings.
            fn settings_edit(&self) -> scep_service::admin::SettingsEdit {
                $(let $name = self.$name.clone();)+
                Box::new(|settings| {
                    let initial = scep_protocol::profile::ScepSettings::initial();
                    $($name.apply_with_default(&mut settings.$name, initial.$name);)+
                })
            }
        }
    };
}

/// Defines the struct of a response: the given fields, and the value of each setting.
macro_rules! define_view {
    (
        settings { $(
            $(#[$description:meta])+
            $name:ident: $type:ty, schema($schema:ident $(, example = $example:tt)?),
            response $response:tt;
        )+ }
        $(#[$attribute:meta])*
        $visibility:vis struct $view:ident { $($fields:tt)* }
    ) => {
        $(#[$attribute])*
        $visibility struct $view {
            $($fields)*
            $(
                #[doc = $response]
                #[schema(value_type = $schema $(, example = $example)?)]
                $name: $type,
            )+
        }
    };
}

/// Builds the struct of a response from the given fields and the settings after `with`.
macro_rules! build_view {
    (
        settings { $(
            $(#[$description:meta])+
            $name:ident: $type:ty, schema($($schema:tt)+), response $response:tt;
        )+ }
        $view:ident { $($fields:tt)* } with $settings:expr
    ) => {{
        let settings: scep_protocol::profile::ScepSettings = $settings;
        $view { $($fields)* $($name: settings.$name,)+ }
    }};
}

pub(crate) use {build_view, define_request, define_view, with_scep_settings};
