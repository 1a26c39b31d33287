/**
 * Jobs, their tasks and the attempts at them. What is asked by is a column, the rest of a document stays one: `json`, not
 * `jsonb`, because a document comes back exactly as it went in.
 */
export const jobs = `
CREATE TABLE jobs (
  job_id            text COLLATE "C" PRIMARY KEY,
  account_id        text COLLATE "C" NOT NULL,
  submitted_by      text COLLATE "C" NOT NULL,
  spec              json NOT NULL,
  tasks             integer NOT NULL,
  queued            integer NOT NULL CHECK (queued >= 0),
  running           integer NOT NULL CHECK (running >= 0),
  done              integer NOT NULL CHECK (done >= 0),
  failed            integer NOT NULL CHECK (failed >= 0),
  cancelled         integer NOT NULL CHECK (cancelled >= 0),
  status            text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  hold_id           text COLLATE "C" NOT NULL UNIQUE,
  price_cap         numeric(38, 0) NOT NULL CHECK (price_cap >= 0),
  task_price_cap    numeric(38, 0) NOT NULL CHECK (task_price_cap >= 0),
  units_per_gigafuel numeric(38, 0) NOT NULL CHECK (units_per_gigafuel >= 0),
  settled           boolean NOT NULL,
  cost              numeric(38, 0),
  failure           text,
  submitted_at      bigint NOT NULL,
  started_at        bigint,
  finished_at       bigint,
  CONSTRAINT counts_sum_to_tasks CHECK (queued + running + done + failed + cancelled = tasks),
  CONSTRAINT costs_at_most_its_hold CHECK (cost BETWEEN 0 AND price_cap),
  CONSTRAINT settled_when_over CHECK (NOT settled OR status IN ('succeeded', 'failed', 'cancelled'))
) WITH (fillfactor = 80);

CREATE INDEX jobs_by_account ON jobs (account_id, job_id);
CREATE INDEX jobs_by_status ON jobs (status, job_id);
CREATE INDEX jobs_open ON jobs (account_id) WHERE status IN ('queued', 'running');
CREATE INDEX jobs_unsettled ON jobs (finished_at NULLS FIRST, job_id)
  WHERE NOT settled AND status IN ('succeeded', 'failed', 'cancelled');

CREATE TABLE tasks (
  task_id           text COLLATE "C" PRIMARY KEY,
  job_id            text COLLATE "C" NOT NULL REFERENCES jobs,
  task_index        integer NOT NULL CHECK (task_index >= 0),
  -- The place of the job's tier in the table of tiers, best first: the queue is in this order.
  tier_rank         smallint NOT NULL,
  item              text NOT NULL,
  inputs            json NOT NULL,
  status            text NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  quorum            integer NOT NULL CHECK (quorum >= 1),
  pending           integer NOT NULL CHECK (pending >= 0),
  attempts          integer NOT NULL CHECK (attempts >= 0),
  not_before        bigint NOT NULL,
  queued_at         bigint NOT NULL,
  started_at        bigint,
  finished_at       bigint,
  accepted_attempt_id text COLLATE "C",
  failure           json,
  UNIQUE (job_id, task_index)
) WITH (fillfactor = 80);

CREATE INDEX tasks_queue ON tasks (tier_rank, queued_at, task_index, task_id) WHERE pending > 0;
CREATE INDEX tasks_open ON tasks (job_id, task_id) WHERE status IN ('queued', 'running');
CREATE INDEX tasks_standing ON tasks (tier_rank, status, queued_at) WHERE status IN ('queued', 'running');

CREATE TABLE attempts (
  attempt_id        text COLLATE "C" PRIMARY KEY,
  task_id           text COLLATE "C" NOT NULL REFERENCES tasks,
  job_id            text COLLATE "C" NOT NULL,
  node_id           text COLLATE "C" NOT NULL,
  owner_id          text COLLATE "C" NOT NULL,
  fence             integer NOT NULL CHECK (fence >= 1),
  status            text NOT NULL CHECK (status IN ('leased', 'running', 'reported', 'lost', 'returned', 'cancelled')),
  leased_at         bigint NOT NULL,
  lease_expires_at  bigint NOT NULL,
  started_at        bigint,
  ended_at          bigint,
  report            json,
  note              text,
  -- The gateway that sent it to its node.
  gateway_id        text COLLATE "C",
  UNIQUE (task_id, fence)
) WITH (fillfactor = 80);

CREATE INDEX attempts_live ON attempts (node_id, leased_at, attempt_id) WHERE status IN ('leased', 'running');
CREATE INDEX attempts_expiring ON attempts (lease_expires_at, attempt_id) WHERE status IN ('leased', 'running');
CREATE INDEX attempts_undispatched ON attempts (node_id, leased_at, attempt_id)
  WHERE status = 'leased' AND gateway_id IS NULL;
`
