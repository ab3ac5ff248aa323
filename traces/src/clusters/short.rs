//! The short form `NODESxGPUS[:MODEL]`.

use engine::Inventory;

use super::MODEL_DEFAULT;
use super::builder::{NODE_GPUS_MAX, NODES_MAX};
use crate::error::{TraceError, shown};

/// How to write it.
pub(super) const USAGE: &str =
    "write NODESxGPUS[:MODEL], such as 60x8 or 60x8:A100, or the path of a TOML file or node list";

/// The cluster, or an error in it; `None` when the text has another form.
pub(super) fn parse(text: &str) -> Option<Result<Inventory, TraceError>> {
    let (size, model) = match text.split_once(':') {
        Some((size, model)) => (size, Some(model)),
        None => (text, None),
    };
    let (nodes, gpus) = size.split_once(['x', 'X'])?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(nodes) && digits(gpus)).then(|| build(text, nodes, gpus, model))
}

fn build(text: &str, nodes: &str, gpus: &str, model: Option<&str>) -> Result<Inventory, TraceError> {
    let number = |field: &str, digits: &str, limit: u64| {
        let fault = |message: String| TraceError::new(shown(text), message).in_field(field);
        match digits.parse::<u64>() {
            Ok(0) => {
                Err(fault(format!("a cluster of 0 {field}")).with_hint("a cluster needs at least one node with a GPU"))
            }
            Ok(number) if number <= limit => Ok(number),
            _ => Err(fault(format!("`{}` is more than {limit}", shown(digits))).with_hint("give a smaller cluster")),
        }
    };
    let (nodes, gpus) = (number("nodes", nodes, NODES_MAX)?, number("GPUs a node", gpus, NODE_GPUS_MAX)?);
    if nodes * gpus > 10_000_000 {
        let error = TraceError::new(shown(text), "the cluster has more than 10000000 GPUs");
        return Err(error.with_hint("give a smaller cluster"));
    }
    let model = model.map_or(MODEL_DEFAULT, str::trim);
    if model.is_empty() {
        let error = TraceError::new(shown(text), "no model is named after the colon");
        return Err(error.with_hint(USAGE));
    }
    Ok(Inventory::uniform(nodes as usize, gpus as u32, model))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clusters::load_cluster;

    #[test]
    fn sizes_and_models() {
        let size = |text: &str| {
            let inventory = load_cluster(text).unwrap();
            (inventory.nodes.len(), inventory.gpus(), inventory.models[0].name.clone())
        };
        assert_eq!(size("60x8"), (60, 480, "GPU".to_owned()));
        assert_eq!(size("60x8:A100"), (60, 480, "A100".to_owned()));
        assert_eq!(size("1X56"), (1, 56, "GPU".to_owned()));
        assert_eq!(size("1x6500"), (1, 6500, "GPU".to_owned()));
        assert_eq!(size("2x4:a:b"), (2, 8, "a:b".to_owned()));
    }

    #[test]
    fn errors() {
        let text = |text: &str| {
            let error = load_cluster(text).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        let one = "a cluster needs at least one node with a GPU";
        assert_eq!(text("0x8"), format!("0x8: field `nodes`: a cluster of 0 nodes | {one}"));
        assert_eq!(text("8x0"), format!("8x0: field `GPUs a node`: a cluster of 0 GPUs a node | {one}"));
        assert_eq!(
            text("99999999999999999999x8"),
            "99999999999999999999x8: field `nodes`: `99999999999999999999` is more than 1000000 | give a smaller cluster"
        );
        assert_eq!(
            text("1000000x65536"),
            "1000000x65536: the cluster has more than 10000000 GPUs | give a smaller cluster"
        );
        assert_eq!(text("8x8:"), format!("8x8:: no model is named after the colon | {USAGE}"));
        assert_eq!(
            text("60*8"),
            format!("60*8: neither a file nor a cluster of the form NODESxGPUS[:MODEL] | {USAGE}")
        );
        assert_eq!(text(" "), format!("--cluster: no cluster is named | {USAGE}"));
        assert_eq!(text("x8"), "x8: no such file | check the spelling and the directory you are in");
    }
}
