//! Turns the lines of `measure` and of `counted` into two tables: medians in milliseconds, ratios and peak memory; and
//! what strace counted, which no other process on the computer can change.
//!
//! `tabulate RESULTS COUNTS`. The columns are the variants; the ratios say how many times the floor Cosmos takes, how
//! many times Cosmos the other two take, and how many times the floor the original takes, which is the most that a
//! ratio to the original can be on this machine. `less tasks` is the ratio to the original when what the tasks take by
//! themselves is taken off both.

use std::collections::HashMap;
use std::error::Error;
use std::{env, fs};

/// The variants in the order of the columns.
const VARIANTS: [&str; 5] = ["cosmos", "floor", "tasks", "original", "plain"];

/// What is counted of one run, in the order of the columns.
const COUNTS: [&str; 3] = ["calls", "processes", "syncs"];

/// The measurements of one variant in one case.
#[derive(Default)]
struct Samples {
    microseconds: Vec<u64>,
    kib: u64,
}

impl Samples {
    fn median_ms(&self) -> Option<f64> {
        let mut sorted = self.microseconds.clone();
        sorted.sort_unstable();
        let middle = sorted.get(sorted.len() / 2)?;
        Some(*middle as f64 / 1000.0)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(results), Some(counts)) = (arguments.next(), arguments.next()) else {
        return Err("usage: tabulate RESULTS COUNTS".into());
    };
    times(&fs::read_to_string(results)?)?;
    counted(&fs::read_to_string(counts)?)
}

fn fields<const FIELDS: usize>(line: &str) -> Option<[&str; FIELDS]> {
    line.split('\t').collect::<Vec<_>>().try_into().ok()
}

/// Returns the fields of each line, of which there are as many as the line must have.
fn lines<const FIELDS: usize>(text: &str) -> Result<Vec<[&str; FIELDS]>, Box<dyn Error>> {
    text.lines()
        .map(|line| fields(line).ok_or_else(|| format!("not a line of measurements: '{line}'").into()))
        .collect()
}

/// Returns the cases in the order in which they first appear.
fn cases<'t>(all: impl Iterator<Item = &'t str>) -> Vec<&'t str> {
    let mut cases = Vec::new();
    for case in all {
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases
}

fn times(text: &str) -> Result<(), Box<dyn Error>> {
    let lines = lines::<4>(text)?;
    let mut samples: HashMap<(&str, &str), Samples> = HashMap::new();
    for [case, variant, microseconds, kib] in &lines {
        let entry = samples.entry((*case, *variant)).or_default();
        entry.microseconds.push(microseconds.parse()?);
        entry.kib = entry.kib.max(kib.parse()?);
    }
    print_header();
    for case in cases(lines.iter().map(|[case, ..]| *case)) {
        print_row(case, |variant| samples.get(&(case, variant)));
    }
    Ok(())
}

fn print_header() {
    println!("median wall milliseconds; x floor = cosmos/floor, others = how many times cosmos; MiB = cosmos' peak;");
    println!("less tasks = (original - tasks) / (cosmos - tasks);");
    println!("orig/fl = original/floor: no agent that runs the same tasks can be further from the original than that");
    print!("{:<44}", "case");
    VARIANTS.iter().for_each(|variant| print!("{variant:>10}"));
    let ratios = ["x floor", "original", "less tasks", "plain", "orig/fl", "MiB", "rounds"];
    println!("{}", ratios.map(|name| format!("{name:>11}")).concat());
}

fn print_row<'a>(case: &str, samples: impl Fn(&'static str) -> Option<&'a Samples>) {
    let medians = VARIANTS.map(|variant| samples(variant).and_then(Samples::median_ms));
    let [cosmos, floor, tasks, original, plain] = medians;
    print!("{case:<44}");
    medians.iter().for_each(|median| print!("{:>10}", cell(*median, 1)));
    let ours = samples(VARIANTS[0]);
    let columns = [
        cell(ratio(cosmos, floor), 2),
        cell(ratio(original, cosmos), 1),
        cell(ratio(less(original, tasks), less(cosmos, tasks)), 1),
        cell(ratio(plain, cosmos), 1),
        cell(ratio(original, floor), 1),
        cell(ours.map(|ours| ours.kib as f64 / 1024.0), 1),
        ours.map_or(0, |ours| ours.microseconds.len()).to_string(),
    ];
    println!("{}", columns.map(|column| format!("{column:>11}")).concat());
}

fn counted(text: &str) -> Result<(), Box<dyn Error>> {
    let lines = lines::<5>(text)?;
    let counts: HashMap<(&str, &str), [&str; 3]> =
        lines.iter().map(|[case, variant, counts @ ..]| ((*case, *variant), *counts)).collect();
    println!("\nsystem calls, processes made, and waits for the disk, of one run with all it starts");
    let columns = || COUNTS.iter().flat_map(|count| ["cosmos", "original", "plain"].map(|variant| (*count, variant)));
    print!("{:<44}", "case");
    columns().for_each(|(count, variant)| print!("{:>19}", format!("{count} {variant}")));
    println!();
    for case in cases(lines.iter().map(|[case, ..]| *case)) {
        print!("{case:<44}");
        for (count, variant) in columns() {
            let at = COUNTS.iter().position(|name| *name == count).unwrap_or_default();
            print!("{:>19}", counts.get(&(case, variant)).map_or("-", |counts| counts[at]));
        }
        println!();
    }
    Ok(())
}

fn less(from: Option<f64>, what: Option<f64>) -> Option<f64> {
    Some(from? - what?)
}

fn ratio(over: Option<f64>, under: Option<f64>) -> Option<f64> {
    Some(over? / under?)
}

fn cell(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".into(), |number| format!("{number:.digits$}"))
}
