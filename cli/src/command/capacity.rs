//! `almanac capacity`: what so many invitations take on the deployed stack, what bounds them, and what to raise.

use std::fs;

use anyhow::Context as _;
use serde_json::{Value, json};
use shared::{
    config::{KeeperSettings, PriceSettings, Values},
    report::{count, span},
};

use super::schedule::asked::{template, typed};
use crate::{
    args::{self, Common},
    capacity::{BUILT_IN, Micros, Pace, Prices, SECOND, Setup, Step, Work, heard_too_late, ladder, seconds},
    exit::Exit,
    say::say,
    stack,
};

/// Prints, for each number of invitations, how they would go, and what to raise until they fit into their time.
pub(super) fn capacity(common: &Common, asked: &args::Capacity) -> anyhow::Result<Exit> {
    let values = stack::settings(common);
    let prices = prices(&values)?;
    let most = match asked.hours {
        Some(hours) => u64::from(hours) * 3_600,
        None => values.read::<KeeperSettings>()?.max_job_duration.as_secs(),
    } * SECOND;
    let template = template(&asked.which)?;
    let given = typed(&asked.which);
    let quota = Pace { per_second: asked.per_second, per_day: Some(asked.per_day), sent: 0 };
    let mut setup = Setup::deployed(&template, &given, Some(quota), asked.seed)?;
    setup.call_s = f64::from(asked.call_ms) / 1_000.0;
    let users = template.resolve_text(&json!({"Ref": "BatchSize"}), &given)?;
    let users: u64 = users.parse().with_context(|| format!("BatchSize is {users:?}"))?;
    let per_user = u64::from(asked.contacts);
    let steps = asked.invitations.iter().flat_map(|&letters| {
        let work = Work { letters, letters_per_batch: users * per_user };
        ladder(setup.clone(), work, per_user, most)
    });
    let steps: Vec<Step> = steps.collect();
    if common.json {
        for step in &steps {
            say!("{}", as_json(step, &prices, most));
        }
        return Ok(Exit::Done);
    }
    for line in table(&steps, &prices) {
        say!("{line}");
    }
    say!("");
    notes(&setup, &steps, &prices, most);
    Ok(Exit::Done)
}

/// The prices of the settings, else those built in.
pub(super) fn prices(values: &Values) -> anyhow::Result<Prices> {
    let Some(file) = values.read::<PriceSettings>()?.file else { return Prices::parse(BUILT_IN) };
    let read = fs::read_to_string(&file).map_err(anyhow::Error::from).and_then(|text| Prices::parse(&text));
    read.with_context(|| format!("ALMANAC_PRICES: {}", file.display()))
}

const HEAD: [&str; 9] = [
    "invitations",
    "letters a second",
    "letters a day",
    "over after",
    "workers",
    "connections",
    "cost",
    "bounded by",
    "to raise",
];

/// The table, as Markdown that can be read as it stands.
fn table(steps: &[Step], prices: &Prices) -> Vec<String> {
    let rows: Vec<[String; HEAD.len()]> = steps.iter().map(|step| row(step, prices)).collect();
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([HEAD[column].len()]).max().unwrap_or_default()
    };
    let line = |cells: &dyn Fn(usize) -> String| {
        let cells: Vec<String> = (0..HEAD.len()).map(|at| format!("{:<1$}", cells(at), width(at))).collect();
        format!("| {} |", cells.join(" | "))
    };
    let head = [line(&|at| HEAD[at].to_owned()), line(&|at| "-".repeat(width(at)))];
    head.into_iter().chain(rows.iter().map(|row| line(&|at| row[at].clone()))).collect()
}

fn row(step: &Step, prices: &Prices) -> [String; HEAD.len()] {
    let quota = step.setup.quota;
    [
        count(step.work.letters),
        quota.map_or_else(|| "–".to_owned(), |quota| pace(quota.per_second)),
        quota.and_then(|quota| quota.per_day).map_or_else(|| "–".to_owned(), count),
        span(milliseconds(step.outcome.finished)),
        count(step.outcome.workers),
        count(step.connections()),
        money(step.usage.cost(prices).total(), prices),
        step.bound.as_str().to_owned(),
        step.raise.clone().unwrap_or_else(|| "–".to_owned()),
    ]
}

/// Letters a second: `14`, `3,500`, `0.5`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number that is not negative")]
pub(super) fn pace(per_second: f64) -> String {
    if per_second.fract() == 0.0 { count(per_second as u64) } else { format!("{per_second:.2}") }
}

/// An amount, with as many places as matter.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an amount that is not negative")]
pub(super) fn money(amount: f64, prices: &Prices) -> String {
    let currency = &prices.currency;
    if amount < 100.0 {
        format!("{currency} {amount:.2}")
    } else {
        format!("{currency} {}", count(amount.round() as u64))
    }
}

/// A simulation's span as [`span`] shows it.
pub(super) fn milliseconds(span: Micros) -> i64 {
    i64::try_from(span / 1_000).unwrap_or(i64::MAX)
}

fn notes(setup: &Setup, steps: &[Step], prices: &Prices, most: Micros) {
    let hours = span(milliseconds(most));
    say!("Each row raises what the one before it was bounded by, until the run is over within {hours}.");
    say!(
        "A call to SES takes {} ms on average (assumed: --call-ms); prices are those of {} in {}, plan {}, without the",
        setup.call_s * 1_000.0,
        prices.region,
        prices.date,
        prices.ses_plan,
    );
    say!("database, traffic and logs. Where each number comes from: cli/src/capacity/setup.rs.");
    let mut late: Vec<&Step> = steps.iter().filter(|step| heard_too_late(&step.usage, &step.outcome)).collect();
    late.dedup_by_key(|step| step.work.letters);
    for step in late {
        say!(
            "What SES says of {} letters takes {} to be taken in, and its queue keeps it 4 days: raise delivery-feedback's \
             concurrency.",
            count(step.work.letters),
            span(milliseconds(step.usage.heard)),
        );
    }
}

fn as_json(step: &Step, prices: &Prices, most: Micros) -> Value {
    let (outcome, usage) = (&step.outcome, &step.usage);
    json!({
        "invitations": step.work.letters,
        "letters_per_second": step.setup.quota.map(|quota| quota.per_second),
        "letters_per_day": step.setup.quota.and_then(|quota| quota.per_day),
        "finished_s": seconds(outcome.finished),
        "fits": outcome.finished <= most,
        "most_workers": step.setup.mapping.most,
        "workers": outcome.workers,
        "connections": step.connections(),
        "bounded_by": step.bound.as_str(),
        "raise": step.raise,
        "invocations": outcome.invocations,
        "in_vain": outcome.in_vain,
        "transactions": outcome.transactions,
        "feedback_heard_s": seconds(usage.heard),
        "usage": usage_json(usage),
        "cost": cost_json(step, prices),
    })
}

fn usage_json(usage: &crate::capacity::Usage) -> Value {
    json!({
        "ses_letters": usage.letters, "lambda_requests": usage.lambda_requests,
        "lambda_gb_seconds": usage.lambda_gb_seconds.round(), "sqs_requests": usage.sqs_requests,
        "sns_publishes": usage.sns_publishes, "bus_events": usage.bus_events, "s3_writes": usage.s3_writes,
    })
}

/// What a step costs.
pub(super) fn cost_json(step: &Step, prices: &Prices) -> Value {
    let cost = step.usage.cost(prices);
    let cents = |amount: f64| (amount * 100.0).round() / 100.0;
    json!({
        "currency": prices.currency, "region": prices.region, "date": prices.date, "total": cents(cost.total()),
        "ses": cents(cost.ses), "lambda": cents(cost.lambda), "sqs": cents(cost.sqs), "others": cents(cost.others),
    })
}
