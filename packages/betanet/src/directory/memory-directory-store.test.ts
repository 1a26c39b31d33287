import { describeDirectoryStore } from '../testing/directory-store-suite.ts'
import { MemoryDirectoryStore } from './memory-directory-store.ts'

describeDirectoryStore('MemoryDirectoryStore', async () => ({
  store: new MemoryDirectoryStore(),
  close: async () => {},
}))
