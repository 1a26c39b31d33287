import { MemoryBlobStore } from './memory-blob-store.ts'
import { describeBlobStore } from './testing/blob-store-suite.ts'

describeBlobStore('MemoryBlobStore', async () => ({ store: new MemoryBlobStore(), close: async () => {} }))
