//! What a `ses:` or `ses+http://` value says.

use url::Url;

/// Which SES, and how it is told to report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SesSettings {
    /// Another place than AWS: a stand-in for tests, or an endpoint inside a private network.
    pub(super) endpoint: Option<String>,
    pub(super) configuration_set: Option<String>,
}

impl SesSettings {
    /// Another place than AWS.
    pub(in crate::mail) fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref()
    }

    /// Reads `ses:`, `ses+http://host:port` or `ses+https://host:port`, each with `?configuration-set=NAME` if wanted.
    pub(in crate::mail) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text).map_err(|error| error.to_string())?;
        let endpoint = match url.scheme().strip_prefix("ses+") {
            None if url.path().is_empty() => None,
            None => return Err("ses: takes no host: the region comes from AWS_REGION".to_owned()),
            Some(scheme) => {
                let host = url.host_str().filter(|host| !host.is_empty()).ok_or("a host is missing")?;
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                Some(format!("{scheme}://{host}{port}"))
            }
        };
        let mut configuration_set = None;
        for (name, value) in url.query_pairs() {
            match &*name {
                "configuration-set" => configuration_set = Some(value.into_owned()),
                _ => return Err(format!("{name} is not an option: use configuration-set")),
            }
        }
        Ok(Self { endpoint, configuration_set })
    }
}

#[cfg(test)]
mod tests {
    use super::SesSettings;

    #[test]
    fn an_endpoint_and_a_configuration_set_can_be_named() {
        let settings = SesSettings::parse("ses:?configuration-set=almanac").expect("well formed");
        assert_eq!((settings.endpoint, settings.configuration_set.as_deref()), (None, Some("almanac")));
        let settings = SesSettings::parse("ses+http://127.0.0.1:9000").expect("well formed");
        assert_eq!(settings.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
    }
}
