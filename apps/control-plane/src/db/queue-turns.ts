import type { Instant, JobId } from '@fog/kernel'
import { AGEING_MS, LINE_LEAST, LINES_WHOLE, TIERS } from '@fog/scheduler'
import { type RawBuilder, sql } from 'kysely'
import { texts } from './rows.ts'

/** Tiers whose tasks age, as they are ranked in `tasks`. */
const AGEING_RANKS = [TIERS.indexOf('silver'), TIERS.indexOf('bronze')] as const

/**
 * Which tasks are next, as `(task_id, class, turn, due)`, for `takeQueued`. A line is what one account has queued in one tier;
 * lines are found by skipping through their index, and each gives up its first few, so that reading costs what is read however
 * long a line is. `class` is the tier, with what has aged between Gold and Silver.
 */
export function queueTurns(now: Instant, limit: number, except: readonly JobId[]): RawBuilder<unknown> {
  // Asked of each task as it is read, not joined: read in the order of an index, few are asked before there are enough.
  const isOfOpenJob = sql`(SELECT status FROM jobs WHERE jobs.job_id = tasks.job_id) IN ('queued', 'running')`
  const isReady = sql`tasks.pending > 0 AND tasks.not_before <= ${now} AND NOT tasks.job_id = ANY (${texts(except)})
    AND ${isOfOpenJob}`
  const hasAged = sql`tasks.tier_rank IN (${sql.lit(AGEING_RANKS[0])}, ${sql.lit(AGEING_RANKS[1])})
    AND tasks.status = 'queued' AND tasks.queued_at < ${now - AGEING_MS}`
  const aged = AGEING_RANKS.map(
    (rank) => sql`(
      SELECT task_id, tasks.queued_at, task_index FROM tasks
      WHERE tasks.tier_rank = ${sql.lit(rank)} AND tasks.status = 'queued' AND tasks.queued_at < ${now - AGEING_MS}
        AND tasks.blocked_by = 0 AND ${isReady}
      ORDER BY tasks.queued_at LIMIT ${limit}
    )`,
  )
  return sql`(
    WITH RECURSIVE lines AS (
      (SELECT tier_rank, account_id FROM tasks WHERE pending > 0 ORDER BY tier_rank, account_id LIMIT 1)
      UNION ALL
      SELECT next.tier_rank, next.account_id FROM lines CROSS JOIN LATERAL (
        SELECT tasks.tier_rank, tasks.account_id FROM tasks
        WHERE pending > 0 AND (tasks.tier_rank, tasks.account_id) > (lines.tier_rank, lines.account_id)
        ORDER BY tasks.tier_rank, tasks.account_id LIMIT 1
      ) next
    )
    SELECT task_id, class, turn, deadline_at AS due FROM (
      SELECT task_id, 1.5 AS class, 1::bigint AS turn,
        NULL::bigint AS deadline_at, queued_at, task_index
      FROM (${sql.join(aged, sql` UNION ALL `)}) aged
      UNION ALL
      SELECT first.task_id, lines.tier_rank, first.turn, first.deadline_at, first.queued_at, first.task_index
      FROM lines CROSS JOIN LATERAL (
        SELECT task_id, tasks.deadline_at, tasks.queued_at, task_index, row_number() OVER (
          ORDER BY priority DESC, tasks.deadline_at, tasks.queued_at, task_index, task_id
        ) AS turn
        FROM tasks
        WHERE tasks.tier_rank = lines.tier_rank AND tasks.account_id = lines.account_id AND ${isReady}
          AND NOT (${hasAged})
        ORDER BY priority DESC, tasks.deadline_at, tasks.queued_at, task_index, task_id
        LIMIT (
          SELECT least(${limit}, greatest(${LINE_LEAST}, ceil(${limit * LINES_WHOLE}::float8 / count(*)))) FROM lines
        )
      ) first
    ) turns
    ORDER BY class, turn, deadline_at, queued_at, task_index, task_id LIMIT ${limit}
  ) turns`
}
