import { access } from './0004-access.ts'
import { checkpoints } from './0006-checkpoints.ts'
import { content } from './0005-content.ts'
import { fewerIndexes } from './0013-fewer-indexes.ts'
import { fronts } from './0011-fronts.ts'
import { jobFeatures } from './0008-job-features.ts'
import { jobs } from './0002-jobs.ts'
import { ledger } from './0003-ledger.ts'
import { mixnet } from './0010-mixnet.ts'
import { nodes } from './0001-nodes.ts'
import { predictions } from './0009-predictions.ts'
import { reach } from './0012-reach.ts'
import { tiers } from './0007-tiers.ts'

/** One step of the schema. Once released it never changes: a later step changes what it made. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
}

/** In order, numbered from 1 without a gap. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'nodes', sql: nodes },
  { number: 2, name: 'jobs', sql: jobs },
  { number: 3, name: 'ledger', sql: ledger },
  { number: 4, name: 'access', sql: access },
  { number: 5, name: 'content', sql: content },
  { number: 6, name: 'checkpoints', sql: checkpoints },
  { number: 7, name: 'tiers', sql: tiers },
  { number: 8, name: 'job-features', sql: jobFeatures },
  { number: 9, name: 'predictions', sql: predictions },
  { number: 10, name: 'mixnet', sql: mixnet },
  { number: 11, name: 'fronts', sql: fronts },
  { number: 12, name: 'reach', sql: reach },
  { number: 13, name: 'fewer-indexes', sql: fewerIndexes },
]
