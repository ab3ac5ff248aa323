//! The GPUs of this machine, by NVML, which is loaded when it is there.

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

/// A GPU of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its unique name, such as `GPU-6f2c...`, which `CUDA_VISIBLE_DEVICES` understands.
    pub uuid: String,
    /// Its model.
    pub model: String,
    /// Its memory in MiB.
    pub memory_mib: u32,
}

/// The GPUs of this machine in the order of NVML, or why there are none to be seen.
pub fn discover() -> Result<Vec<Found>, String> {
    let nvml = Nvml::init().map_err(|error| unavailable(&error))?;
    let count = nvml.device_count().map_err(|error| unavailable(&error))?;
    (0..count)
        .map(|index| found(&nvml, index).map_err(|error| format!("GPU {index} does not answer: {error}")))
        .collect()
}

fn unavailable(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) => "this machine has no NVIDIA library (libnvidia-ml.so.1)".to_owned(),
        other => format!("NVML does not answer: {other}"),
    }
}

fn found(nvml: &Nvml, index: u32) -> Result<Found, NvmlError> {
    let device = nvml.device_by_index(index)?;
    let memory_mib = u32::try_from(device.memory_info()?.total >> 20).unwrap_or(u32::MAX);
    Ok(Found { uuid: device.uuid()?, model: device.name()?, memory_mib })
}
