//! Turns the lines of `measure` into one table: a row a case, medians in milliseconds, ratios, peak memory.
//!
//! `tabulate RESULTS`. The columns are the variants `cosmos`, `floor`, `original` and `plain`; the ratios say how
//! many times the floor Cosmos takes, how many times Cosmos the other two take, and how many times the floor the original
//! takes, which is the most that a ratio to the original can be on this machine.

use std::collections::HashMap;
use std::error::Error;
use std::{env, fs};

/// The variants in the order of the columns.
const VARIANTS: [&str; 4] = ["cosmos", "floor", "original", "plain"];

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
    let results = env::args().nth(1).ok_or("usage: tabulate RESULTS")?;
    let text = fs::read_to_string(results)?;
    let mut cases: Vec<&str> = Vec::new();
    let mut samples: HashMap<(&str, &str), Samples> = HashMap::new();
    for line in text.lines() {
        let [case, variant, microseconds, kib] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("not a line of measurements: '{line}'").into());
        };
        if !cases.contains(&case) {
            cases.push(case);
        }
        let entry = samples.entry((case, variant)).or_default();
        entry.microseconds.push(microseconds.parse()?);
        entry.kib = entry.kib.max(kib.parse()?);
    }
    print_header();
    for case in cases {
        print_row(case, |variant| samples.get(&(case, variant)));
    }
    Ok(())
}

fn print_header() {
    println!("median wall milliseconds; x floor = cosmos/floor, others = how many times cosmos; MiB = cosmos' peak;");
    println!("orig/fl = original/floor: no agent that runs the same tasks can be further from the original than that");
    print!("{:<44}", "case");
    VARIANTS.iter().for_each(|variant| print!("{variant:>10}"));
    println!("{:>9}{:>10}{:>9}{:>9}{:>7}{:>7}", "x floor", "original", "plain", "orig/fl", "MiB", "rounds");
}

fn print_row<'a>(case: &str, samples: impl Fn(&'static str) -> Option<&'a Samples>) {
    let medians = VARIANTS.map(|variant| samples(variant).and_then(Samples::median_ms));
    let [cosmos, floor, original, plain] = medians;
    print!("{case:<44}");
    medians.iter().for_each(|median| print!("{:>10}", cell(*median, 1)));
    print!("{:>9}", cell(ratio(cosmos, floor), 2));
    print!("{:>10}{:>9}", cell(ratio(original, cosmos), 1), cell(ratio(plain, cosmos), 1));
    print!("{:>9}", cell(ratio(original, floor), 1));
    let ours = samples(VARIANTS[0]);
    print!("{:>7}", cell(ours.map(|ours| ours.kib as f64 / 1024.0), 1));
    println!("{:>7}", ours.map_or(0, |ours| ours.microseconds.len()));
}

fn ratio(over: Option<f64>, under: Option<f64>) -> Option<f64> {
    Some(over? / under?)
}

fn cell(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".into(), |number| format!("{number:.digits$}"))
}
