//! A line of a cost breakdown: an export in the columns of FOCUS (the FinOps Open Cost and Usage Specification, 1.0 to 1.3,
//! <https://focus.finops.org/>), or a plain file of `team,day,provider,amount,currency`.

use serde_json::Value;
use shared::hackathon::costs::{Amount, Key, LONGEST_NAME};

use super::columns::{Columns, HeaderError};
use super::fields::Fields;
use super::rejects::Reject;

/// The tag that names the team where nothing else is said.
pub const TEAM_TAG: &str = "team";

/// What was billed, of a line of a cost breakdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostRow {
    /// The line of the file.
    pub line: u64,
    /// The field that holds the amount.
    pub field: &'static str,
    /// For what.
    pub key: Key,
    /// How much.
    pub amount: Amount,
}

/// How a kind of file calls what is needed. A need is met by the first of its columns that is not empty.
pub(super) struct Format {
    team: &'static [&'static str],
    /// The column of the team that holds tags.
    tags: Option<&'static str>,
    day: &'static str,
    provider: &'static [&'static str],
    amount: &'static str,
    currency: &'static str,
    known: &'static [&'static str],
}

/// FOCUS, with a column `Team` that whoever exports may add. What 1.0 to 1.2 call `ProviderName` is `ServiceProviderName`
/// since 1.3.
static FOCUS: Format = Format {
    team: &["Team", "Tags", "SubAccountName", "SubAccountId"],
    tags: Some("Tags"),
    day: "ChargePeriodStart",
    provider: &["ProviderName", "ServiceProviderName"],
    amount: "BilledCost",
    currency: "BillingCurrency",
    known: &[
        "Team",
        "Tags",
        "SubAccountName",
        "SubAccountId",
        "ChargePeriodStart",
        "ProviderName",
        "ServiceProviderName",
        "BilledCost",
        "BillingCurrency",
    ],
};

static PLAIN: Format = Format {
    team: &["team"],
    tags: None,
    day: "day",
    provider: &["provider"],
    amount: "amount",
    currency: "currency",
    known: &["team", "day", "provider", "amount", "currency"],
};

impl Format {
    /// Finds the columns that the first line names.
    pub(super) fn of(header: &[Vec<u8>]) -> Result<(&'static Self, Columns), HeaderError> {
        let format = if Columns::any_of(&[FOCUS.amount, FOCUS.day, FOCUS.currency], header) { &FOCUS } else { &PLAIN };
        let needs: [&[&str]; 5] = [format.team, &[format.day], format.provider, &[format.amount], &[format.currency]];
        Ok((format, Columns::read_among_others(format.known, &needs, header)?))
    }

    /// Reads a line; `tag` names the team.
    pub(super) fn read(&self, fields: &Fields<'_>, tag: &str) -> Result<CostRow, Reject> {
        Ok(CostRow {
            line: fields.line(),
            field: self.amount,
            key: Key {
                team: self.team(fields, tag)?,
                day: fields.required_day(self.day)?,
                provider: first_text(fields, self.provider)?,
                currency: fields.required_currency(self.currency)?,
            },
            amount: fields.required_amount(self.amount)?,
        })
    }

    fn team(&self, fields: &Fields<'_>, tag: &str) -> Result<String, Reject> {
        for &column in self.team {
            let team = match self.tags {
                Some(tags) if tags == column => fields.parsed(column, |text| tagged(text, tag))?.flatten(),
                _ => fields.text(column, LONGEST_NAME)?,
            };
            if let Some(team) = team {
                return Ok(team);
            }
        }
        let reason = match self.tags {
            Some(_) => format!("no team is named: not by a tag {tag:?}, nor by {}", self.team.join(", ")),
            None => "is empty".to_owned(),
        };
        Err(Reject { line: fields.line(), field: self.team[0], reason })
    }
}

/// The first of the columns that is not empty.
fn first_text(fields: &Fields<'_>, columns: &[&'static str]) -> Result<String, Reject> {
    for column in columns {
        if let Some(text) = fields.text(column, LONGEST_NAME)? {
            return Ok(text);
        }
    }
    Err(Reject { line: fields.line(), field: columns[0], reason: "is empty".to_owned() })
}

/// What a tag says, if anything, in tags as FOCUS has them: an object of texts, numbers and truth values.
fn tagged(tags: &str, tag: &str) -> Result<Option<String>, String> {
    let Ok(Value::Object(tags)) = serde_json::from_str(tags) else {
        return Err("is not a JSON object".to_owned());
    };
    let said = match tags.get(tag) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => return Err(format!("says in its tag {tag:?} more than one value")),
    };
    if said.chars().any(char::is_control) || said.chars().count() > LONGEST_NAME {
        return Err(format!(
            "says in its tag {tag:?} a text of more than {LONGEST_NAME} characters or with a control character"
        ));
    }
    Ok(Some(said).filter(|said| !said.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{ReadError, read_costs};

    const FOCUS_HEADER: &str =
        "BilledCost,BillingCurrency,ChargePeriodStart,ProviderName,Tags,SubAccountName,SubAccountId";

    fn read(text: &str) -> Vec<Result<String, (u64, &'static str, String)>> {
        let rows = read_costs(text.as_bytes(), "team").expect("a right first line");
        let told = |row: Result<CostRow, ReadError>| match row {
            Ok(CostRow { key, amount, .. }) => {
                Ok(format!("{} {} {} {} {}", key.team, key.day, key.provider, amount.micros(), key.currency))
            }
            Err(ReadError::Rejected(Reject { line, field, reason })) => Err((line, field, reason)),
            Err(ReadError::Unreadable(error)) => panic!("{error}"),
        };
        rows.map(told).collect()
    }

    fn line(line: &str) -> Result<String, (u64, &'static str, String)> {
        read(&format!("{FOCUS_HEADER}\n{line}\n")).remove(0)
    }

    fn refusal(header: &str) -> String {
        match read_costs(header.as_bytes(), "team") {
            Ok(_) => panic!("it is taken: {header}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_team_is_the_one_of_its_column_else_of_the_tag_else_of_the_sub_account() {
        let header = format!("Team,{FOCUS_HEADER}");
        let rest = "1,EUR,2026-11-05T00:00:00Z,AWS";
        for (start, end, team) in [
            ("amber", "\"{\"\"team\"\":\"\"blue\"\"}\",green,9", "amber"),
            ("", "\"{\"\"team\"\":\"\" blue \"\",\"\"env\"\":null}\",green,9", "blue"),
            ("", "\"{\"\"team\"\":7}\",green,9", "7"),
            ("", "\"{\"\"team\"\":null}\",green,9", "green"),
            ("", "\"{\"\"Team\"\":\"\"blue\"\"}\",,9", "9"),
            ("", ",green,9", "green"),
        ] {
            let row = read(&format!("{header}\n{start},{rest},{end}\n")).remove(0).expect("a row");
            assert_eq!(row, format!("{team} 2026-11-05 AWS 1.00 EUR"));
        }
        let reject = |tags: &str| line(&format!("{rest},{tags},,")).expect_err("no row");
        let (_, field, reason) = reject("");
        assert_eq!(field, "Team");
        assert!(reason.starts_with("no team is named: not by a tag \"team\""), "{reason}");
        assert_eq!(reject("team=blue"), (2, "Tags", "is not a JSON object".to_owned()));
        assert_eq!(reject("[]").2, "is not a JSON object");
        assert_eq!(reject("\"{\"\"team\"\":[1]}\"").2, "says in its tag \"team\" more than one value");
        assert!(reject(&format!("\"{{\"\"team\"\":\"\"{}\"\"}}\"", "x".repeat(129))).2.contains("more than 128"));
    }

    #[test]
    fn a_day_is_one_of_utc_however_it_is_written() {
        for (written, day) in [
            ("2026-11-05T00:00:00Z", "2026-11-05"),
            ("2026-11-05T23:59:59.999Z", "2026-11-05"),
            ("2026-11-05T23:30:00-02:00", "2026-11-06"),
            ("2026-11-05 18:00:00 UTC", "2026-11-05"),
            ("2026-11-05T18:00Z", "2026-11-05"),
            ("2026-11-05 18:00:00", "2026-11-05"),
            ("2026-11-05", "2026-11-05"),
        ] {
            assert_eq!(line(&format!("1,eur,{written},AWS,,green,")), Ok(format!("green {day} AWS 1.00 EUR")));
        }
        for written in ["05/11/2026", "2026-11", "2026-02-30", "1969-12-31", "20261105", "+12026-01-01"] {
            let (at, field, reason) = line(&format!("1,EUR,{written},AWS,,green,")).expect_err("no row");
            assert_eq!((at, field), (2, "ChargePeriodStart"));
            assert!(reason.starts_with("must be a day or a time of UTC"), "{written}: {reason}");
        }
    }

    #[test]
    fn a_bad_line_says_what_is_wrong_with_which_field_and_stops_no_other() {
        let text = format!(
            "{FOCUS_HEADER}\n\
             1.5,EUR,2026-11-05,AWS,,green,\n\
             ,EUR,2026-11-05,AWS,,green,\n\
             1;5,EUR,2026-11-05,AWS,,green,\n\
             1e12,EUR,2026-11-05,AWS,,green,\n\
             1,€,2026-11-05,AWS,,green,\n\
             1,,2026-11-05,AWS,,green,\n\
             1,EUR,,AWS,,green,\n\
             1,EUR,2026-11-05,,,green,\n\
             1,EUR,2026-11-05,AWS\n\
             -2.5E-1,EUR,2026-11-05,AWS,,green,\n"
        );
        let told = |line, field, reason: &str| Err((line, field, reason.to_owned()));
        assert_eq!(
            read(&text),
            [
                Ok("green 2026-11-05 AWS 1.50 EUR".to_owned()),
                told(3, "BilledCost", "is empty"),
                told(4, "BilledCost", "must be a decimal number, such as -12.5 or 1.25E-7"),
                told(5, "BilledCost", "must be less than a million million"),
                told(6, "BillingCurrency", "must be the three letters of a currency"),
                told(7, "BillingCurrency", "is empty"),
                told(8, "ChargePeriodStart", "is empty"),
                told(9, "ProviderName", "is empty"),
                told(10, "", "has 4 fields, and the first line has 7"),
                Ok("green 2026-11-05 AWS -0.25 EUR".to_owned()),
            ]
        );
    }

    #[test]
    fn names_of_columns_may_be_in_capitals_in_any_order_and_among_others() {
        let text = "x_Own,SERVICEPROVIDERNAME,billedcost,SubAccountId,ChargePeriodStart,BILLINGCURRENCY,BilledCost2\n\
                    ?,Azure,2,s-1,2026-11-05T00:00:00Z,USD,9\n";
        assert_eq!(read(text), [Ok("s-1 2026-11-05 Azure 2.00 USD".to_owned())]);
        assert_eq!(
            read("Provider,Amount,Team,Currency,Day,Note\nHetzner,3.20,amber,EUR,2026-11-05,x\n"),
            [Ok("amber 2026-11-05 Hetzner 3.20 EUR".to_owned())]
        );
    }

    #[test]
    fn a_file_without_a_needed_column_is_refused_with_its_name() {
        for (header, told) in [
            ("BilledCost,BillingCurrency,ProviderName,Tags", "column ChargePeriodStart is missing"),
            ("ChargePeriodStart,BillingCurrency,ProviderName,Tags", "column BilledCost is missing"),
            ("ChargePeriodStart,BilledCost,ProviderName,Tags", "column BillingCurrency is missing"),
            (
                "ChargePeriodStart,BilledCost,BillingCurrency,Tags",
                "column ProviderName or ServiceProviderName is missing",
            ),
            (
                "ChargePeriodStart,BilledCost,BillingCurrency,ProviderName",
                "column Team or Tags or SubAccountName or SubAccountId is missing",
            ),
            ("team,day,provider,amount", "column currency is missing"),
            ("team,team,day,provider,amount,currency", "column team comes twice"),
            ("team;day;provider;amount;currency", "columns must be separated by commas"),
            ("", "the file is empty"),
        ] {
            assert_eq!(refusal(header), format!("the first line does not name the columns: {told}"));
        }
    }
}
