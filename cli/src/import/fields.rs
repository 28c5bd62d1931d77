//! One line's fields, read by name and kind.

use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use chrono_tz::Tz;
use shared::email_address::EmailAddress;
use shared::hackathon::costs::Amount;
use shared::people::UnknownWord;

use super::columns::Columns;
use super::records::Record;
use super::rejects::Reject;

/// One line's fields. An empty field is its kind's default; white space around a value is dropped.
pub(super) struct Fields<'a> {
    pub(super) columns: &'a Columns,
    pub(super) record: &'a Record,
}

type Read<T> = Result<T, Reject>;

impl Fields<'_> {
    pub(super) fn line(&self) -> u64 {
        self.record.line
    }

    /// The value of a field that is neither left out nor empty, as `parse` reads it.
    pub(super) fn parsed<T>(
        &self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Read<Option<T>> {
        let Some(position) = self.columns.position(field) else { return Ok(None) };
        let reject = |reason: String| Reject { line: self.record.line, field, reason };
        let text =
            std::str::from_utf8(&self.record.fields[position]).map_err(|_| reject("is not UTF-8".to_owned()))?.trim();
        if text.is_empty() { Ok(None) } else { parse(text).map(Some).map_err(reject) }
    }

    fn required<T>(&self, field: &'static str, value: Option<T>) -> Read<T> {
        value.ok_or_else(|| Reject { line: self.record.line, field, reason: "is empty".to_owned() })
    }

    /// One line of text.
    pub(super) fn text(&self, field: &'static str, longest: usize) -> Read<Option<String>> {
        self.parsed(field, |text| {
            if text.chars().any(char::is_control) {
                return Err("holds a control character".to_owned());
            }
            no_longer(text, longest)
        })
    }

    pub(super) fn required_text(&self, field: &'static str, longest: usize) -> Read<String> {
        let text = self.text(field, longest)?;
        self.required(field, text)
    }

    /// Text that may have several lines.
    pub(super) fn paragraphs(&self, field: &'static str, longest: usize) -> Read<Option<String>> {
        self.parsed(field, |text| {
            if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
                return Err("holds a control character".to_owned());
            }
            no_longer(text, longest)
        })
    }

    pub(super) fn required_email(&self, field: &'static str) -> Read<EmailAddress> {
        let address =
            self.parsed(field, |text| EmailAddress::parse(text).map_err(|_| "is not an e-mail address".to_owned()))?;
        self.required(field, address)
    }

    pub(super) fn word<T: FromStr<Err = UnknownWord>>(&self, field: &'static str, default: T) -> Read<T> {
        let word = self.parsed(field, |text| text.parse().map_err(|error: UnknownWord| error.to_string()))?;
        Ok(word.unwrap_or(default))
    }

    pub(super) fn boolean(&self, field: &'static str, default: bool) -> Read<bool> {
        let value = self.parsed(field, |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        })?;
        Ok(value.unwrap_or(default))
    }

    pub(super) fn whole(&self, field: &'static str, least: u32, most: u32) -> Read<Option<u32>> {
        self.parsed(field, |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse() {
                Ok(value) if digits && (least..=most).contains(&value) => Ok(value),
                _ => Err(format!("must be a whole number from {least} to {most}")),
            }
        })
    }

    /// A share in per cent.
    pub(super) fn percentage(&self, field: &'static str) -> Read<Option<f64>> {
        self.parsed(field, |text| match text.parse::<f64>() {
            Ok(value) if (0.0..=100.0).contains(&value) => Ok(value),
            Ok(_) | Err(_) => Err("must be a number from 0 to 100".to_owned()),
        })
    }

    pub(super) fn zone(&self, field: &'static str) -> Read<Option<Tz>> {
        self.parsed(field, |text| text.parse().map_err(|_| "is not a name of the IANA time zone database".to_owned()))
    }

    pub(super) fn time(&self, field: &'static str) -> Read<Option<DateTime<Utc>>> {
        self.parsed(field, |text| match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Ok(time.with_timezone(&Utc)),
            Err(_) => Err("must be a time as in RFC 3339, such as 2026-11-05T18:00:00Z".to_owned()),
        })
    }

    /// The day, of UTC, of a day or a moment. A moment without a zone is one of UTC.
    pub(super) fn required_day(&self, field: &'static str) -> Read<NaiveDate> {
        let day = self.parsed(field, |text| {
            let day = day(text).filter(|day| (1970..=9999).contains(&day.year()));
            day.ok_or_else(|| "must be a day or a time of UTC, such as 2026-11-05 or 2026-11-05T18:00:00Z".to_owned())
        })?;
        self.required(field, day)
    }

    /// A currency's three letters, in capitals or not.
    pub(super) fn required_currency(&self, field: &'static str) -> Read<String> {
        let currency = self.parsed(field, |text| {
            let three = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            if three {
                Ok(text.to_ascii_uppercase())
            } else {
                Err("must be the three letters of a currency".to_owned())
            }
        })?;
        self.required(field, currency)
    }

    /// An amount of money.
    pub(super) fn required_amount(&self, field: &'static str) -> Read<Amount> {
        let amount = self.parsed(field, |text| Amount::from_str(text).map_err(|error| error.to_string()))?;
        self.required(field, amount)
    }

    /// Tags separated by `;`, each once.
    pub(super) fn tags(&self, field: &'static str) -> Read<Vec<String>> {
        let tags = self.parsed(field, |text| {
            let mut tags: Vec<String> = Vec::new();
            for tag in text.split(';').map(str::trim).filter(|tag| !tag.is_empty()) {
                if tag.chars().count() > LONGEST_TAG || tag.chars().any(char::is_control) {
                    return Err(format!(
                        "holds a tag of more than {LONGEST_TAG} characters or with a control character"
                    ));
                }
                if !tags.iter().any(|known| known == tag) {
                    tags.push(tag.to_owned());
                }
            }
            if tags.len() > MOST_TAGS { Err(format!("holds more than {MOST_TAGS} tags")) } else { Ok(tags) }
        })?;
        Ok(tags.unwrap_or_default())
    }
}

const LONGEST_TAG: usize = 50;
/// So many of the longest tags fit into their column.
const MOST_TAGS: usize = 39;

fn no_longer(text: &str, longest: usize) -> Result<String, String> {
    match text.chars().count() {
        count if count > longest => Err(format!("is {count} characters long, and at most {longest} are allowed")),
        _ => Ok(text.to_owned()),
    }
}

fn day(text: &str) -> Option<NaiveDate> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.with_timezone(&Utc).date_naive());
    }
    let local = text.strip_suffix('Z').or_else(|| text.strip_suffix("UTC")).unwrap_or(text).trim_end();
    let moments = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let moment = || moments.iter().find_map(|form| NaiveDateTime::parse_from_str(local, form).ok());
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().or_else(|| moment().map(|moment| moment.date()))
}
