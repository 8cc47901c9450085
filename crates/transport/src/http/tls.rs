//! Whom TLS trusts and which versions of HTTP it offers. What goes through a connection is not
//! known here.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::Error;
use crate::http::HttpVersions;

/// Certificates as PEM, and whether the system's count beside them.
#[derive(Clone, Debug, Default)]
pub(super) enum Roots {
    #[default]
    System,
    SystemAnd(Vec<u8>),
    Only(Vec<u8>),
}

/// The settings of TLS with servers.
pub(super) fn config(roots: &Roots, versions: HttpVersions) -> Result<ClientConfig, Error> {
    // A program that has chosen a provider of its own gets that one.
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match roots {
        Roots::Only(pem) => builder.with_root_certificates(store(pem)?),
        Roots::System | Roots::SystemAnd(_) => {
            let verifier = Arc::new(system_verifier(roots, provider)?);
            builder
                .dangerous() // It only is for verifiers that verify less than this one.
                .with_custom_certificate_verifier(verifier)
        }
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = match versions {
        HttpVersions::Negotiated => vec!["h2".into(), "http/1.1".into()],
        HttpVersions::Http1 => vec!["http/1.1".into()],
        HttpVersions::Http2PriorKnowledge => vec!["h2".into()],
    };
    Ok(config)
}

fn system_verifier(roots: &Roots, provider: Arc<CryptoProvider>) -> Result<Verifier, Error> {
    let Roots::SystemAnd(pem) = roots else {
        return Verifier::new(provider).map_err(unusable);
    };
    let extra = certificates(pem)?;
    #[cfg(not(target_os = "android"))]
    return Verifier::new_with_extra_roots(extra, provider)
        .map_err(|source| unreadable().with_source(source));
    #[cfg(target_os = "android")]
    return Err(Error::config(format!(
        "the system's certificates cannot be combined with {} others on Android",
        extra.len()
    )));
}

fn store(pem: &[u8]) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem)? {
        store
            .add(certificate)
            .map_err(|source| unreadable().with_source(source))?;
    }
    Ok(store)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err(unreadable()),
        Err(source) => Err(unreadable().with_source(source)),
    }
}

fn unreadable() -> Error {
    Error::invalid(
        "root_certificates",
        "it holds no certificate; give it the PEM text, from BEGIN CERTIFICATE on",
    )
}

fn unusable(source: rustls::Error) -> Error {
    Error::config("TLS could not be set up").with_source(source)
}
