//! Where a team's repository is: what stands in its variable, taken apart. Nothing else of the variable gets any
//! further.

use serde::{Deserialize, Serialize};
use shared::config::BaseUrl;
use url::Url;

/// The most letters that are looked at.
const LONGEST: usize = 500;

/// The host of repositories at GitHub itself, and the one for SSH where only the port of HTTPS is open.
const GITHUB: &str = "github.com";
const GITHUB_SSH: &str = "ssh.github.com";

/// What a URL may begin with.
const SCHEMES: [&str; 6] = ["https", "http", "ssh", "git", "git+https", "git+ssh"];

/// The most letters of an owner and of a repository, as GitHub has them.
const LONGEST_OWNER: usize = 39;
const LONGEST_NAME: usize = 100;

/// What stands in the variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A repository at the GitHub that is asked.
    GitHub(Repository),
    /// One somewhere else.
    Elsewhere(Host),
    /// No repository.
    Unreadable,
}

/// Who keeps repositories, besides the GitHub that is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Host {
    /// github.com, where a GitHub Enterprise is asked.
    GitHub,
    /// A gist is no repository of a project.
    Gist,
    /// gitlab.com, or a GitLab of somebody's own.
    GitLab,
    /// bitbucket.org.
    Bitbucket,
    /// A Gitea or Forgejo, such as codeberg.org.
    Gitea,
    /// dev.azure.com.
    Azure,
    /// Anybody else.
    Other,
}

/// A repository, by its owner and its own name: only letters, digits, `-`, `_` and, in its name, `.`; so neither can
/// leave its place in a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Repository {
    owner: String,
    name: String,
}

impl Repository {
    /// The path by which the API knows it.
    pub fn path(&self) -> String {
        format!("/repos/{}/{}", self.owner, self.name)
    }

    /// Of a path such as `owner/name.git`, whatever follows.
    fn of_path(path: &str) -> Option<Self> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let (owner, name) = (parts.next()?, parts.next()?);
        let name = name.strip_suffix(".git").unwrap_or(name);
        let whole = is_owner(owner) && is_name(name);
        whole.then(|| Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

/// An underscore stands in the names of accounts that an enterprise manages.
fn is_owner(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    letters && text.len() <= LONGEST_OWNER && text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

fn is_name(text: &str) -> bool {
    let letters = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    letters && (1..=LONGEST_NAME).contains(&text.len()) && ![".", ".."].contains(&text)
}

/// The host of the repositories that an API is about: that of a GitHub Enterprise (`https://HOST/api/v3` or
/// `https://api.HOST`), else github.com, before which a proxy may stand.
pub fn host_of_api(api: &BaseUrl) -> String {
    let url = Url::parse(api.as_str()).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    match host.strip_prefix("api.") {
        Some(rest) => rest.to_owned(),
        None if url.as_ref().is_some_and(|url| url.path().trim_end_matches('/') == "/api/v3") => host.to_owned(),
        None => GITHUB.to_owned(),
    }
}

impl Place {
    /// Reads a repository's URL as people write it: that of a page of it, that of a clone by HTTPS or SSH, or without
    /// any scheme. `github` is the host of the GitHub that is asked, in lower case.
    pub fn parse(text: &str, github: &str) -> Self {
        if text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Self::Unreadable;
        }
        let Some((host, path)) = host_and_path(text) else { return Self::Unreadable };
        let host = host.to_ascii_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        if host == github || (host == GITHUB_SSH && github == GITHUB) {
            Repository::of_path(path).map_or(Self::Unreadable, Self::GitHub)
        } else {
            Self::Elsewhere(Host::of(host))
        }
    }
}

/// The host and what follows it, without scheme, user and port.
fn host_and_path(text: &str) -> Option<(&str, &str)> {
    let (authority, path) = match text.split_once("://") {
        Some((scheme, rest)) => {
            SCHEMES.iter().find(|known| known.eq_ignore_ascii_case(scheme))?;
            rest.split_once('/')?
        }
        None => without_scheme(text)?,
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let letters = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (letters && host.trim_matches('.').contains('.')).then_some((host, path))
}

/// `host/path`, or `user@host:path` as SSH has it.
fn without_scheme(text: &str) -> Option<(&str, &str)> {
    let (start, rest) = text.split_at(text.find([':', '/'])?);
    let rest = &rest[1..];
    let port = || rest.split_once('/').filter(|(port, _)| port.bytes().all(|byte| byte.is_ascii_digit()));
    match port() {
        Some((_, path)) if text[start.len()..].starts_with(':') && !start.contains('@') => Some((start, path)),
        _ => Some((start, rest)),
    }
}

impl Host {
    fn of(host: &str) -> Self {
        let named = |name: &str| host.split(['.', '-']).any(|part| part == name);
        match host {
            GITHUB | GITHUB_SSH => Self::GitHub,
            "gist.github.com" => Self::Gist,
            "bitbucket.org" => Self::Bitbucket,
            "codeberg.org" => Self::Gitea,
            "dev.azure.com" | "ssh.dev.azure.com" => Self::Azure,
            _ if named("gitlab") => Self::GitLab,
            _ if named("bitbucket") => Self::Bitbucket,
            _ if named("gitea") || named("forgejo") => Self::Gitea,
            _ if host.ends_with(".visualstudio.com") => Self::Azure,
            _ => Self::Other,
        }
    }

    /// What people call it; for anybody else nothing.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::GitHub => Some("github.com"),
            Self::Gist => Some("gist.github.com"),
            Self::GitLab => Some("GitLab"),
            Self::Bitbucket => Some("Bitbucket"),
            Self::Gitea => Some("Gitea"),
            Self::Azure => Some("Azure DevOps"),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shared::config::{BaseUrlKind, Kind as _};

    use super::*;

    fn at_github(owner: &str, name: &str) -> Place {
        Place::GitHub(Repository { owner: owner.to_owned(), name: name.to_owned() })
    }

    #[test]
    fn every_form_in_which_people_write_a_repository_is_read() {
        for text in [
            "https://github.com/octo/ticket-api",
            "https://github.com/octo/ticket-api/",
            "https://github.com/octo/ticket-api.git",
            "https://github.com/octo/ticket-api/tree/main/src?tab=readme#top",
            "http://www.GitHub.com/octo/ticket-api",
            "HTTPS://github.com:443/octo/ticket-api",
            "https://user:secret@github.com/octo/ticket-api.git",
            "git@github.com:octo/ticket-api.git",
            "git@github.com:/octo/ticket-api",
            "github.com:octo/ticket-api",
            "ssh://git@github.com/octo/ticket-api.git",
            "ssh://git@ssh.github.com:443/octo/ticket-api.git",
            "git://github.com/octo/ticket-api.git",
            "git+https://github.com/octo/ticket-api.git",
            "github.com/octo/ticket-api",
            "github.com:443/octo/ticket-api",
            "www.github.com/octo/ticket-api/commits/main",
            "https://github.com//octo//ticket-api",
        ] {
            assert_eq!(Place::parse(text, GITHUB), at_github("octo", "ticket-api"), "{text}");
        }
        let odd = Place::parse("https://github.com/a1-B_corp/.dot.s_-.git", GITHUB);
        assert_eq!(odd, at_github("a1-B_corp", ".dot.s_-"));
    }

    #[test]
    fn what_is_no_repository_is_told_from_one_that_is_elsewhere() {
        for text in [
            "********",
            "octo/ticket-api",
            "ticket-api",
            "https://github.com",
            "https://github.com/octo",
            "https://github.com/octo/.git",
            "https://github.com/octo/..",
            "https://github.com/octo/%2e%2e",
            "https://github.com/../../user",
            "https://github.com/-octo/ticket-api",
            "https://github.com/octo/ticket api",
            "https://github.com/ócto/api",
            "https://github.com\\octo/api",
            "https:///octo/ticket-api",
            "ftp://github.com/octo/ticket-api",
            "javascript://github.com/octo/ticket-api",
            &format!("https://github.com/{}/api", "o".repeat(LONGEST_OWNER + 1)),
            &format!("https://github.com/octo/{}", "n".repeat(LONGEST_NAME + 1)),
            &format!("https://github.com/octo/api?{}", "n".repeat(LONGEST)),
            "https://[::1]/octo/api",
            "http://localhost/octo/api",
        ] {
            assert_eq!(Place::parse(text, GITHUB), Place::Unreadable, "{text}");
        }
        for (text, host) in [
            ("https://gitlab.com/octo/group/api", Host::GitLab),
            ("git@gitlab.example.org:octo/api.git", Host::GitLab),
            ("https://bitbucket.org/octo/api", Host::Bitbucket),
            ("https://codeberg.org/octo/api", Host::Gitea),
            ("https://gitea.example.org/octo/api", Host::Gitea),
            ("https://dev.azure.com/octo/_git/api", Host::Azure),
            ("https://gist.github.com/octo/aa5a315d61ae9438b18d", Host::Gist),
            ("https://example.org/octo/api", Host::Other),
            ("https://github.com.example.org/octo/api", Host::Other),
            ("https://notgithub.com/octo/api", Host::Other),
            ("https://github.com@example.org/octo/api", Host::Other),
            ("https://octo.github.io/api", Host::Other),
        ] {
            assert_eq!(Place::parse(text, GITHUB), Place::Elsewhere(host), "{text}");
        }
    }

    #[test]
    fn the_host_of_repositories_follows_from_where_the_api_is() {
        for (api, host) in [
            ("https://api.github.com", "github.com"),
            ("https://git.example.org/api/v3", "git.example.org"),
            ("https://Git.example.org/api/v3/", "git.example.org"),
            ("https://api.octocorp.ghe.com", "octocorp.ghe.com"),
            ("http://127.0.0.1:8080", "github.com"),
            ("https://proxy.example.org/github", "github.com"),
        ] {
            assert_eq!(host_of_api(&BaseUrlKind.parse(api).expect(api)), host, "{api}");
        }
        let enterprise = "git.example.org";
        assert_eq!(Place::parse("git@git.example.org:octo/api.git", enterprise), at_github("octo", "api"));
        assert_eq!(Place::parse("https://github.com/octo/api", enterprise), Place::Elsewhere(Host::GitHub));
        assert_eq!(Place::parse("ssh://git@ssh.github.com/octo/api", enterprise), Place::Elsewhere(Host::GitHub));
    }

    proptest! {
        #[test]
        fn any_owner_and_name_are_found_in_every_form(
            owner in "[A-Za-z0-9][A-Za-z0-9_-]{0,38}",
            name in "[A-Za-z0-9._-]{0,95}[A-Za-z0-9]",
            form in 0_usize..6,
            tail in "(/tree/[ -~&&[^ ]]{0,40})?",
        ) {
            prop_assume!(!name.ends_with(".git"));
            let text = match form {
                0 => format!("https://github.com/{owner}/{name}{tail}"),
                1 => format!("https://github.com/{owner}/{name}.git"),
                2 => format!("git@github.com:{owner}/{name}.git"),
                3 => format!("ssh://git@github.com:22/{owner}/{name}.git"),
                4 => format!("GitHub.COM/{owner}/{name}{tail}"),
                _ => format!("http://www.github.com/{owner}/{name}/"),
            };
            prop_assert_eq!(Place::parse(&text, GITHUB), at_github(&owner, &name), "{}", text);
        }

        #[test]
        fn nothing_but_an_owner_and_a_name_gets_into_a_path(
            text in "(https?://|git@|ssh://)?(github\\.com)?[:/]?\\PC{0,60}",
        ) {
            if let Place::GitHub(repository) = Place::parse(&text, GITHUB) {
                let path = repository.path();
                let parts: Vec<_> = path.split('/').collect();
                prop_assert_eq!(parts.len(), 4, "{}", path);
                prop_assert!(is_owner(parts[2]) && is_name(parts[3]), "{}", path);
            }
        }
    }
}
