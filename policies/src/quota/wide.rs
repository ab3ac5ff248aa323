//! Amounts in which no limit is a very large number, so that sums and differences need no special cases.

use engine::{Amounts, Resource};

/// GPU (thousandths), CPU (thousandths of a core), memory (MiB); may be negative where use is above a quota.
pub(crate) type Wide = [i128; 3];

/// No limit. Sums of it over any number of tenants stay far from the end of the type.
pub(crate) const NO_LIMIT: i128 = 1 << 62;
/// No limit on anything.
pub(crate) const UNLIMITED: Wide = [NO_LIMIT; 3];
/// Nothing.
pub(crate) const ZERO: Wide = [0; 3];

/// The resources in the order of [`Wide`].
pub(crate) const RESOURCES: [Resource; 3] = [Resource::Gpu, Resource::Cpu, Resource::Memory];

/// Some of the resources.
pub(crate) type Mask = [bool; 3];

pub(crate) fn wide(amounts: Amounts) -> Wide {
    amounts.values().map(|value| i128::from(value).min(NO_LIMIT))
}

pub(crate) fn map2(a: Wide, b: Wide, f: impl Fn(i128, i128) -> i128) -> Wide {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])]
}

pub(crate) fn plus(a: Wide, b: Wide) -> Wide {
    map2(a, b, |a, b| a + b)
}

pub(crate) fn minus(a: Wide, b: Wide) -> Wide {
    map2(a, b, |a, b| a - b)
}

/// What `a` has beyond `b`, at least 0.
pub(crate) fn beyond(a: Wide, b: Wide) -> Wide {
    map2(a, b, |a, b| (a - b).max(0))
}

/// Where `a` is more than `b`.
pub(crate) fn exceeds(a: Wide, b: Wide) -> Mask {
    [a[0] > b[0], a[1] > b[1], a[2] > b[2]]
}

pub(crate) fn any(mask: Mask) -> bool {
    mask.contains(&true)
}

pub(crate) fn both(a: Mask, b: Mask) -> Mask {
    [a[0] && b[0], a[1] && b[1], a[2] && b[2]]
}

/// Whether all of `a` is within `b`.
pub(crate) fn within(a: Wide, b: Wide) -> bool {
    !any(exceeds(a, b))
}

/// As a number in a reason.
pub(crate) fn shown(value: i128) -> u64 {
    u64::try_from(value.max(0)).unwrap_or(u64::MAX)
}
