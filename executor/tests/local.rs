//! The local launcher and its shim, with real processes.

mod local {
    mod environment;
    mod gangs;
    mod harness;
    mod programs;
    mod reconcile;
    mod space;
    mod stops;
    mod stress;
    mod throughput;
    mod users;
}
