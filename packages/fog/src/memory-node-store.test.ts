import { MemoryDatabase } from '@fog/kernel'
import { MemoryNodeStore } from './memory-node-store.ts'
import { describeNodeStore } from './testing/index.ts'

describeNodeStore('MemoryNodeStore', async () => {
  const database = new MemoryDatabase()
  const store = new MemoryNodeStore(database)
  return { transact: (work) => database.transact(() => work(store)), close: async () => {} }
})
