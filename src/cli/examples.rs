//! Examples, at the end of each help text.

pub(super) const ALL: &str = "\
Examples:
  trainyard compare synthetic:philly --cluster 60x8 --policy fifo --policy easy --out out
  trainyard policies easy

`trainyard COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 bad usage or bad input.";

pub(super) const SIMULATE: &str = "\
Examples:
  trainyard simulate jobs.csv --cluster 32x8:A100 --policy easy
  trainyard simulate synthetic:llm --cluster 302x8 --policy 'fifo[skip=true]' --format json
  trainyard simulate jobs.csv --cluster 4x8 --policy srtf --set restart_s=30 --journal run.tyj

Quote brackets in a shell. Settings of --set: launch_s, restart_s, checkpoint_s, preempt_saves,
drain_s, spread_penalty, failures_per_node_day, repair_s; none of it costs anything by default.";

pub(super) const COMPARE: &str = "\
Examples:
  trainyard compare jobs.csv --cluster 32x8 --policy fifo --policy easy --policy srsf --out out
  trainyard compare synthetic:philly --cluster 60x8 --policy fifo --policy 'easy[place=pack]' \\
      --seeds 10 --load 0.8,1,1.2 --out out
  trainyard compare jobs.csv --cluster 60x8 --policy fifo --policy fair-share \\
      --resample days --seeds 20 --window 10..16 --out out
  trainyard compare experiment.toml --threads 1

An experiment in a file has the keys trace, cluster, policies, seeds, seed, loads, set, tenants,
quotas, resample, window, threads and out; paths are relative to the file, and options go before its
keys.";

pub(super) const SATURATE: &str = "\
Examples:
  trainyard saturate openb_pod_list_default.csv --cluster openb_node_list_gpu_node.csv \\
      --policy openb-best-fit --policy fgd
  trainyard saturate jobs.csv --cluster 32x8:A100 --policy 'fifo[place=fgd]' --seeds 5 --target 1.1 --format json

JSON is an array with one object a policy and seed. Shares are of all GPUs of the cluster, 0..1.";

pub(super) const TRACE: &str = "\
Examples:
  trainyard trace info jobs.csv --cluster 32x8
  trainyard trace info sacct.txt --figures pictures
  trainyard trace generate 'philly[jobs=1000,seed=7]' jobs.csv
  trainyard trace fit jobs.csv model.toml
  trainyard trace convert 'jobs.csv[window=0h..48h,load=0.9,gpus=480]' two-days.parquet";

pub(super) const TRACE_INFO: &str = "\
Examples:
  trainyard trace info jobs.csv
  trainyard trace info openb:pods.csv.gz --cluster nodes.csv --format json
  trainyard trace info sacct.txt --figures pictures
  trainyard trace info 'philly.csv[filter=sia]'
  trainyard trace info nodes.csv";

pub(super) const TRACE_GENERATE: &str = "\
Examples:
  trainyard trace generate philly jobs.csv
  trainyard trace generate 'helios[jobs=2000,load=1.1,gpus=1024,seed=3]' jobs.parquet
  trainyard trace generate 'model.toml[jobs=2000]' jobs.csv.gz
  trainyard trace generate 'llm[jobs=100]' - | head

Models: philly, helios, llm, or a .toml file as `trace fit` writes it. Keys: jobs, load, seed, gpus,
max_gpus, max_hours, estimates, draw.";

pub(super) const TRACE_FIT: &str = "\
Examples:
  trainyard trace fit jobs.csv model.toml --gpus 512
  trainyard compare 'synthetic:model.toml[jobs=2000]' --cluster 64x8 --policy fifo --policy easy --out out";

pub(super) const TRACE_CONVERT: &str = "\
Examples:
  trainyard trace convert philly:philly_flat.csv.gz jobs.parquet
  trainyard trace convert sacct.txt jobs.csv.gz
  trainyard trace convert jobs.parquet jobs.swf
  trainyard trace convert 'jobs.csv[sample_jobs=0.1,seed=7]' - | head";

pub(super) const SERVE: &str = "\
Examples:
  trainyard serve --state state --gpus 4
  trainyard serve --state /var/lib/trainyard --config trainyard.toml

Without --config, --gpus and [[nodes]] the GPUs of this machine are found by NVIDIA's library. SIGTERM
and Ctrl-C end the server.";

pub(super) const POLICIES: &str = "\
Examples:
  trainyard policies
  trainyard policies fair-share
  trainyard policies --format json";

pub(super) const REPRODUCE: &str = "\
Examples:
  TRAINYARD_DATA=~/trainyard-data trainyard reproduce
  trainyard reproduce tiresias
  trainyard reproduce tiresias/n1g8-count-fifo --format json

The cases are found in the folder that TRAINYARD_DATA names; docs/reproduction.md says where they
are from, and what the limits are.";

pub(super) const VERIFY: &str = "\
Example:
  trainyard simulate jobs.csv --cluster 4x8 --policy easy --journal run.tyj
  trainyard verify run.tyj
  trainyard verify state              the state folder of `serve`, all segments";

pub(super) const WHAT_IF: &str = "\
Examples:
  trainyard what-if state --policy srtf --policy 'easy[place=pack]'
  trainyard what-if yesterday.tyj --policy fair-share --set drain_s=5 --format json

The first two rows are what happened, and the same day simulated under the policy of the journal.
A difference whose 95 % interval contains zero is called no difference.";

pub(super) const FIDELITY: &str = "\
Examples:
  trainyard fidelity state
  trainyard fidelity yesterday.tyj --set launch_s=0.5 --format json

What launches and stops took is measured in the journal and put into the physics of the simulation.";

pub(super) const SUBMIT: &str = "\
Examples:
  trainyard submit --gpus 4 --name resnet -- python train.py --epochs 90
  trainyard submit job.yaml
  trainyard submit --tasks 2 --gpus 8 --time-limit 12h --after resnet job.toml
  trainyard submit --dry-run job.json

A job file has the same names as the options, with _ for -, and more: queue, cpus, memory_mib,
gpu_models, preemptible, workdir, grace, signal, retry, labels. Options go before what the file
says. No shell is between Trainyard and the command: write `-- sh -c '...'` for one.";

pub(super) const QUEUE: &str = "\
Examples:
  trainyard queue
  trainyard queue --state pending,held --tenant research
  trainyard queue --state all -o json
  trainyard queue --watch

States: held, pending, launching, running, stopping, finished, failed, cancelled, timed-out,
rejected, parent-failed; or all.";

pub(super) const NODES: &str = "\
Examples:
  trainyard nodes
  trainyard nodes --watch";

pub(super) const USAGE: &str = "\
Examples:
  trainyard usage
  trainyard usage --by day --tenant research -o wide
  trainyard usage --since 2026-01-01 --until 2026-01-31 --by owner -o json

GPU hours are what runs held, from their launch to their end; runs that go on count up to now.";

pub(super) const LOGS: &str = "\
Examples:
  trainyard logs 12
  trainyard logs -f resnet
  trainyard logs --task 1 --stderr 12";

pub(super) const CANCEL: &str = "\
Examples:
  trainyard cancel 12 resnet
  trainyard cancel --tenant research/vision --state pending --dry-run
  trainyard cancel --tenant research/vision --state pending";

pub(super) const DRAIN: &str = "\
Examples:
  trainyard drain node-0003 --reason 'fan 2 is loud'
  trainyard resume node-0003";

pub(super) const WAIT: &str = "\
Examples:
  trainyard wait 12 13
  trainyard wait --timeout 2h resnet && trainyard submit evaluate.yaml";

pub(super) const SAVED: &str = "\
Example, in a job:
  trainyard saved s3://bucket/resnet/epoch-7

The next attempt finds the text in TRAINYARD_CHECKPOINT.";

pub(super) const TOKEN_CREATE: &str = "\
Examples:
  trainyard token create --state state --name ada --tenant research --role submitter --expires 30d
  trainyard token create --state state --name ci --tenant ci --role submitter > token

Roles: a viewer sees the jobs of the tenant and those below it; a submitter also submits, cancels,
holds and releases them; an operator acts on all jobs and drains nodes; an admin does everything.";

pub(super) const AUDIT: &str = "\
Examples:
  trainyard audit --since 1d
  trainyard audit --who ada --outcome forbidden
  trainyard audit --subject 'job 7' -o wide";
