//! What probing teams' servers needs.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;

use super::super::reader::{Group, Reader};
use super::super::rules_file::RulesFile;
use super::super::table::{DEPLOYMENT_MONITOR_RULES, HTTP_TIMEOUT, PROBE_ALLOWED_NETWORKS, PROBE_CA_FILE, USER_AGENT};

/// How teams' servers are probed, and where the rules are that they are judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeSettings {
    /// How long one probe may take in all.
    pub timeout: Duration,
    /// What a probe calls itself.
    pub user_agent: String,
    /// The networks that are probed though they are not public.
    pub allowed_networks: Vec<IpNet>,
    /// A file of certificates of authorities that are trusted beside the system's, as PEM.
    pub ca_file: Option<PathBuf>,
    /// What teams are asked, and judged by.
    pub rules: RulesFile,
}

impl Group for ProbeSettings {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (timeout, user_agent) = (reader.value(&HTTP_TIMEOUT), reader.value(&USER_AGENT));
        let allowed_networks = reader.optional(&PROBE_ALLOWED_NETWORKS);
        let (ca_file, rules) =
            (reader.optional(&PROBE_CA_FILE), RulesFile::named_by(reader, &DEPLOYMENT_MONITOR_RULES));
        Some(Self {
            timeout: Duration::from_millis(timeout?.into()),
            user_agent: user_agent?,
            allowed_networks: allowed_networks?.unwrap_or_default(),
            ca_file: ca_file?,
            rules: rules?,
        })
    }
}
