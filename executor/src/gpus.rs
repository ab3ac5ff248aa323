//! The GPUs of this machine, by NVML, which is loaded when it is there.

use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};

/// A GPU of this machine that jobs can have: a whole one, or an instance of one that is divided (MIG).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its unique name, such as `GPU-6f2c...` or `MIG-6f2c...`, which `CUDA_VISIBLE_DEVICES` understands.
    pub uuid: String,
    /// Its model; of an instance with its profile, such as `NVIDIA H100 80GB HBM3 MIG 1g.10gb`.
    pub model: String,
    /// Its memory in MiB.
    pub memory_mib: u32,
    /// Place of the GPU, or of the one that it is a part of, in the order of NVML.
    pub board: u32,
}

/// What there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// What jobs can have, in the order of NVML.
    pub gpus: Vec<Found>,
    /// What they cannot have, and why.
    pub notes: Vec<String>,
    /// Version of the driver.
    pub driver: String,
}

/// A GPU as NVML shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Board {
    Whole(Found),
    /// With its instances, which may be none.
    Divided(Vec<Found>),
}

/// The GPUs of this machine in the order of NVML, or why there are none to be seen.
pub fn discover() -> Result<Discovered, String> {
    let nvml = Nvml::init().map_err(|error| unavailable(&error))?;
    let count = nvml.device_count().map_err(|error| unavailable(&error))?;
    let boards = (0..count)
        .map(|index| board(&nvml, index).map_err(|error| format!("GPU {index} does not answer: {error}")))
        .collect::<Result<Vec<_>, _>>()?;
    let (gpus, notes) = offered(&boards);
    Ok(Discovered { gpus, notes, driver: nvml.sys_driver_version().unwrap_or_default() })
}

/// Why NVML does not answer.
pub(crate) fn unavailable(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) => "this machine has no NVIDIA library (libnvidia-ml.so.1)".to_owned(),
        other => format!("NVML does not answer: {other}"),
    }
}

fn board(nvml: &Nvml, index: u32) -> Result<Board, NvmlError> {
    let device = nvml.device_by_index(index)?;
    // GPUs and drivers that know nothing of it are whole.
    if device.mig_mode().is_ok_and(|mode| mode.current == MIG_ENABLED) {
        let instances = (0..device.mig_device_count()?).filter_map(|at| device.mig_device_by_index(at).ok());
        return Ok(Board::Divided(instances.map(|instance| found(&instance, index)).collect::<Result<_, _>>()?));
    }
    Ok(Board::Whole(found(&device, index)?))
}

/// `NVML_DEVICE_MIG_ENABLE`.
const MIG_ENABLED: u32 = 1;

fn found(device: &Device<'_>, board: u32) -> Result<Found, NvmlError> {
    let memory_mib = u32::try_from(device.memory_info()?.total >> 20).unwrap_or(u32::MAX);
    Ok(Found { uuid: device.uuid()?, model: device.name()?, memory_mib, board })
}

/// What jobs can have. A node has GPUs of one model: where some GPUs are whole, those that are divided are left out; where none
/// is, instances of the most frequent profile are offered.
fn offered(boards: &[Board]) -> (Vec<Found>, Vec<String>) {
    let mut notes = Vec::new();
    let some_whole = boards.iter().any(|board| matches!(board, Board::Whole(_)));
    let instances =
        || boards.iter().filter_map(|board| if let Board::Divided(parts) = board { Some(parts) } else { None });
    let count = |model: &str| instances().flatten().filter(|part| part.model == model).count();
    let models = instances().flatten().map(|part| part.model.clone());
    let profile = models.max_by_key(|model| (count(model), std::cmp::Reverse(model.clone())));
    let mut gpus = Vec::new();
    for (index, board) in boards.iter().enumerate() {
        match board {
            Board::Whole(gpu) => gpus.push(gpu.clone()),
            Board::Divided(parts) if parts.is_empty() => {
                notes.push(format!("GPU {index} is in MIG mode and has no instances: jobs cannot have it"));
            }
            Board::Divided(_) if some_whole => {
                notes.push(format!(
                    "GPU {index} is in MIG mode beside whole GPUs: jobs cannot have its instances, as a node has one model"
                ));
            }
            Board::Divided(parts) => {
                let (fit, rest): (Vec<_>, Vec<_>) =
                    parts.iter().partition(|part| profile.as_ref() == Some(&part.model));
                gpus.extend(fit.into_iter().cloned());
                let left_out = rest
                    .iter()
                    .map(|part| format!("jobs cannot have {} ({}), as a node has one model", part.uuid, part.model));
                notes.extend(left_out);
            }
        }
    }
    (gpus, notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(uuid: &str, profile: &str, board: u32) -> Found {
        Found { uuid: uuid.to_owned(), model: format!("H100 MIG {profile}"), memory_mib: 9728, board }
    }

    fn uuids(gpus: &[Found]) -> Vec<&str> {
        gpus.iter().map(|gpu| gpu.uuid.as_str()).collect()
    }

    #[test]
    fn instances_are_offered_where_all_gpus_are_divided_alike() {
        let boards = vec![
            Board::Divided(vec![part("MIG-a", "1g.10gb", 0), part("MIG-b", "3g.40gb", 0), part("MIG-c", "1g.10gb", 0)]),
            Board::Divided(Vec::new()),
            Board::Divided(vec![part("MIG-d", "1g.10gb", 2)]),
        ];
        let (gpus, notes) = offered(&boards);
        assert_eq!(uuids(&gpus), ["MIG-a", "MIG-c", "MIG-d"]);
        assert_eq!(
            notes,
            [
                "jobs cannot have MIG-b (H100 MIG 3g.40gb), as a node has one model",
                "GPU 1 is in MIG mode and has no instances: jobs cannot have it"
            ]
        );
    }

    #[test]
    fn whole_gpus_go_before_divided_ones() {
        let whole = Found { uuid: "GPU-x".to_owned(), model: "H100".to_owned(), memory_mib: 81_559, board: 1 };
        let (gpus, notes) = offered(&[Board::Divided(vec![part("MIG-a", "1g.10gb", 0)]), Board::Whole(whole)]);
        assert_eq!(uuids(&gpus), ["GPU-x"]);
        assert!(notes[0].starts_with("GPU 0 is in MIG mode beside whole GPUs"), "{notes:?}");
        assert_eq!(offered(&[]), (Vec::new(), Vec::new()));
    }
}
