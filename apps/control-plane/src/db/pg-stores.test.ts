import { describeJobStore, describeRunStore, describeStepStore, describeTierStore } from '@fog/scheduler/testing'
import { describeLedgerStore } from '@fog/tokenomics/testing'
import { describeNodeStore } from '@fog/fog/testing'
import { afterAll, beforeAll, describe } from 'vitest'
import { describeOwnStores } from './testing/own-stores-suite.ts'
import { scratchDatabases, SERVERS } from './testing/scratch-database.ts'
import type { Transaction } from '../ports.ts'
import type { ScratchDatabase, ScratchDatabases } from './testing/scratch-database.ts'

for (const { name, binariesDir, present } of SERVERS) {
  // oxlint-disable-next-line vitest/valid-title -- the server's own name
  describe.runIf(present)(name, () => {
    let scratch: ScratchDatabases
    let one: ScratchDatabase

    beforeAll(async () => {
      scratch = await scratchDatabases(binariesDir)
      one = await scratch.open()
    })
    afterAll(async () => {
      await one.close()
      await scratch.stop()
    })

    /** One database, emptied after each test. */
    const open = async () => ({ database: one.database, close: () => one.wipe() })

    /** One store of the transaction, as the suites want it. */
    const harness =
      <Store>(pick: (transaction: Transaction) => Store) =>
      async () => ({
        transact: <T>(work: (store: Store) => Promise<T>) => one.database.transact((tx) => work(pick(tx))),
        close: () => one.wipe(),
      })

    describeOwnStores('PgDatabase', open)
    describeNodeStore(
      'PgNodeStore',
      harness((tx) => tx.nodes),
    )
    describeJobStore(
      'PgJobStore',
      harness((tx) => tx.jobs),
      { sideBySide: true },
    )
    describeStepStore(
      'PgJobStore',
      harness((tx) => tx.jobs),
    )
    describeTierStore(
      'PgTierStore',
      harness((tx) => tx.jobs),
    )
    describeRunStore(
      'PgRunStore',
      harness((tx) => tx.jobs),
    )
    describeLedgerStore(
      'PgLedgerStore',
      harness((tx) => tx.ledger),
    )
  })
}
