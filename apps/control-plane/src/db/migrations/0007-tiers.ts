/**
 * What the tiers promise and what came of it: preemption, leases as short as a tier's restart time asks, the fee and the
 * credit of each job, and incidents.
 */
export const tiers = `
ALTER TABLE jobs
  -- Null of jobs older than this column.
  ADD COLUMN fee_basis_points integer CHECK (fee_basis_points BETWEEN 0 AND 10000),
  ADD COLUMN credit numeric(38, 0) CHECK (credit >= 0),
  ADD COLUMN credit_paid numeric(38, 0) CHECK (credit_paid BETWEEN 0 AND credit);
CREATE INDEX jobs_owing ON jobs (finished_at, job_id) WHERE credit_paid < credit;

ALTER TABLE attempts
  ADD COLUMN lease_ms integer CHECK (lease_ms > 0),
  ADD COLUMN yield_by bigint,
  DROP CONSTRAINT attempts_status_check,
  ADD CONSTRAINT attempts_status_check
    CHECK (status IN ('leased', 'running', 'reported', 'lost', 'returned', 'cancelled', 'preempted'));
CREATE INDEX attempts_preempted ON attempts (ended_at, task_id) WHERE status = 'preempted';

CREATE INDEX attempts_yielding ON attempts (yield_by, attempt_id)
  WHERE yield_by IS NOT NULL AND status IN ('leased', 'running');

-- Waits are measured over a window of time, from this index alone.
CREATE INDEX tasks_started ON tasks (started_at) INCLUDE (tier_rank, queued_at) WHERE started_at IS NOT NULL;

ALTER TABLE transfers
  DROP CONSTRAINT transfers_kind_check,
  ADD CONSTRAINT transfers_kind_check
    CHECK (kind IN ('mint', 'burn', 'hold', 'settle', 'release', 'transfer', 'credit'));

-- Restarts, and promises that were not kept. Rows are only ever added.
CREATE TABLE incidents (
  task_id           text COLLATE "C" NOT NULL REFERENCES tasks,
  kind              text NOT NULL CHECK (kind IN ('queue_wait', 'restart', 'run_stretch')),
  -- Of the attempt it is about; 0 for the wait in the queue.
  fence             integer NOT NULL CHECK (fence >= 0),
  job_id            text COLLATE "C" NOT NULL,
  tier_rank         smallint NOT NULL,
  at                bigint NOT NULL,
  measured          bigint NOT NULL,
  bound             bigint,
  broken            boolean NOT NULL,
  PRIMARY KEY (task_id, kind, fence)
);
CREATE INDEX incidents_by_job ON incidents (job_id, task_id, kind, fence);
CREATE INDEX incidents_by_time ON incidents (at);
`
