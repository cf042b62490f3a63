//! The calculator of costs, `docs/costs.py`, agrees with the document and with the templates.

use std::process::Command;

use scepter_tests::interop::root;

/// Runs the calculator, and returns its exit code and what it printed.
fn compute_costs(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("python3")
        .args(["-B", "docs/costs.py"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

/// The amount in the line that begins so.
#[track_caller]
fn read_amount(printed: &str, beginning: &str) -> f64 {
    let line = printed
        .lines()
        .find(|line| line.starts_with(beginning))
        .unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn the_document_has_the_tables_that_the_calculator_prints() {
    let (code, tables) = compute_costs(&["--tables"]);
    assert_eq!(code, Some(0));
    let document = std::fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    let tables: Vec<_> = tables.trim().split("\n\n").collect();
    assert_eq!(tables.len(), 3);
    for table in tables {
        assert!(table.lines().count() > 3, "{table}");
        let advice = "python3 docs/costs.py --tables has this, and docs/deploy.md does not";
        assert!(document.contains(table), "{advice}:\n{table}");
    }
}

#[test]
fn the_calculator_counts_the_metrics_that_alarms_watch() {
    let template = std::fs::read_to_string(root().join("infra/watch.yaml")).unwrap();
    let named = template.matches(" MetricName: ").count();
    // A filter of a log names the metric that it writes.
    let written = template.matches(" MetricNamespace: ").count();
    let (_, printed) = compute_costs(&["--devices", "0"]);
    let alarms = read_amount(&printed, "alarms");
    assert_eq!(
        format!("{alarms:.2}"),
        format!("{:.2}", (named - written) as f64 * 0.10)
    );
}

/// An alarm on a metric that nobody sends never fires.
#[test]
fn every_metric_of_the_project_that_an_alarm_watches_is_sent() {
    let template = std::fs::read_to_string(root().join("infra/watch.yaml")).unwrap();
    let source = root().join("shared/lambda-host/src/embedded_metrics.rs");
    let source = std::fs::read_to_string(source).unwrap();
    let (source, _) = source.split_once("#[cfg(test)]").unwrap();
    let own = template.split("Namespace: !Sub 'Scepter/${Name}'").skip(1);
    let watched: Vec<_> = own
        .filter_map(|after| after.trim_start().strip_prefix("MetricName: "))
        .map(|after| after.lines().next().unwrap())
        .collect();
    assert!(watched.len() > 8, "{watched:?}");
    for name in watched {
        // Denials are counted in API Gateway's log.
        let filtered = format!("          MetricName: {name}\n          MetricValue");
        let sent = format!("(\"{name}\", ");
        assert!(
            template.contains(&filtered) || source.contains(&sent),
            "{name}"
        );
    }
}

#[test]
fn a_month_costs_what_its_enrolments_and_the_idle_stack_cost() {
    let idle = ["--devices", "0", "--no-alarms", "--tokens", "0"];
    let (_, printed) = compute_costs(&idle);
    // Two keys, a secret, and the metrics and runs of maintenance.
    assert_eq!(
        format!("{:.1}", read_amount(&printed, "USD a month")),
        "2.7"
    );
    let (_, later) = compute_costs(&[&idle[..], &["--years", "3"]].concat());
    assert_eq!(read_amount(&later, "KMS keys"), 4.0);
    let busy = ["--devices", "600000", "--renewals", "2", "--profiles", "2"];
    let (_, all) = compute_costs(&busy);
    // 100,000 enrolments a month: 300,000 traces, of which 200,000 cost something.
    assert_eq!(read_amount(&all, "X-Ray"), 1.0);
    assert_eq!(read_amount(&all, "KMS Sign"), 1.5);
    assert_eq!(read_amount(&all, "metrics of requests"), 9.6);
    let (_, least) = compute_costs(&[&busy[..], &["--metrics", "NONE", "--no-traces"]].concat());
    let saved = read_amount(&all, "USD a month") - read_amount(&least, "USD a month");
    assert_eq!(format!("{saved:.2}"), "10.60");
    let (_, rsa) = compute_costs(&[&busy[..], &["--signature", "RSA_2048"]].concat());
    assert_eq!(read_amount(&rsa, "KMS Sign"), 0.3);
}

#[test]
fn the_calculator_explains_itself_and_refuses_what_is_no_number() {
    let (code, help) = compute_costs(&["--help"]);
    assert_eq!(code, Some(0));
    for option in ["--devices", "--renewals", "--profiles", "--metrics"] {
        assert!(help.contains(option), "{option}");
    }
    for arguments in [
        ["--devices", "-1"],
        ["--devices", "x"],
        ["--metrics", "SOME"],
    ] {
        assert_eq!(compute_costs(&arguments).0, Some(2), "{arguments:?}");
    }
}
