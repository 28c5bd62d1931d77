//! Answers in GitHub's own shapes, with every field that stands in the recorded ones of `@octokit/fixtures` and in the
//! description of its API (`@octokit/openapi`), whether the monitor reads it or not.

use chrono::{DateTime, SecondsFormat, Utc};
use data_encoding::HEXLOWER;
use http_body_util::Full;
use hyper::{Response, StatusCode, body::Bytes};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Repository;

/// An answer with the headers that each has.
pub(super) fn answer(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in [
        ("content-type", "application/json; charset=utf-8"),
        ("cache-control", "private, max-age=60, s-maxage=60"),
        ("vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With"),
        ("x-github-media-type", "github.v3; format=json"),
        ("x-github-request-id", "0000:00000:0000000:0000000:00000000"),
        ("x-content-type-options", "nosniff"),
    ] {
        response.headers_mut().insert(name, value.parse().expect("a value"));
    }
    response
}

/// An answer that says what is wrong.
pub(super) fn error(status: u16, message: &str) -> Response<Full<Bytes>> {
    let documentation = "https://docs.github.com/rest/commits/commits#list-commits";
    answer(status, &json!({"message": message, "documentation_url": documentation, "status": status.to_string()}))
}

pub(super) fn moved(location: &str) -> Response<Full<Bytes>> {
    let documentation = "https://docs.github.com/v3/#http-redirects";
    let body = json!({"message": "Moved Permanently", "url": location, "documentation_url": documentation});
    let mut moved = answer(301, &body);
    moved.headers_mut().insert("location", location.parse().expect("an address"));
    moved
}

/// Adds what an answer says of the limit.
pub(super) fn limit(answered: &mut Response<Full<Bytes>>, left: u64, reset: i64) {
    for (name, value) in [
        ("x-ratelimit-limit", "5000".to_owned()),
        ("x-ratelimit-remaining", left.to_string()),
        ("x-ratelimit-used", (5_000 - left.min(5_000)).to_string()),
        ("x-ratelimit-reset", reset.to_string()),
        ("x-ratelimit-resource", "core".to_owned()),
    ] {
        answered.headers_mut().insert(name, value.parse().expect("a number"));
    }
}

fn account(login: &str, id: u64, kind: &str) -> Value {
    let url = format!("https://api.github.com/users/{login}");
    json!({
        "login": login, "id": id, "node_id": "MDQ6VXNlcjE=",
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "gravatar_id": "",
        "url": url, "html_url": format!("https://github.com/{login}"),
        "followers_url": format!("{url}/followers"), "following_url": format!("{url}/following{{/other_user}}"),
        "gists_url": format!("{url}/gists{{/gist_id}}"), "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
        "subscriptions_url": format!("{url}/subscriptions"), "organizations_url": format!("{url}/orgs"),
        "repos_url": format!("{url}/repos"), "events_url": format!("{url}/events{{/privacy}}"),
        "received_events_url": format!("{url}/received_events"), "type": kind,
        "user_view_type": "public", "site_admin": false,
    })
}

/// What a repository's answer says of addresses: each field is called after the beginning of its path, or as it says.
const URLS: [&str; 36] = [
    "archive={archive_format}{/ref}",
    "assignees{/user}",
    "blobs=git/blobs{/sha}",
    "branches{/branch}",
    "collaborators{/collaborator}",
    "comments{/number}",
    "commits{/sha}",
    "compare/{base}...{head}",
    "contents/{+path}",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits=git/commits{/sha}",
    "git_refs=git/refs{/sha}",
    "git_tags=git/tags{/sha}",
    "hooks",
    "issue_comment=issues/comments{/number}",
    "issue_events=issues/events{/number}",
    "issues{/number}",
    "keys{/key_id}",
    "labels{/name}",
    "languages",
    "merges",
    "milestones{/number}",
    "notifications{?since,all,participating}",
    "pulls{/number}",
    "releases{/id}",
    "stargazers",
    "statuses/{sha}",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees=git/trees{/sha}",
];

pub(super) fn repository(full_name: &str, repository: &Repository) -> Value {
    let (owner, name) = full_name.split_once('/').expect("an owner and a name");
    let url = format!("https://api.github.com/repos/{full_name}");
    let html = format!("https://github.com/{full_name}");
    let visibility = if repository.private { "private" } else { "public" };
    let mut shape = json!({
        "id": repository.id, "node_id": "MDEwOlJlcG9zaXRvcnkxMjk2MjY5", "name": name, "full_name": full_name,
        "private": repository.private, "owner": account(owner, 31_898_100, "Organization"), "html_url": html,
        "description": null, "fork": false, "url": url, "created_at": "2026-11-01T16:00:00Z",
        "updated_at": "2026-11-07T16:00:00Z", "pushed_at": "2026-11-07T16:00:00Z",
        "git_url": format!("git://github.com/{full_name}.git"), "ssh_url": format!("git@github.com:{full_name}.git"),
        "clone_url": format!("{html}.git"), "svn_url": html, "homepage": null, "size": 0,
    });
    let rest = json!({
        "stargazers_count": 42,
        "watchers_count": 42, "language": "Rust", "has_issues": true, "has_projects": true, "has_downloads": true,
        "has_wiki": true, "has_pages": false, "has_discussions": false, "forks_count": 7, "mirror_url": null,
        "archived": false, "disabled": false, "open_issues_count": 2, "license": null, "allow_forking": true,
        "is_template": false, "web_commit_signoff_required": false, "topics": ["hackathon"], "visibility": visibility,
        "forks": 7, "open_issues": 2, "watchers": 42, "default_branch": "main",
        "permissions": {"admin": false, "maintain": false, "push": false, "triage": false, "pull": true},
        "temp_clone_token": null, "organization": account(owner, 31_898_100, "Organization"), "network_count": 7,
        "subscribers_count": 3, "custom_properties": {},
    });
    shape.as_object_mut().into_iter().for_each(|shape| shape.extend(rest.as_object().cloned().unwrap_or_default()));
    for template in URLS {
        let field = template.split(['{', '/']).next().expect("a name");
        let (field, path) = template.split_once('=').unwrap_or((field, template));
        shape[format!("{field}_url")] = format!("{url}/{path}").into();
    }
    shape
}

/// A commit of a list, by the account of that number, or by 0, an address that belongs to none.
pub(super) fn commit(full_name: &str, at: DateTime<Utc>, author: u64) -> Value {
    let url = format!("https://api.github.com/repos/{full_name}");
    let sha = &HEXLOWER.encode(&Sha256::digest(format!("{full_name} {at} {author}")))[..40];
    let person = json!({"name": "Monalisa Octocat", "email": format!("mona{author}@example.org"),
                        "date": at.to_rfc3339_opts(SecondsFormat::Secs, true)});
    let written = if author == 0 { Value::Null } else { account("octocat", author, "User") };
    json!({
        "sha": sha, "node_id": "MDY6Q29tbWl0NmRjYjA5YjViNTc4NzVmMzM0ZjYxYWViZWQ2OTVlMmU0MTkzZGI1ZQ==",
        "commit": {
            // Written earlier than it was committed, as after a rebase.
            "author": {"name": "Monalisa Octocat", "email": person["email"], "date": "2026-10-01T00:00:00Z"},
            "committer": person, "message": "Fix all the bugs\n\nAnd \"some\" more: \u{1f41b}",
            "tree": {"sha": sha, "url": format!("{url}/git/trees/{sha}")}, "url": format!("{url}/git/commits/{sha}"),
            "comment_count": 0,
            "verification": {"verified": false, "reason": "unsigned", "signature": null, "payload": null,
                             "verified_at": null},
        },
        "url": format!("{url}/commits/{sha}"), "html_url": format!("https://github.com/{full_name}/commit/{sha}"),
        "comments_url": format!("{url}/commits/{sha}/comments"), "author": written,
        // As for a commit on the web.
        "committer": {},
        "parents": [{"sha": sha, "url": format!("{url}/commits/{sha}"), "html_url": "https://github.com/"}],
    })
}
