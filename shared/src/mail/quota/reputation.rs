//! What the letters of the last days say about going on: providers stop whoever gets too many bounces and complaints.
//!
//! Amazon SES reviews an account at 5 % bounces or 0.1 % complaints, and may pause it at 10 % or 0.5 %. Of bounces it
//! counts those for good. At half of a line sending slows, the more the nearer it comes, and at nine tenths it stops:
//! what is still under way then has room to bounce without reaching the line.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    feedback::Kind,
    records::{Result, Tx},
};

/// The letters of how many days are counted: a cycle and its reminders, and most of what comes back of them. SES says no
/// more than that it looks at a representative volume.
const DAYS: i64 = 7;

/// A line that a provider draws.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// The alert's cause.
    pub(super) cause: &'static str,
    /// What comes back, in words.
    pub(super) what: &'static str,
    /// Why batches wait behind it.
    pub(super) stopped: &'static str,
    kind: Kind,
    /// How many of 100,000 letters come back at the line.
    of_100_000: u64,
    /// With fewer letters nothing is concluded: a few that came back would be a large share. So many that it takes 45
    /// bounces, or 5 complaints, to stop.
    fewest: u64,
}

/// The lines of Amazon SES, which are what other providers ask for too.
pub(super) const LINES: [Line; 2] = [
    Line {
        cause: "bounce-rate",
        what: "came back for good",
        stopped: "too many letters come back",
        kind: Kind::BouncedForGood,
        of_100_000: 5_000,
        fewest: 1_000,
    },
    Line {
        cause: "complaint-rate",
        what: "were reported as spam",
        stopped: "too many letters are reported as spam",
        kind: Kind::Complained,
        of_100_000: 100,
        fewest: 5_000,
    },
];

/// Where sending slows and where it stops, in thousandths of a line.
const SLOWS: u64 = 500;
const STOPS: u64 = 900;

impl Line {
    /// The share of letters at which sending stops.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub(super) fn stop(&self) -> f64 {
        (self.of_100_000 * STOPS) as f64 / 100_000_000.0
    }
}

/// What became of the letters of the last days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Measured {
    letters: u64,
    came_back: [u64; LINES.len()],
}

/// What one line says of the letters of the last days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Verdict {
    /// The share that came back.
    pub(super) rate: f64,
    /// How much of the pace is left, in hundredths: 0 stops. In whole ones, or the pace would change with every bounce.
    pub(super) percent_left: u32,
}

impl Measured {
    /// What each line says.
    pub(super) fn verdicts(&self) -> [(Line, Verdict); LINES.len()] {
        std::array::from_fn(|index| (LINES[index], self.verdict(LINES[index], self.came_back[index])))
    }

    fn verdict(&self, line: Line, came_back: u64) -> Verdict {
        if self.letters < line.fewest {
            return Verdict { rate: 0.0, percent_left: 100 };
        }
        let part = came_back * 100_000 * 1_000 / (self.letters * line.of_100_000);
        let left = match STOPS.saturating_sub(part) {
            0 => 0,
            left => (left * 100 / (STOPS - SLOWS)).clamp(1, 100),
        };
        #[expect(clippy::cast_precision_loss, reason = "counts of letters")]
        let rate = came_back as f64 / self.letters as f64;
        Verdict { rate, percent_left: u32::try_from(left).expect("at most 100") }
    }
}

/// Counts the letters of the last days, and what came back of them.
pub(super) async fn measure(tx: &mut Tx, now: DateTime<Utc>) -> Result<Measured> {
    let since = now - TimeDelta::days(DAYS);
    let mut measured = Measured { letters: accepted_since(tx, since).await?, ..Measured::default() };
    for (count, line) in measured.came_back.iter_mut().zip(LINES) {
        let sql = "SELECT COUNT(*) FROM feedback WHERE kind = ? AND claimed_at > ?";
        let row = tx.row(sql, &[line.kind.stored().into(), since.into()]).await?;
        *count = row.map_or(Ok(0), |row| row.count(0))?;
    }
    Ok(measured)
}

/// How many letters providers have taken since that moment.
pub(super) async fn accepted_since(tx: &mut Tx, since: DateTime<Utc>) -> Result<u64> {
    let sql = "SELECT COALESCE(SUM(accepted), 0) FROM sends WHERE claimed_at > ?";
    tx.row(sql, &[since.into()]).await?.map_or(Ok(0), |row| row.sum(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(letters: u64, bounces: u64, complaints: u64) -> [u32; 2] {
        let measured = Measured { letters, came_back: [bounces, complaints] };
        measured.verdicts().map(|(_, verdict)| verdict.percent_left)
    }

    #[test]
    fn sending_slows_from_half_of_a_line_and_stops_at_nine_tenths() {
        for (bounces, percent) in [(0, 100), (2_500, 100), (3_000, 75), (3_500, 50), (4_499, 1), (4_500, 0), (9_000, 0)]
        {
            assert_eq!(left(100_000, bounces, 0), [percent, 100], "{bounces} bounces");
        }
        for (complaints, percent) in [(50, 100), (70, 50), (89, 2), (90, 0), (1_000, 0)] {
            assert_eq!(left(100_000, 0, complaints), [100, percent], "{complaints} complaints");
        }
    }

    #[test]
    fn of_few_letters_nothing_is_concluded() {
        assert_eq!(left(999, 999, 999), [100, 100]);
        assert_eq!(left(1_000, 44, 1_000), [5, 100]);
        assert_eq!(left(1_000, 45, 1_000), [0, 100]);
        assert_eq!(left(5_000, 0, 4), [100, 25]);
        assert_eq!(left(5_000, 0, 5), [100, 0]);
    }
}
