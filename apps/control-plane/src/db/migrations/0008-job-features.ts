/**
 * Jobs of several steps, deadlines, quotas, and jobs that recur. A task that waits for others is queued with
 * `blocked_by > 0` and `pending = 0`: it is in no index of the queue until the last of them is done.
 */
export const jobFeatures = `
ALTER TABLE jobs ADD COLUMN deadline_at bigint;
ALTER TABLE tasks
  ADD COLUMN blocked_by integer NOT NULL DEFAULT 0 CHECK (blocked_by >= 0),
  -- That of its job: the queue is in this order.
  ADD COLUMN deadline_at bigint,
  ADD CONSTRAINT waits_unplaced CHECK (blocked_by = 0 OR pending = 0);

DROP INDEX tasks_queue;
CREATE INDEX tasks_queue ON tasks (tier_rank, deadline_at, queued_at, task_index, task_id) WHERE pending > 0;
DROP INDEX tasks_standing;
CREATE INDEX tasks_standing ON tasks (tier_rank, status, queued_at)
  WHERE status IN ('queued', 'running') AND blocked_by = 0;

CREATE INDEX jobs_due ON jobs (deadline_at, job_id)
  WHERE deadline_at IS NOT NULL AND status IN ('queued', 'running');
CREATE INDEX jobs_by_time ON jobs (account_id, submitted_at);

CREATE TABLE job_steps (
  job_id            text COLLATE "C" NOT NULL REFERENCES jobs,
  step              integer NOT NULL CHECK (step >= 0),
  -- Of the queued ones, those that wait for other tasks.
  waiting           integer NOT NULL CHECK (waiting >= 0),
  queued            integer NOT NULL CHECK (queued >= waiting),
  running           integer NOT NULL CHECK (running >= 0),
  done              integer NOT NULL CHECK (done >= 0),
  failed            integer NOT NULL CHECK (failed >= 0),
  cancelled         integer NOT NULL CHECK (cancelled >= 0),
  -- What other steps made for all of its tasks.
  inputs            jsonb NOT NULL,
  PRIMARY KEY (job_id, step)
) WITH (fillfactor = 80);

-- What differs from the settings; null is as the settings say.
CREATE TABLE account_quotas (
  account_id        text COLLATE "C" PRIMARY KEY,
  open_jobs         integer CHECK (open_jobs >= 0),
  open_tasks        integer CHECK (open_tasks >= 0),
  cpu_milli         bigint CHECK (cpu_milli >= 0),
  cost_per_day      numeric(38, 0) CHECK (cost_per_day >= 0)
);

CREATE TABLE schedules (
  schedule_id       text COLLATE "C" PRIMARY KEY,
  account_id        text COLLATE "C" NOT NULL,
  created_by        text COLLATE "C" NOT NULL,
  name              text NOT NULL,
  cron              text NOT NULL,
  timezone          text NOT NULL,
  catch_up          text NOT NULL CHECK (catch_up IN ('skip', 'one')),
  overlap           text NOT NULL CHECK (overlap IN ('allow', 'skip')),
  submission        json NOT NULL,
  status            text NOT NULL CHECK (status IN ('active', 'paused')),
  -- The next instant it is due; null when it never is again.
  next_at           bigint,
  created_at        bigint NOT NULL
);
CREATE INDEX schedules_by_account ON schedules (account_id, schedule_id);
CREATE INDEX schedules_due ON schedules (next_at, schedule_id) WHERE status = 'active' AND next_at IS NOT NULL;

-- One row for each instant it was due: the key is what keeps a job from being submitted twice.
CREATE TABLE schedule_runs (
  schedule_id       text COLLATE "C" NOT NULL REFERENCES schedules ON DELETE CASCADE,
  due_at            bigint NOT NULL,
  at                bigint NOT NULL,
  outcome           text NOT NULL CHECK (outcome IN ('submitted', 'refused', 'overlapped', 'missed')),
  job_id            text COLLATE "C",
  reason            text,
  PRIMARY KEY (schedule_id, due_at)
);
`
