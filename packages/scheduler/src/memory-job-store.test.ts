import { MemoryDatabase } from '@fog/kernel'
import { MemoryJobStore } from './memory-job-store.ts'
import { describeJobStore } from './testing/index.ts'

describeJobStore('MemoryJobStore', async () => {
  const database = new MemoryDatabase()
  const store = new MemoryJobStore(database)
  return { transact: (work) => database.transact(() => work(store)), close: async () => {} }
})
