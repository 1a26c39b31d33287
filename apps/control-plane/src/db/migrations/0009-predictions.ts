/**
 * What past runs tell of those to come, and the queue by account: a line for each tier and account, so that one account's
 * hundred thousand tasks do not stand before another's one.
 */
export const predictions = `
CREATE TABLE run_histories (
  -- A program's digest, the same with an account, or a device.
  key               text COLLATE "C" PRIMARY KEY,
  runs              json NOT NULL,
  speed             double precision NOT NULL CHECK (speed > 0),
  learned_at        bigint NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX run_histories_by_age ON run_histories (learned_at);

ALTER TABLE tasks
  ADD COLUMN account_id text COLLATE "C",
  ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100);
UPDATE tasks SET account_id = jobs.account_id FROM jobs WHERE jobs.job_id = tasks.job_id;
ALTER TABLE tasks ALTER COLUMN account_id SET NOT NULL;
CREATE INDEX tasks_lines
  ON tasks (tier_rank, account_id, priority DESC, deadline_at, queued_at, task_index, task_id) WHERE pending > 0;
`
