//! Showing a value without the passwords in it.

/// What stands in a secret's place.
const STARS: &str = "****";

/// The text with the password of a URL and any secret-looking query value replaced by stars.
///
/// It may hide too much of a strange URL, never too little: a password may itself hold `/`, `?` or `@`.
pub(super) fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let (user, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, rest),
    };
    let user = match user.map(|user| user.split_once(':').map_or((user, false), |(name, _)| (name, true))) {
        Some((name, true)) => format!("{name}:{STARS}@"),
        Some((name, false)) => format!("{name}@"),
        None => String::new(),
    };
    let rest = match rest.split_once('?') {
        Some((before, query)) => {
            let query: Vec<String> = query.split('&').map(masked_parameter).collect();
            format!("{before}?{}", query.join("&"))
        }
        None => rest.to_owned(),
    };
    format!("{scheme}://{user}{rest}")
}

fn masked_parameter(parameter: &str) -> String {
    let key = parameter.split('=').next().unwrap_or(parameter);
    let lower = key.to_ascii_lowercase();
    if ["pass", "pwd", "secret", "token"].iter().any(|word| lower.contains(word)) {
        format!("{key}={STARS}")
    } else {
        parameter.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn the_password_of_a_url_is_hidden_and_the_rest_stays() {
        assert_eq!(masked("mysql://app:s3cret@db:3306/almanac"), "mysql://app:****@db:3306/almanac");
        assert_eq!(masked("mysql://app@db/almanac?ssl-mode=REQUIRED"), "mysql://app@db/almanac?ssl-mode=REQUIRED");
        assert_eq!(masked("sqlite:/var/lib/almanac.db"), "sqlite:/var/lib/almanac.db");
    }

    #[test]
    fn a_password_with_characters_of_a_url_in_it_is_hidden_whole() {
        for password in ["a@b", "a/b", "a?b", "a:b", "a?b@c/d:e"] {
            let shown = masked(&format!("mysql://app:{password}@db/almanac"));
            assert_eq!(shown, "mysql://app:****@db/almanac");
        }
    }

    #[test]
    fn a_password_in_the_query_is_hidden() {
        assert_eq!(masked("mysql://db/x?Password=abc&charset=utf8"), "mysql://db/x?Password=****&charset=utf8");
    }
}
