//! The words of one invitation, from its facts to the values of its template's placeholders.

use chrono::{Datelike, NaiveDate};

use crate::people::Locale;

/// The facts that an invitation or a reminder shows.
#[derive(Debug, Clone)]
pub struct InvitationWords<'a> {
    /// The contact's first name; empty when it is not known.
    pub first_name: &'a str,
    /// The name of the user who invites.
    pub sender_name: &'a str,
    /// What that user adds in their own words; often empty.
    pub custom_message: &'a str,
    /// The link to the form.
    pub link: String,
    /// The code to type where the link does not work.
    pub short_code: String,
    /// The last day on which the link works.
    pub expires_on: NaiveDate,
    /// Where one click stops further mail.
    pub unsubscribe_url: String,
}

impl InvitationWords<'_> {
    /// The values for [`INVITATION`](super::placeholder::INVITATION), in its order.
    pub fn values(self, locale: Locale) -> Vec<String> {
        vec![
            greeting(self.first_name.trim(), locale),
            self.sender_name.trim().to_owned(),
            paragraph(self.custom_message.trim()),
            self.link,
            self.short_code,
            day(self.expires_on, locale),
            self.unsubscribe_url,
        ]
    }
}

fn greeting(first_name: &str, locale: Locale) -> String {
    let hello = match locale {
        Locale::French => "Bonjour",
        Locale::English => "Hello",
    };
    if first_name.is_empty() { hello.to_owned() } else { [hello, " ", first_name].concat() }
}

/// The line breaks around a message are part of its value, so that no message leaves no gap.
fn paragraph(text: &str) -> String {
    if text.is_empty() { String::new() } else { ["\n", text, "\n"].concat() }
}

const MONTHS_FR: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn day(date: NaiveDate, locale: Locale) -> String {
    let month = date.month0() as usize;
    match (locale, date.day()) {
        (Locale::French, 1) => format!("1er {} {}", MONTHS_FR[month], date.year()),
        (Locale::French, day) => format!("{day} {} {}", MONTHS_FR[month], date.year()),
        (Locale::English, day) => format!("{day} {} {}", MONTHS_EN[month], date.year()),
    }
}

#[cfg(test)]
mod tests {
    use super::{InvitationWords, Locale};
    use crate::mail::placeholder::INVITATION;
    use chrono::NaiveDate;

    fn words() -> InvitationWords<'static> {
        InvitationWords {
            first_name: "Ada",
            sender_name: "sender_name",
            custom_message: "custom_message",
            link: "link".to_owned(),
            short_code: "short_code".to_owned(),
            expires_on: NaiveDate::from_ymd_opt(2027, 8, 1).expect("a day"),
            unsubscribe_url: "unsubscribe_url".to_owned(),
        }
    }

    #[test]
    fn values_stand_in_the_order_of_the_catalogue() {
        let values = words().values(Locale::French);
        assert_eq!(values.len(), INVITATION.len());
        for (placeholder, value) in INVITATION.iter().zip(&values) {
            match placeholder.name {
                "greeting" => assert_eq!(value, "Bonjour Ada"),
                "custom_message" => assert_eq!(value, "\ncustom_message\n"),
                "expires_on" => assert_eq!(value, "1er août 2027"),
                name => assert_eq!(value, name),
            }
        }
    }

    #[test]
    fn an_unknown_first_name_and_no_message_still_read_well() {
        let words = InvitationWords { first_name: " ", custom_message: " \n", ..words() };
        let values = words.values(Locale::English);
        assert_eq!([&values[0], &values[2], &values[5]], ["Hello", "", "1 August 2027"]);
    }
}
