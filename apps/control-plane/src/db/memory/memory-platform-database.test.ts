import { describeOwnStores } from '../testing/own-stores-suite.ts'
import { MemoryPlatformDatabase } from './memory-platform-database.ts'

describeOwnStores('MemoryPlatformDatabase', async () => {
  const database = new MemoryPlatformDatabase()
  return { database, close: () => database.close() }
})
