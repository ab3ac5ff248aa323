//! Slurm's classic fair share (`NO_FAIR_TREE`; <https://slurm.schedmd.com/classic_fair_share.html>).

use engine::decay::halved;
use engine::{TenantId, Tenants, Time};

/// Fraction bits of the exponent.
const EXPONENT_BITS: u32 = 40;

/// The fair-share factor of every tenant, as a fixed-point number with [`engine::decay::BITS`] fraction bits:
/// F = 2^(-(U / S) / d), d the dampening.
///
/// S is the product of shares over siblings' shares along the path. U is effective usage: at the top its part of all
/// usage, below U = own + (U of the parent - own) x shares / siblings' shares.
pub fn classic(tenants: &Tenants, now: Time, damping_milli: u64) -> Vec<u64> {
    let mut weights = vec![0.0; tenants.len() + 1];
    let slot = |parent: Option<TenantId>| parent.map_or(tenants.len(), TenantId::index);
    let mut total = 0.0;
    for at in 0..tenants.len() {
        let tenant = tenants.get(TenantId::new(at));
        weights[slot(tenant.parent)] += f64::from(tenant.terms.weight_milli);
        if tenant.parent.is_none() {
            total += tenants.usage(TenantId::new(at), now) as f64;
        }
    }
    // Parents stand before their children in the table.
    let mut nodes: Vec<(f64, f64)> = Vec::with_capacity(tenants.len());
    for at in 0..tenants.len() {
        let id = TenantId::new(at);
        let tenant = tenants.get(id);
        let own = if total > 0.0 { tenants.usage(id, now) as f64 / total } else { 0.0 };
        let part = f64::from(tenant.terms.weight_milli) / weights[slot(tenant.parent)];
        nodes.push(match tenant.parent {
            None => (part, own),
            Some(parent) => {
                let (share, effective) = nodes[parent.index()];
                (share * part, own + (effective - own) * part)
            }
        });
    }
    nodes.into_iter().map(|(share, effective)| factor(effective / share, damping_milli)).collect()
}

fn factor(usage_per_share: f64, damping_milli: u64) -> u64 {
    let exponent = usage_per_share * 1000.0 / damping_milli as f64;
    // From 48 on the factor is 0.
    halved((exponent.clamp(0.0, 64.0) * (1u64 << EXPONENT_BITS) as f64) as u64, 1 << EXPONENT_BITS)
}
