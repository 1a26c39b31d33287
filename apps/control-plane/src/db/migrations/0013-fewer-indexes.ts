/**
 * Every change of a task or an attempt writes all indexes it is in anew, so each costs every task of its life. Gone are the
 * queue without accounts, which `tasks_lines` took the place of, and the open tasks of a job, which are found among all of its
 * tasks; leases to send are found in the order they are sent in.
 */
export const fewerIndexes = `
DROP INDEX tasks_queue;
DROP INDEX tasks_open;

DROP INDEX attempts_undispatched;
CREATE INDEX attempts_undispatched ON attempts (leased_at, attempt_id) WHERE status = 'leased' AND gateway_id IS NULL;
`
