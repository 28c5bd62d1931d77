//! How long a run would take, what it would cost, and whether that is too long: by the live sending quota.

use serde_json::{Value, json};
use shared::{
    clock::Clock,
    config::{KeeperSettings, MailSettings},
    mail::{
        providers::Provider,
        quota::{self, Quota},
    },
    report::{count, span},
    template::Given,
};

use super::{
    capacity::{cost_json, milliseconds, money, pace, prices},
    schedule::asked,
};
use crate::{
    args::Which,
    capacity::{Bound, Micros, Pace, Prices, SECOND, Setup, Step, Work, ladder, seconds},
    say::say,
    stack::Stack,
};

/// The most hours that a run may be given: `SCHEDULER_MAX_JOB_DURATION_HOURS`.
const MOST_HOURS: u64 = 168;

/// What a run of this machine can go by.
pub(super) struct Forecast {
    quota: Option<quota::Forecast>,
    here: Setup,
    deployed: Setup,
    /// Whether letters go through SES, so that they cost something here too.
    by_ses: bool,
    most: Micros,
    prices: Prices,
}

impl Forecast {
    /// Asks for the quota, where there is one. Nothing is written.
    pub(super) async fn of(stack: &Stack) -> anyhow::Result<Self> {
        let (mail, keeper): (MailSettings, KeeperSettings) = stack.values.read()?;
        let quota = match Quota::of(&stack.records, &mail, &Clock::system())? {
            Some(quota) => Some(quota.forecast().await?),
            None => None,
        };
        let pace = quota.and_then(|quota| {
            let per_second = quota.per_second?;
            Some(Pace { per_second, per_day: quota.per_day, sent: quota.sent })
        });
        let template = asked::template(&Which { template: None, parameters: Vec::new() })?;
        Ok(Self {
            quota,
            here: Setup::here(mail.transports.first(), stack.records.dialect(), pace),
            deployed: Setup::deployed(&template, &Given::new(), pace, 1)?,
            by_ses: mail.transports.iter().any(|provider| matches!(provider, Provider::Ses(_))),
            most: keeper.max_job_duration.as_secs() * SECOND,
            prices: prices(&stack.values)?,
        })
    }

    /// So many letters in so many batches, on this machine.
    pub(super) fn here(&self, letters: u64, batches: u64) -> Step {
        Step::of(self.here.clone(), work(letters, batches))
    }

    /// Why it is not to be begun, and what would make it fit; `None` where it is over in time.
    pub(super) fn refusal(&self, step: &Step) -> Option<String> {
        let letters = step.work.letters;
        if let Some(cause) = self.quota.and_then(|quota| quota.stopped).filter(|_| letters > 0) {
            return Some(format!("nothing can be sent now, for {cause}; --however-long begins it all the same"));
        }
        let finished = step.outcome.finished;
        if finished <= self.most {
            return None;
        }
        let mut fits: Vec<String> = self.raised(step).into_iter().collect();
        let hours = finished.div_ceil(3_600 * SECOND);
        if hours <= MOST_HOURS {
            fits.push(format!("with SCHEDULER_MAX_JOB_DURATION_HOURS={hours}"));
        }
        let fits = if fits.is_empty() { String::new() } else { format!("it would fit {}; ", fits.join(", or ")) };
        Some(format!(
            "{} letters would take about {}, and SCHEDULER_MAX_JOB_DURATION_HOURS allows {}; {fits}--however-long begins it \
             all the same",
            count(letters),
            span(milliseconds(finished)),
            span(milliseconds(self.most)),
        ))
    }

    /// The quota with which it would fit, where the quota is what it is about.
    fn raised(&self, step: &Step) -> Option<String> {
        let steps = ladder(step.setup.clone(), step.work, 1, self.most);
        let by_quota = |step: &Step| matches!(step.bound, Bound::Day | Bound::Pace);
        let (last, before) = steps.split_last()?;
        let fits = last.outcome.finished <= self.most && before.iter().all(by_quota);
        let (now, then) = (step.setup.quota?, last.setup.quota.filter(|_| fits)?);
        let mut words = Vec::new();
        if then.per_second > now.per_second {
            words.push(format!("{} letters a second (now {})", pace(then.per_second), pace(now.per_second)));
        }
        if let (Some(now), Some(then)) = (now.per_day, then.per_day)
            && then > now
        {
            words.push(format!("{} letters a day (now {})", count(then), count(now)));
        }
        Some(format!("with {}", words.join(" and "))).filter(|_| !words.is_empty())
    }

    fn on_aws(&self, step: &Step) -> Step {
        Step::of(self.deployed.clone(), step.work)
    }

    pub(super) fn print(&self, step: &Step) {
        let on_aws = self.on_aws(step);
        let took = |step: &Step| span(milliseconds(step.outcome.finished));
        say!("  would take about {} on this machine, bounded by: {}", took(step), step.bound.as_str());
        say!("             {}", self.quota_words());
        let cost = on_aws.usage.cost(&self.prices);
        if self.by_ses {
            say!("  would cost {} here, for SES", money(cost.ses, &self.prices));
        }
        say!(
            "  on AWS     about {}, {}: SES {:.2}, Lambda {:.2}, SQS {:.2}, others {:.2} (prices of {} in {})",
            took(&on_aws),
            money(cost.total(), &self.prices),
            cost.ses,
            cost.lambda,
            cost.sqs,
            cost.others,
            self.prices.region,
            self.prices.date,
        );
    }

    fn quota_words(&self) -> String {
        let Some(quota) = self.quota else { return "the sending quota: none".to_owned() };
        let Some(per_second) = quota.per_second else {
            return "the sending quota: SES does not say it, so this is as if there were none".to_owned();
        };
        let per_day = quota.per_day.map_or_else(String::new, |most| {
            format!(", {} a day, of which {} are gone", count(most), count(quota.sent.min(most)))
        });
        format!("the sending quota: {} letters a second{per_day}", pace(per_second))
    }

    pub(super) fn as_json(&self, step: &Step) -> Value {
        let on_aws = self.on_aws(step);
        json!({
            "seconds": seconds(step.outcome.finished),
            "bounded_by": step.bound.as_str(),
            "most_seconds": seconds(self.most),
            "quota": self.quota.map(|quota| json!({
                "per_second": quota.per_second, "per_day": quota.per_day, "sent": quota.sent, "stopped": quota.stopped,
            })),
            "on_aws": {"seconds": seconds(on_aws.outcome.finished), "bounded_by": on_aws.bound.as_str(),
                       "workers": on_aws.outcome.workers, "cost": cost_json(&on_aws, &self.prices)},
        })
    }
}

fn work(letters: u64, batches: u64) -> Work {
    Work { letters, letters_per_batch: letters.div_ceil(batches.max(1)).max(1) }
}
