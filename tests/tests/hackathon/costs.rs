//! What providers have billed, in the records.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use shared::hackathon::costs::{self, Cost, Costs, Key};
use tests::{ask, databases::TestDatabase};

tests::contract!(
    costs_are_kept_once_however_often_they_are_put_and_a_later_amount_takes_the_place_of_an_earlier,
    costs_beyond_a_page_are_summed_up_each_once,
    costs_of_another_hackathon_are_left_alone,
);

fn cost(team: &str, day: u32, provider: &str, currency: &str, micros: i64) -> Cost {
    let day = NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
    Cost {
        key: Key { team: team.to_owned(), day, provider: provider.to_owned(), currency: currency.to_owned() },
        micros,
    }
}

async fn put(database: &TestDatabase, hackathon: &str, of: Vec<Cost>) {
    costs::put(database, hackathon, of).await.expect("they are kept");
}

async fn read(database: &TestDatabase, hackathon: &str) -> Costs {
    Costs::read(database, hackathon).await.expect("readable")
}

/// By team and currency, and by day and provider.
async fn told(database: &TestDatabase, hackathon: &str) -> (Vec<String>, Vec<String>) {
    let Costs { teams, days } = read(database, hackathon).await;
    let teams = teams.iter().map(|cost| format!("{} {} {}", cost.team, cost.amount, cost.currency));
    let days = days.iter().map(|cost| format!("{} {} {} {}", cost.day, cost.provider, cost.amount, cost.currency));
    (teams.collect(), days.collect())
}

async fn costs_are_kept_once_however_often_they_are_put_and_a_later_amount_takes_the_place_of_an_earlier(
    database: &TestDatabase,
) {
    let first = vec![
        cost("amber", 5, "AWS", "EUR", 1_500_000),
        cost("amber", 5, "AWS", "USD", 2_000_001),
        cost("amber", 6, "aws", "EUR", -250_000),
        cost("blue", 5, "AWS", "EUR", 1),
    ];
    for _ in 0..2 {
        put(database, "7", first.clone()).await;
        let (teams, days) = told(database, "7").await;
        assert_eq!(teams, ["amber 1.25 EUR", "amber 2.000001 USD", "blue 0.000001 EUR"]);
        assert_eq!(days, ["2026-11-05 AWS 1.500001 EUR", "2026-11-06 aws -0.25 EUR", "2026-11-05 AWS 2.000001 USD"]);
    }
    put(database, "7", vec![cost("amber", 5, "AWS", "EUR", 4_000_000), cost("blue", 5, "AWS", "EUR", 0)]).await;
    assert_eq!(told(database, "7").await.0, ["amber 3.75 EUR", "amber 2.000001 USD", "blue 0.00 EUR"]);
}

async fn costs_beyond_a_page_are_summed_up_each_once(database: &TestDatabase) {
    let mut sums: BTreeMap<(String, String), i128> = BTreeMap::new();
    let mut all = Vec::new();
    // One team with more than a page of its own, and others around it.
    for number in 0..10_000_u32 {
        let team = if number < 9_000 { "many".to_owned() } else { format!("team {}", number % 90) };
        let (day, provider) = (1 + number % 30, format!("provider {}", number / 30));
        let currency = if number % 3 == 0 { "EUR" } else { "USD" };
        let micros = i64::from(number) * 1_000_000_000_000;
        *sums.entry((team.clone(), currency.to_owned())).or_default() += i128::from(micros);
        all.push(cost(&team, day, &provider, currency, micros));
    }
    put(database, "7", all).await;
    let read = read(database, "7").await;
    let teams: BTreeMap<_, _> =
        read.teams.into_iter().map(|cost| ((cost.team, cost.currency), cost.amount.0)).collect();
    assert_eq!(teams, sums);
    assert_eq!(read.days.iter().map(|cost| cost.amount.0).sum::<i128>(), sums.values().sum::<i128>());
    assert_eq!(ask::number(database, "SELECT COUNT(*) FROM cost_days", vec![]).await, 10_000);
}

async fn costs_of_another_hackathon_are_left_alone(database: &TestDatabase) {
    put(database, "7", vec![cost("amber", 5, "AWS", "EUR", 1)]).await;
    put(database, "8", vec![cost("amber", 5, "AWS", "EUR", 2)]).await;
    assert_eq!(told(database, "7").await.0, ["amber 0.000001 EUR"]);
    assert_eq!(told(database, "8").await.0, ["amber 0.000002 EUR"]);
    assert!(read(database, "9").await.is_empty());
}
