//! The file of a model: writing it.

use std::fmt::Write as _;

use super::model::{Arrivals, Class, Model, Outcomes, RunTime, Tenants};

/// The text of a model, with what its keys mean. `command` is how it was made; it stands at its head.
pub fn model_text(model: &Model, command: &str) -> String {
    let mut text = format!("# fitted by: {}\n", command.replace(['\n', '\r'], " "));
    text.push_str("# Use it as synthetic:FILE.toml[jobs=5000,load=0.9,...]. Weights need not add up to anything.\n\n");
    let Model { schema, name, about, sources, cluster_gpus, run_time_max_s, .. } = model;
    let _ = writeln!(text, "schema = {schema}\nname = {}\nabout = {}", quoted(name), quoted(about));
    text.push_str("sources = [\n");
    for source in sources {
        let _ = writeln!(text, "  {},", quoted(source));
    }
    text.push_str("]\n# GPUs for which the load is meant, unless `gpus` says otherwise.\n");
    let _ = writeln!(text, "cluster_gpus = {cluster_gpus}");
    let _ = writeln!(text, "# Seconds; longer run times are drawn again.\nrun_time_max_s = {run_time_max_s:?}");
    if let Some(targets) = &model.targets {
        let _ = writeln!(
            text,
            "\n# Figures over all jobs that the model is meant to meet.\n[targets]\nrun_time_mean_s = {:?}\n\
             run_time_median_s = {:?}\ngpus_mean = {:?}\ngpu_time_mean_s = {:?}\noutcomes = {}",
            targets.run_time_mean_s,
            targets.run_time_median_s,
            targets.gpus_mean,
            targets.gpu_time_mean_s,
            outcomes(&targets.outcomes)
        );
    }
    arrivals(&mut text, &model.arrivals);
    tenants(&mut text, &model.tenants);
    if let Some(law) = &model.estimates {
        text.push_str(
            "\n# Share of the jobs with an estimate; estimate / run time as [probability, factor].\n[estimates]\n",
        );
        let _ = writeln!(text, "share = {:?}\nfactors = {}", law.share, pairs(&law.factors));
    }
    text.push_str("\n# Kinds of jobs: gangs as [GPUs, weight]; run times as [probability, seconds]; ends; and the weights of the\n");
    text.push_str("# groups among jobs of each part of the run times, the shortest first.\n");
    for each in &model.classes {
        class(&mut text, each);
    }
    text
}

fn arrivals(text: &mut String, arrivals: &Arrivals) {
    let _ = writeln!(
        text,
        "\n# Rate by hour of the day, from midnight, and by day of the week, from Monday.\n[arrivals]\nhours = {}\ndays = {}",
        list(&arrivals.hours),
        list(&arrivals.days)
    );
    let Some(bursts) = &arrivals.bursts else { return };
    let sizes: Vec<String> =
        bursts.sizes.iter().map(|(from, to, weight)| format!("[{from}, {to}, {weight:?}]")).collect();
    let _ = writeln!(
        text,
        "\n# Share of the arrivals that are several jobs of one tenant; mean seconds between them; how many: [from, to, \
         weight].\n[arrivals.bursts]\nshare = {:?}\ngap_s = {:?}\nsizes = [{}]",
        bursts.share,
        bursts.gap_s,
        sizes.join(", ")
    );
}

fn tenants(text: &mut String, tenants: &Tenants) {
    let _ = writeln!(
        text,
        "\n# Groups, and weights of the largest; the others follow Zipf's law, as do the users of a group.\n[tenants]\n\
         groups = {}\nweights = {}\nexponent = {:?}\nusers = {}\nusers_exponent = {:?}",
        tenants.groups,
        list(&tenants.weights),
        tenants.exponent,
        tenants.users,
        tenants.users_exponent
    );
}

fn class(text: &mut String, class: &Class) {
    let _ = writeln!(text, "\n[[classes]]\nshare = {:?}\ngangs = {}", class.share, pairs(&class.gangs));
    let law = match &class.run_time {
        RunTime::LogNormal { median_s, sigma } => format!("median_s = {median_s:?}, sigma = {sigma:?}"),
        RunTime::Quantiles(knots) => format!("quantiles_s = {}", pairs(knots)),
    };
    let _ = writeln!(text, "run_time = {{ {law} }}");
    if let Some(ends) = &class.outcomes {
        let _ = writeln!(text, "outcomes = {}", outcomes(ends));
    }
    if !class.groups.is_empty() {
        let rows: Vec<String> = class.groups.iter().map(|row| format!("  {},\n", list(row))).collect();
        let _ = writeln!(text, "groups = [\n{}]", rows.concat());
    }
}

fn outcomes(ends: &Outcomes) -> String {
    let all = [
        ("finished", ends.finished),
        ("killed", ends.killed),
        ("failed", ends.failed),
        ("timed_out", ends.timed_out),
        ("node_failed", ends.node_failed),
        ("censored", ends.censored),
        ("unknown", ends.unknown),
    ];
    let parts: Vec<String> =
        all.iter().filter(|(_, share)| *share > 0.0).map(|(name, share)| format!("{name} = {share:?}")).collect();
    format!("{{ {} }}", parts.join(", "))
}

fn list(values: &[f64]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    format!("[{}]", values.join(", "))
}

fn pairs(values: &[(f64, f64)]) -> String {
    let values: Vec<String> = values.iter().map(|(a, b)| format!("[{a:?}, {b:?}]")).collect();
    format!("[{}]", values.join(", "))
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
