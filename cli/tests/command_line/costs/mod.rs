//! `almanac costs`: what is taken in of files, kept and shown.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::support::machine::Machine;

const FOCUS: &str = include_str!("focus.csv");

/// Writes a file into the machine's folder; gives its path.
fn file(machine: &Machine, name: &str, text: &str) -> String {
    let path = machine.folder().join(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

async fn import(machine: &Machine, files: &[&str]) -> Value {
    let arguments: Vec<&str> = ["costs", "import", "--hackathon", "7", "--json"].iter().chain(files).copied().collect();
    machine.run(&arguments).await.json_of(0)
}

/// What is kept, by team and by day.
async fn kept(machine: &Machine) -> (Vec<String>, Vec<String>) {
    let costs = machine.run(&["costs", "--hackathon", "7", "--json"]).await.json_of(0);
    let told = |part: &str, fields: &[&str]| {
        let text = |cost: &Value| {
            fields.iter().map(|field| cost[*field].as_str().expect("a text")).collect::<Vec<_>>().join(" ")
        };
        costs[part].as_array().expect("a list").iter().map(text).collect::<Vec<_>>()
    };
    (told("teams", &["team", "amount", "currency"]), told("days", &["day", "provider", "amount", "currency"]))
}

#[tokio::test]
async fn an_export_of_focus_is_kept_by_day_and_provider_with_every_bad_line_explained_and_once_however_often() {
    let machine = Machine::bare();
    let focus = file(&machine, "focus.csv", FOCUS);
    for _ in 0..2 {
        let imported = import(&machine, &[&focus]).await;
        assert_eq!([&imported["read"], &imported["rejected"], &imported["kept"]], [&json!(12), &json!(5), &json!(4)]);
        let (teams, days) = kept(&machine).await;
        assert_eq!(teams, ["333 9.99 USD", "amber 1.500001 USD", "blue 6.00 USD"]);
        assert_eq!(days, ["2026-11-05 AWS 2.000001 USD", "2026-11-06 AWS 5.50 USD", "2026-11-07 AWS 9.99 USD"]);
    }
    let rejects = fs::read_to_string(machine.home().join("rejects.csv")).expect("a file of rejects");
    let starts: Vec<String> =
        rejects.lines().map(|line| line.split(',').take(3).collect::<Vec<_>>().join(",")).collect();
    assert_eq!(
        starts,
        [
            "file,line,field",
            "focus.csv,10,BilledCost",
            "focus.csv,11,ChargePeriodStart",
            "focus.csv,12,BillingCurrency",
            "focus.csv,13,Tags",
            "focus.csv,14,Team",
        ]
    );

    let shown = machine.run(&["costs", "--hackathon", "7"]).await;
    assert!(shown.out.contains("  amber: 1.500001 USD\n"), "{shown:?}");
    assert!(shown.out.contains("  2026-11-06 AWS: 5.50 USD\n"), "{shown:?}");
    let page = machine.folder().join("board.html").display().to_string();
    assert_eq!(machine.run(&["board", "--hackathon", "7", "--html", &page]).await.code, 0);
    let page = fs::read_to_string(Path::new(&page)).expect("a page");
    assert!(page.contains("<h2>Costs</h2>") && page.contains("USD by day"), "{page}");
    let other = machine.run(&["costs", "--hackathon", "8"]).await;
    assert!(other.out.contains("No costs of hackathon 8 have been imported yet."), "{other:?}");
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_was_kept_and_files_of_one_import_are_added_together() {
    let machine = Machine::bare();
    let header = "team,day,provider,amount,currency\n";
    let plain = |name: &str, lines: &str| file(&machine, name, &format!("{header}{lines}"));
    let first = plain("first.csv", "amber,2026-11-05,Hetzner,0.1,EUR\nblue,2026-11-05,Hetzner,3,EUR\n");
    let second = plain("second.csv", "amber,2026-11-05,Hetzner,0.2,EUR\namber,2026-11-05,Hetzner,1,USD\n");
    let imported = import(&machine, &[&first, &second]).await;
    assert_eq!([&imported["read"], &imported["rejected"], &imported["kept"]], [&json!(4), &json!(0), &json!(3)]);
    assert_eq!(kept(&machine).await.0, ["amber 0.30 EUR", "amber 1.00 USD", "blue 3.00 EUR"]);

    let mended = plain("mended.csv", "amber,2026-11-05,Hetzner,7.5,EUR\n");
    import(&machine, &[&mended]).await;
    assert_eq!(kept(&machine).await.0, ["amber 7.50 EUR", "amber 1.00 USD", "blue 3.00 EUR"]);
}

#[tokio::test]
async fn a_file_without_a_needed_column_is_refused_by_its_name_and_nothing_of_the_others_is_kept() {
    let machine = Machine::bare();
    let right = file(&machine, "right.csv", "team,day,provider,amount,currency\namber,2026-11-05,Hetzner,1,EUR\n");
    let wrong =
        file(&machine, "wrong.csv", "BilledCost,ChargePeriodStart,ProviderName,SubAccountId\n1,2026-11-05,AWS,1\n");
    let ending = machine.run(&["costs", "import", &right, &wrong, "--hackathon", "7"]).await;
    assert_eq!(ending.code, 1, "{ending:?}");
    assert!(ending.err.contains("wrong.csv") && ending.err.contains("column BillingCurrency is missing"), "{ending:?}");
    assert!(kept(&machine).await.0.is_empty());

    let unsaid = machine.run(&["costs", "import", &right]).await;
    assert_eq!(unsaid.code, 2, "{unsaid:?}");
    assert!(unsaid.err.contains("--hackathon ID"), "{unsaid:?}");
}

#[tokio::test]
async fn another_tag_can_name_the_team() {
    let machine = Machine::bare();
    let tagged = "BilledCost,BillingCurrency,ChargePeriodStart,ServiceProviderName,Tags\n\
                  1,EUR,2026-11-05T00:00:00Z,Azure,\"{\"\"team\"\":\"\"no\"\",\"\"user:squad\"\":\"\"amber\"\"}\"\n";
    let tagged = file(&machine, "tagged.csv", tagged);
    import(&machine, &[&tagged, "--team-tag", "user:squad"]).await;
    assert_eq!(kept(&machine).await, (vec!["amber 1.00 EUR".to_owned()], vec!["2026-11-05 Azure 1.00 EUR".to_owned()]));
}
