//! `almanac why`: the whole story of one person: who they are to us, and for each month what was decided, tried and
//! known, of the invitation and of its reminders.

use std::collections::BTreeMap;

use anyhow::bail;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use serde::Serialize;
use shared::{
    claims::{self, Attempt},
    config::PlannerSettings,
    email_address::EmailAddress,
    feedback::{
        LetterName,
        said::{self, Said},
    },
    invitation::{InvitationId, SendState, Status},
    letters::{LetterId, LetterKind, ReminderKind},
    records::{Never as _, Result, Row, Tx, Value},
    run::doubt::WhenInDoubt,
};

use crate::{
    args::Common,
    exit::{Exit, Misused},
    say::say,
    stack::{self, Stack},
};

/// One contact: an address as one user knows it.
#[derive(Debug, Clone, Serialize)]
struct Story {
    contact: i64,
    owner: String,
    facts: Vec<String>,
    months: Vec<MonthOfContact>,
}

/// What a month held for a contact: its invitation, or a reminder of it.
#[derive(Debug, Clone, Serialize)]
struct MonthOfContact {
    run: i64,
    key: String,
    scheduled_at: DateTime<Utc>,
    /// `invitation`, `first` or `second`.
    letter: &'static str,
    /// What became of it, in words.
    outcome: String,
    /// What becomes of it, where it is in doubt.
    #[serde(skip_serializing_if = "Option::is_none")]
    when_in_doubt: Option<WhenInDoubt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invitation: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attempts: Vec<Attempt>,
    /// What providers said afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    feedback: Vec<Remark>,
}

/// One thing that a provider said of a letter.
#[derive(Debug, Clone, Serialize)]
struct Remark {
    said: &'static str,
    at: DateTime<Utc>,
    #[serde(skip_serializing_if = "String::is_empty")]
    code: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    provider_id: String,
}

pub(super) async fn why(common: &Common, who: &str) -> anyhow::Result<Exit> {
    let asked = Asked::read(who)?;
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let zone = stack.values.read::<PlannerSettings>()?.timezone;
    let stories = stack
        .records
        .read(move |tx| {
            let asked = asked.clone();
            async move { tell(tx, &asked).await }.boxed()
        })
        .await?;
    if stories.is_empty() {
        bail!("nobody knows this person: no contact has that address or number");
    }
    for story in &stories {
        if common.json {
            say!("{}", serde_json::to_string(story)?);
        } else {
            print(story, zone);
        }
    }
    Ok(Exit::Done)
}

/// Whom the question is about.
#[derive(Debug, Clone)]
enum Asked {
    Address(EmailAddress),
    Contact(i64),
}

impl Asked {
    fn read(text: &str) -> anyhow::Result<Self> {
        if let Ok(contact) = text.parse() {
            return Ok(Self::Contact(contact));
        }
        match EmailAddress::parse(text) {
            Ok(address) => Ok(Self::Address(address)),
            Err(error) => Err(Misused(format!("expected an e-mail address or a contact's number: {error}")).into()),
        }
    }
}

async fn tell(tx: &mut Tx, asked: &Asked) -> Result<Vec<Story>> {
    let columns = "SELECT c.id, c.user_id, u.external_id, u.active, u.send_day, c.status, c.email_status, \
                   c.bounce_count, c.opted_out, c.active, c.last_sent_at, COALESCE(s.reason, '') \
                   FROM contacts c JOIN users u ON u.id = c.user_id LEFT JOIN suppressions s ON s.email = c.email";
    let (sql, value): (_, Value<'_>) = match asked {
        Asked::Address(address) => {
            (format!("{columns} WHERE c.email = ? ORDER BY c.id LIMIT 100"), address.as_str().into())
        }
        Asked::Contact(id) => (format!("{columns} WHERE c.id = ?"), (*id).into()),
    };
    let mut stories = Vec::new();
    for row in tx.rows(sql, &[value]).await? {
        let (contact, user) = (row.int(0)?, row.int(1)?);
        stories.push(Story {
            contact,
            owner: row.text(2)?,
            facts: facts(&row)?,
            months: months(tx, user, contact).await?,
        });
    }
    Ok(stories)
}

/// What stands in the way of writing to this contact now, or that nothing does.
fn facts(row: &Row) -> Result<Vec<String>> {
    let mut facts = Vec::new();
    let mut note = |holds: bool, fact: String| facts.extend(holds.then_some(fact));
    note(!row.truth(3)?, "its user is inactive".to_owned());
    note(row.int(4)? > 5, format!("its user is invited for from day {} on", row.int(4)?));
    note(row.text(5)? != "active", format!("its status is {}", row.text(5)?));
    let email_status = row.text(6)?;
    let in_the_way = !matches!(email_status.as_str(), "active" | "sent" | "delivered");
    note(in_the_way, format!("its e-mail status is {email_status}"));
    note(row.int(7)? > 0, format!("its address bounced {} times", row.int(7)?));
    note(row.truth(8)?, "it opted out".to_owned());
    note(!row.truth(9)?, "it is switched off".to_owned());
    note(!row.text(11)?.is_empty(), format!("its address is suppressed: {}", row.text(11)?));
    if let Some(last) = row.time(10)?.unless_never() {
        facts.push(format!("before the first cycle here it was last written to on {}", last.format("%Y-%m-%d")));
    }
    Ok(facts)
}

/// What was decided, by run and kind of letter.
type Months = BTreeMap<(i64, LetterKind), MonthOfContact>;

async fn months(tx: &mut Tx, user: i64, contact: i64) -> Result<Vec<MonthOfContact>> {
    let mut months = Months::new();
    let skips = tx
        .rows(
            "SELECT r.id, r.run_key, r.scheduled_at, b.letters, s.reason, s.skipped_at, s.contact_ids FROM skips s \
             JOIN runs r ON r.id = s.run_id JOIN batches b ON b.id = s.batch_id WHERE s.user_id = ? ORDER BY r.id",
            &[user.into()],
        )
        .await?;
    for row in skips {
        if row.text(6)?.split(',').any(|id| id.parse() == Ok(contact)) {
            let kind: LetterKind = row.parsed(3)?;
            let mut month = month_of(&row, kind)?;
            month.outcome = format!("skipped: {}", row.text(4)?);
            month.at = Some(row.time(5)?);
            months.insert((month.run, kind), month);
        }
    }
    // An invitation is found by its month, so the months that there were lead to it.
    let cycles = tx.rows("SELECT month FROM cycle_members WHERE user_id = ?", &[user.into()]).await?;
    for cycle in cycles {
        let sql = "SELECT id, send_state, status, sent_at FROM invitations WHERE month = ? AND contact_id = ?";
        let Some(row) = tx.row(sql, &[cycle.int(0)?.into(), contact.into()]).await? else { continue };
        let invitation = InvitationId(row.int(0)?);
        add_letter(tx, &mut months, invitation, LetterKind::Invitation, &row).await?;
        let sql = "SELECT id, send_state, status, sent_at, kind FROM reminders WHERE invitation_id = ?";
        for row in tx.rows(sql, &[invitation.0.into()]).await? {
            let Some(kind) = ReminderKind::from_stored(row.int(4)?) else { continue };
            add_letter(tx, &mut months, invitation, LetterKind::Reminder(kind), &row).await?;
        }
    }
    Ok(months.into_values().collect())
}

/// Adds what became of a letter, whose row says its id, `send_state`, `status` and `sent_at`.
async fn add_letter(
    tx: &mut Tx,
    months: &mut Months,
    invitation: InvitationId,
    kind: LetterKind,
    row: &Row,
) -> Result<()> {
    let letter = LetterId(row.int(0)?);
    // Its batch, and not the one by which its user joined the cycle: a redrive moves it to another.
    let sql = "SELECT r.id, r.run_key, r.scheduled_at, r.when_in_doubt FROM batches b \
               JOIN runs r ON r.id = b.run_id WHERE b.id = ?";
    let Some(run) = tx.row(sql, &[letter.batch().into()]).await? else { return Ok(()) };
    let mut month = month_of(&run, kind)?;
    let state = SendState::from_stored(row.int(1)?);
    let words = state.map_or("unknown", SendState::as_str);
    let status = Status::from_stored(row.int(2)?).map_or("unknown", Status::as_str);
    month.outcome = if words == status { words.to_owned() } else { format!("{words} (status {status})") };
    if state == Some(SendState::InDoubt) {
        month.when_in_doubt = Some(run.parsed(3)?);
    }
    month.at = row.time(3)?.unless_never();
    month.invitation = Some(invitation.0);
    month.attempts = claims::attempts(tx, letter).await?;
    month.feedback = remarks(tx, LetterName { invitation, kind }).await?;
    months.insert((month.run, kind), month);
    Ok(())
}

fn month_of(row: &Row, kind: LetterKind) -> Result<MonthOfContact> {
    Ok(MonthOfContact {
        run: row.int(0)?,
        key: row.text(1)?,
        scheduled_at: row.time(2)?,
        letter: kind.as_str(),
        outcome: String::new(),
        when_in_doubt: None,
        at: None,
        invitation: None,
        attempts: Vec::new(),
        feedback: Vec::new(),
    })
}

/// What was said of a letter, as it happened.
async fn remarks(tx: &mut Tx, letter: LetterName) -> Result<Vec<Remark>> {
    let mut all = said::of_letter(tx, letter).await?;
    all.sort_by_key(|said| said.happened_at);
    let remark = |said: Said| Remark {
        said: said.kind.as_str(),
        at: said.happened_at,
        code: said.code,
        provider_id: said.provider_id,
    };
    Ok(all.into_iter().map(remark).collect())
}

fn print(story: &Story, zone: Tz) {
    let local = |time: DateTime<Utc>| time.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string();
    say!("Contact {} of user {}", story.contact, story.owner);
    if story.facts.is_empty() {
        say!("  may be written to");
    }
    for fact in &story.facts {
        say!("  {fact}");
    }
    if story.months.is_empty() {
        say!("  no run has looked at it yet");
    }
    for month in &story.months {
        let at = month.at.map_or(String::new(), |at| format!(", {}", local(at)));
        let letter = match month.letter {
            "invitation" => String::new(),
            reminder => format!("{reminder} reminder "),
        };
        let doubt = month.when_in_doubt.map_or(String::new(), |policy| format!(", {}", policy.means()));
        say!("  {} (run {}): {letter}{}{doubt}{at}", month.key, month.run, month.outcome);
        for attempt in &month.attempts {
            let settled = attempt.settled_at.map_or(String::new(), |at| format!(", known {}", local(at)));
            say!(
                "    {} {} by {}: begun {}{settled}: {}",
                if attempt.second_try { "second try" } else { "attempt" },
                attempt.id,
                attempt.provider,
                local(attempt.claimed_at),
                attempt.outcome
            );
        }
        for Remark { said, at, code, provider_id } in &month.feedback {
            let code = if code.is_empty() { String::new() } else { format!(" ({code})") };
            let known_as = if provider_id.is_empty() { String::new() } else { format!(", as {provider_id}") };
            say!("    {said}{code} {}{known_as}", local(*at));
        }
    }
}
