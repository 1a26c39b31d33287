import { MemoryDatabase } from '@fog/kernel'
import { MemoryLedgerStore } from './memory-ledger-store.ts'
import { describeLedgerStore } from './testing/index.ts'

describeLedgerStore('MemoryLedgerStore', async () => {
  const database = new MemoryDatabase()
  const store = new MemoryLedgerStore(database)
  return { transact: (work) => database.transact(() => work(store)), close: async () => {} }
})
