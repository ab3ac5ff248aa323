//! One self-contained page: no script, nothing loaded from elsewhere.

#[cfg(test)]
pub(crate) mod example;
mod facts;
pub mod fmt;
mod html;
mod matrix;
mod parts;
mod preemption;
mod solver;
mod tables;
mod targets;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use preemption::tenant;
pub use preemption::{BILL_HEADS, Bill, bills};
pub use solver::solver_words;
pub use tables::{table_rows, value_text};
pub use targets::{KEPT_HEADS, Kept, kept};
pub use words::sentences;

use html::escape;

use crate::figures::{self, Drawing};
use crate::output::Comparison;
use crate::stats::{Difference, METRICS, Sampling, distinct, same};

/// The page.
pub fn html(comparison: &Comparison<'_>, differences: &[Difference], drawings: &[Drawing]) -> String {
    let title = format!("{} on {}", policies_title(comparison), comparison.cluster_label);
    let sections: String = [
        head(comparison, &title),
        "<h2>What was replayed</h2>\n".to_owned(),
        facts::section(comparison),
        summary(comparison),
        compared(comparison, differences),
        preemption::section(comparison),
        targets::section(comparison),
        "<h2>Figures</h2>\n".to_owned(),
        drawings.iter().map(figure).collect(),
        "<h2>How fast the replays were</h2>\n<p>Means over the replays of a policy; step is one step of the scheduler's core, \
         sampled.</p>\n"
            .to_owned(),
        tables::speed(comparison),
        solver::section(comparison),
        definitions(),
        foot(comparison),
    ]
    .concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{}</style>\n</head>\n<body>\n{sections}</body>\n</html>\n",
        escape(&title),
        include_str!("style.css")
    )
}

fn policies_title(comparison: &Comparison<'_>) -> String {
    let policies = comparison.policies();
    match policies.as_slice() {
        [] => "No policies".to_owned(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] if rest.len() <= 3 => format!("{first} against {}", rest.join(", ")),
        [first, rest @ ..] => format!("{first} against {} other policies", rest.len()),
    }
}

fn head(comparison: &Comparison<'_>, title: &str) -> String {
    let mut html = vec![format!("<h1>{}</h1>\n", escape(title))];
    let trace = format!("{} jobs of {}", fmt::thousands(comparison.trace.jobs.len() as u64), comparison.trace.source);
    html.push(format!("<p class=\"soft\">Trainyard comparison: {}.</p>\n", escape(&trace)));
    html.push(format!("<pre><code>{}</code></pre>\n", escape(&comparison.command)));
    let policies = comparison.policies();
    let seers: Vec<String> = policies
        .iter()
        .map(|policy| tables::policy_cell(comparison, policy))
        .filter(|cell| cell.contains("CLAIRVOYANT"))
        .collect();
    if !seers.is_empty() {
        html.push(format!(
            "<p>{}: a clairvoyant policy sees how long each job will really run, which no live scheduler knows. Its figures \
             are a bound, not a promise.</p>\n",
            seers.join(", ")
        ));
    }
    html.concat()
}

fn summary(comparison: &Comparison<'_>) -> String {
    let mut html = vec!["<h2>Summary</h2>\n".to_owned()];
    let intervals = match comparison.sampling {
        Sampling::Seeds => "Means over the seeds with the half width of their 95 % interval below.",
        Sampling::OneSample => "One sample, so no intervals.",
    };
    let best = if comparison.policies().len() > 1 { " The best value of a column has a check mark." } else { "" };
    html.push(format!("<p>{intervals}{best} Definitions are at the end.</p>\n"));
    let loads = comparison.loads();
    for load in &loads {
        if loads.len() > 1 {
            html.push(format!("<h3>Load {}</h3>\n", fmt::number(*load)));
        }
        html.push(tables::section(comparison, *load));
    }
    html.concat()
}

/// So many policies beside the baseline are told in words; more are a table first.
const FEW: usize = 4;

fn compared(comparison: &Comparison<'_>, differences: &[Difference]) -> String {
    let policies = comparison.policies();
    let Some((baseline, others)) = policies.split_first().filter(|(_, others)| !others.is_empty()) else {
        return String::new();
    };
    let how = match comparison.sampling {
        Sampling::Seeds => {
            "Differences are paired: policy minus baseline in the same seed. The interval is a 95 % t-interval over the seeds; p \
             is corrected by Holm over the policies of the same figure. A difference whose interval contains zero, or whose p is \
             above 0.05, is called no difference."
        }
        Sampling::OneSample => {
            "There is one sample, so a difference says nothing about other samples, and has no interval."
        }
    };
    let mut html = vec![format!("<h2>Against <code>{}</code></h2>\n<p>{how}</p>\n", escape(baseline))];
    if others.len() > FEW {
        html.push(
            "<p>Relative differences, of shares in points; those with the lowest mean completion time first. Coloured is what is \
             better or worse, grey what is no difference. Below stands the interval of the difference itself.</p>\n"
                .to_owned(),
        );
    }
    let loads = distinct(differences.iter().map(|row| row.load));
    for load in &loads {
        let at_load: Vec<&Difference> = differences.iter().filter(|row| same(row.load, *load)).collect();
        let at = if loads.len() > 1 { format!(" at load {}", fmt::number(*load)) } else { String::new() };
        if others.len() > FEW {
            let load = if loads.len() > 1 { format!("Load {}", fmt::number(*load)) } else { "All policies".to_owned() };
            html.push(format!("<h3>{load}</h3>\n"));
            html.push(matrix::at_load(comparison, others, &at_load));
            html.push(format!("<details><summary>In words{at}</summary>\n"));
        }
        for policy in others {
            let rows: Vec<&Difference> = at_load.iter().copied().filter(|row| row.policy == *policy).collect();
            html.push(format!("<h3>{}{at}</h3>\n", tables::policy_cell(comparison, policy)));
            html.push(words::told(&rows));
        }
        if others.len() > FEW {
            html.push("</details>\n".to_owned());
        }
        html.push(format!("<details><summary>All differences{at}</summary>\n{}</details>\n", words::full(&at_load)));
    }
    html.concat()
}

fn figure(drawing: &Drawing) -> String {
    // A figure that cannot be painted must not cost the reader the rest of the report.
    let body = figures::svg(&drawing.sketch)
        .unwrap_or_else(|error| format!("<p>This figure could not be drawn: {}</p>", escape(&error)));
    format!(
        "<figure id=\"{}\">\n<h3>{}</h3>\n<div>{body}</div>\n<figcaption>{}</figcaption>\n</figure>\n",
        drawing.name,
        escape(&drawing.title),
        escape(&drawing.caption)
    )
}

fn definitions() -> String {
    let row = |metric: &crate::stats::Metric| {
        format!("<dt>{}</dt><dd>{} <code>{}</code></dd>\n", escape(metric.label), escape(metric.definition), metric.key)
    };
    let rows: String = METRICS.iter().map(row).collect();
    format!("<h2>Definitions</h2>\n<dl>\n{rows}</dl>\n")
}

fn foot(comparison: &Comparison<'_>) -> String {
    let version = comparison.replays.first().map_or("unknown", |replay| replay.summary.trainyard_version.as_str());
    format!(
        "<p class=\"soft\">Trainyard {}, schema {}. The same figures are in <code>summary.json</code> and \
         <code>differences.json</code>, one row a job in <code>jobs-*.parquet</code>, one row a stopped run in <code>evictions-*.parquet</code>, the figures as PNG in \
         <code>figures/</code>.</p>\n",
        escape(version),
        crate::result::SCHEMA
    )
}
