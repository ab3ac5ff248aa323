//! Policies from outside: where gangs go, and whose turn it is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]

mod auctions;
mod bench;
mod consolidation;
mod easy;
mod fair_share;
mod fair_world;
mod filling;
mod fragmentation;
mod gittins;
mod guards;
mod hived;
mod joint;
mod kai;
mod kueue;
mod kueue_bugs;
mod milp;
mod naive;
mod orders;
mod placers;
mod placers_by_hand;
mod play;
mod predicted;
mod put_first;
mod quota_property;
mod rounds;
mod scored;
mod siding;
mod sla;
mod slurm;
mod slurm_tiers;
mod solver;
mod tickets;
mod tiresias;
mod trading;
mod variable;
mod yard;
