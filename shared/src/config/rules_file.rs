//! Rules of scoring: built in, or a file in their place.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use serde::de::DeserializeOwned;

use super::{kinds::Folder, reader::Reader, setting::Setting};

/// Where the rules of a monitor are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesFile {
    setting: &'static str,
    file: Option<PathBuf>,
}

impl RulesFile {
    /// What a setting says.
    pub(super) fn named_by(reader: &mut Reader<'_>, setting: &Setting<Folder>) -> Option<Self> {
        Some(Self { setting: setting.about.name, file: reader.optional(setting)? })
    }

    /// Reads the file, or what is built in where there is none, and checks it.
    ///
    /// # Errors
    /// When the file cannot be read or is not as expected: the error names setting, file and field, and what was expected.
    pub fn read<R: DeserializeOwned>(
        &self,
        built_in: &str,
        check: impl FnOnce(&R) -> anyhow::Result<()>,
    ) -> anyhow::Result<R> {
        let Some(file) = &self.file else { return parse(built_in, check) };
        let text = fs::read_to_string(file).map_err(anyhow::Error::from);
        text.and_then(|text| parse(&text, check)).with_context(|| format!("{} {}", self.setting, file.display()))
    }
}

fn parse<R: DeserializeOwned>(text: &str, check: impl FnOnce(&R) -> anyhow::Result<()>) -> anyhow::Result<R> {
    let mut read = serde_json::Deserializer::from_str(text);
    // It says at which field.
    let rules: R = serde_path_to_error::deserialize(&mut read)?;
    read.end()?;
    check(&rules)?;
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use anyhow::ensure;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rules {
        points: Vec<u32>,
    }

    fn check(rules: &Rules) -> anyhow::Result<()> {
        ensure!(!rules.points.is_empty(), "points: none; expected at least one");
        Ok(())
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_by_setting_file_and_field() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("rules.json");
        let rules = RulesFile { setting: "X_RULES", file: Some(file.clone()) };
        let said = |text: &str| {
            fs::write(&file, text).expect("writable");
            format!("{:#}", rules.read(r#"{"points": [1]}"#, check).expect_err("wrong"))
        };
        for (text, what) in [
            (r#"{"points": [1, -2]}"#, "points[1]: invalid value: integer `-2`, expected u32"),
            (r#"{"point": [1]}"#, "point: unknown field `point`, expected `points`"),
            ("{}", "missing field `points`"),
            (r#"{"points": []}"#, "points: none; expected at least one"),
            (r#"{"points": [1]} {}"#, "trailing characters"),
        ] {
            let said = said(text);
            assert!(said.starts_with(&format!("X_RULES {}: ", file.display())) && said.contains(what), "{said}");
        }
        fs::write(&file, r#"{"points": [7]}"#).expect("writable");
        assert_eq!(rules.read("{}", check).expect("right"), Rules { points: vec![7] });
        fs::remove_file(&file).expect("it is there");
        assert!(rules.read(r#"{"points": [1]}"#, check).is_err(), "it is gone");
        let built_in = RulesFile { setting: "X_RULES", file: None };
        assert_eq!(built_in.read(r#"{"points": [1]}"#, check).expect("built in"), Rules { points: vec![1] });
    }
}
