import { describe } from 'vitest'
import { describeAccessStore } from './access-store-suite.ts'
import { describeBlobIndex } from './blob-index-suite.ts'
import { describeCheckpointStore } from './checkpoint-store-suite.ts'
import { describeDatabase } from './database-suite.ts'
import { describeEventLog } from './event-log-suite.ts'
import { describeFrontStore } from './front-store-suite.ts'
import { describeGatewayStore } from './gateway-store-suite.ts'
import { describeLogStore } from './log-store-suite.ts'
import { describeMixnetStore } from './mixnet-store-suite.ts'
import { describeQuotaStore } from './quota-store-suite.ts'
import { describeScheduleStore } from './schedule-store-suite.ts'
import type { OpenDatabase } from './open-database.ts'

/** What the control plane's own stores, and the database as a whole, must do whatever they are kept in. */
export function describeOwnStores(name: string, open: OpenDatabase): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(name, () => {
    describeDatabase(open)
    describeAccessStore(open)
    describeBlobIndex(open)
    describeEventLog(open)
    describeLogStore(open)
    describeFrontStore(open)
    describeGatewayStore(open)
    describeQuotaStore(open)
    describeScheduleStore(open)
    describeCheckpointStore(open)
    describeMixnetStore(open)
  })
}
