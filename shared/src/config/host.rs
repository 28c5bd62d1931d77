//! Where this process runs, as far as settings depend on it.

/// Where this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// One machine: what is not set is embedded, under the home.
    Machine,
    /// AWS Lambda: what would be lost with the instance must be set.
    Lambda,
    /// `sam local`: Lambda's environment on a developer's machine, so embedded and under the temporary folder.
    SamLocal,
}

impl Host {
    /// Tells the host by the variables that AWS sets. `sam local` sets Lambda's too, so it is asked first.
    pub(super) fn of<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Self {
        if variable("AWS_SAM_LOCAL").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            Self::SamLocal
        } else if variable("AWS_LAMBDA_FUNCTION_NAME").is_some_and(|value| !value.is_empty()) {
            Self::Lambda
        } else {
            Self::Machine
        }
    }
}
