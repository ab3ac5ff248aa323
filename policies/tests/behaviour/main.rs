//! Policies from outside: where gangs go, and whose turn it is.

mod bench;
mod fair_share;
mod naive;
mod placers;
mod placers_by_hand;
